package bus

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	pb "github.com/solofusion/solofusion/proto/solofusion/v1"
)

// encodeResult returns the message of r, with the boxes that o selects.
func encodeResult(r *perception.Result, o SinkOptions) *pb.Detections {
	m := &pb.Detections{
		Rig:            text(r.Rig),
		TimeUs:         micros(r.Time),
		KeyFrame:       r.KeyFrame,
		GlobalFromEgo:  encodePose(r.GlobalFromEgo),
		EgoFromModel:   encodePose(r.EgoFromModel),
		Outside:        r.Outside,
		CamerasMissing: r.Missing,
		History: &pb.History{
			Depth:       uint32(r.HistoryDepth),
			OldestAgeUs: r.HistoryAge.Microseconds(),
			ResetReason: text(r.Reset),
		},
		Model:        r.Model,
		Quantisation: r.Quantisation,
	}
	if r.EgoFromLidar != nil {
		m.EgoFromLidar = encodePose(*r.EgoFromLidar)
	}
	globalFromModel := r.GlobalFromEgo.Mul(r.EgoFromModel)
	for i := range r.Detections {
		if d := encodeDetection(r, &r.Detections[i], globalFromModel); o.selects(d) {
			m.Detections = append(m.Detections, d)
		}
	}
	for _, name := range sorted(r.Captured) {
		m.CamerasUsed = append(m.CamerasUsed, &pb.CameraUse{Camera: name, CapturedUs: micros(r.Captured[name])})
	}
	for _, name := range sorted(r.Rejected) {
		m.CamerasRejected = append(m.CamerasRejected, &pb.CameraRejection{Camera: name, Reason: text(r.Rejected[name])})
	}
	m.CamerasDamaged, m.CamerasSuspect = encodeRemarks(r.Damaged), encodeRemarks(r.Suspect)
	for _, name := range sorted(r.StageDurations) {
		ms := float64(r.StageDurations[name]) / float64(time.Millisecond)
		m.Stages = append(m.Stages, &pb.StageTime{Stage: name, Milliseconds: ms})
	}
	return m
}

// selects reports whether a sink publishes a box.
func (o SinkOptions) selects(d *pb.Detection) bool {
	at := d.Ego.Center
	return (o.MinScore == 0 || d.Score >= float32(o.MinScore)) && (o.Range == 0 || math.Hypot(at.X, at.Y) <= o.Range)
}

func encodeRemarks(words map[string]string) (all []*pb.CameraRemark) {
	for _, name := range sorted(words) {
		all = append(all, &pb.CameraRemark{Camera: name, Words: text(words[name])})
	}
	return all
}

// decodeRemarks returns nil if there are none.
func decodeRemarks(all []*pb.CameraRemark) map[string]string {
	if len(all) == 0 {
		return nil
	}
	words := make(map[string]string, len(all))
	for _, r := range all {
		words[r.GetCamera()] = r.GetWords()
	}
	return words
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func encodeDetection(r *perception.Result, d *perception.Detection, globalFromModel geom.Pose) *pb.Detection {
	m := &pb.Detection{
		ClassName: d.Class.String(),
		Score:     d.Score,
		Size:      encodeVec(d.Size),
		Model: &pb.Placement{
			Center: encodeVec(d.Center), Yaw: d.Yaw, VelocityX: d.Velocity[0], VelocityY: d.Velocity[1],
		},
		Ego:    encodePlacement(d.Placement().In(r.EgoFromModel)),
		Global: encodePlacement(d.Placement().In(globalFromModel)),
	}
	switch lidar := r.Lidar(d); {
	case lidar == nil:
	case *r.EgoFromLidar == r.EgoFromModel:
		m.Lidar = m.Model
	default:
		m.Lidar = encodePlacement(*lidar)
	}
	return m
}

// decodeResult is the inverse of encodeResult, bit for bit, if times are whole
// microseconds.
func decodeResult(data []byte) (*perception.Result, error) {
	var m pb.Detections
	if err := unmarshal(data, &m); err != nil {
		return nil, err
	}
	r := &perception.Result{
		Rig:          m.Rig,
		Time:         instant(m.TimeUs),
		KeyFrame:     m.KeyFrame,
		Missing:      m.CamerasMissing,
		Outside:      m.Outside,
		HistoryDepth: int(m.GetHistory().GetDepth()),
		HistoryAge:   time.Duration(m.GetHistory().GetOldestAgeUs()) * time.Microsecond,
		Reset:        m.GetHistory().GetResetReason(),
		Model:        m.Model,
		Quantisation: m.Quantisation,
	}
	var err error
	if r.GlobalFromEgo, err = decodePose(m.GlobalFromEgo); err != nil {
		return nil, fmt.Errorf("global_from_ego: %w", err)
	}
	if r.EgoFromModel, err = decodePose(m.EgoFromModel); err != nil {
		return nil, fmt.Errorf("ego_from_model: %w", err)
	}
	if m.EgoFromLidar != nil {
		lidar, err := decodePose(m.EgoFromLidar)
		if err != nil {
			return nil, fmt.Errorf("ego_from_lidar: %w", err)
		}
		r.EgoFromLidar = &lidar
	}
	decodeAccount(r, &m)
	for i, d := range m.Detections {
		detection, err := decodeDetection(d)
		if err != nil {
			return nil, fmt.Errorf("detection %d: %w", i, err)
		}
		r.Detections = append(r.Detections, detection)
	}
	return r, nil
}

func decodeAccount(r *perception.Result, m *pb.Detections) {
	r.Captured = make(map[string]time.Time, len(m.CamerasUsed))
	for _, c := range m.CamerasUsed {
		r.Captured[c.GetCamera()] = instant(c.GetCapturedUs())
	}
	r.Rejected = make(map[string]string, len(m.CamerasRejected))
	for _, c := range m.CamerasRejected {
		r.Rejected[c.GetCamera()] = c.GetReason()
	}
	r.Damaged, r.Suspect = decodeRemarks(m.CamerasDamaged), decodeRemarks(m.CamerasSuspect)
	r.StageDurations = make(map[string]time.Duration, len(m.Stages))
	for _, s := range m.Stages {
		r.StageDurations[s.GetStage()] = time.Duration(math.Round(s.GetMilliseconds() * float64(time.Millisecond)))
	}
}

func decodeDetection(d *pb.Detection) (perception.Detection, error) {
	class, ok := perception.ParseClass(d.GetClassName())
	if !ok {
		return perception.Detection{}, fmt.Errorf("unknown class %q", d.GetClassName())
	}
	at := d.GetModel()
	if at.GetCenter() == nil || d.GetSize() == nil {
		return perception.Detection{}, fmt.Errorf("model.center or size is missing")
	}
	return perception.Detection{
		Class:    class,
		Score:    d.Score,
		Center:   decodeVec(at.Center),
		Size:     decodeVec(d.Size),
		Yaw:      at.Yaw,
		Velocity: [2]float64{at.VelocityX, at.VelocityY},
	}, nil
}
