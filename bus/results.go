package bus

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	pb "github.com/solofusion/solofusion/proto/solofusion/v1"
)

func encodeResult(r *perception.Result) *pb.Detections {
	m := &pb.Detections{
		Rig:            r.Rig,
		TimeUs:         micros(r.Time),
		KeyFrame:       r.KeyFrame,
		GlobalFromEgo:  encodePose(r.GlobalFromEgo),
		EgoFromLidar:   encodePose(r.EgoFromLidar),
		CamerasMissing: r.Missing,
		History: &pb.History{
			Depth:       uint32(r.HistoryDepth),
			OldestAgeUs: r.HistoryAge.Microseconds(),
			ResetReason: r.Reset,
		},
		Model:        r.Model,
		Quantisation: r.Quantisation,
	}
	globalFromLidar := r.GlobalFromEgo.Mul(r.EgoFromLidar)
	for i := range r.Detections {
		m.Detections = append(m.Detections, encodeDetection(&r.Detections[i], r.EgoFromLidar, globalFromLidar))
	}
	for _, name := range sorted(r.Captured) {
		m.CamerasUsed = append(m.CamerasUsed, &pb.CameraUse{Camera: name, CapturedUs: micros(r.Captured[name])})
	}
	for _, name := range sorted(r.Rejected) {
		m.CamerasRejected = append(m.CamerasRejected, &pb.CameraRejection{Camera: name, Reason: r.Rejected[name]})
	}
	for _, name := range sorted(r.StageDurations) {
		ms := float64(r.StageDurations[name]) / float64(time.Millisecond)
		m.Stages = append(m.Stages, &pb.StageTime{Stage: name, Milliseconds: ms})
	}
	return m
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func encodeDetection(d *perception.Detection, egoFromLidar, globalFromLidar geom.Pose) *pb.Detection {
	return &pb.Detection{
		ClassName: d.Class.String(),
		Score:     d.Score,
		Size:      encodeVec(d.Size),
		Lidar: &pb.Placement{
			Center: encodeVec(d.Center), Yaw: d.Yaw, VelocityX: d.Velocity[0], VelocityY: d.Velocity[1],
		},
		Ego:    encodePlacement(d.Placement().In(egoFromLidar)),
		Global: encodePlacement(d.Placement().In(globalFromLidar)),
	}
}

// decodeResult is the inverse of encodeResult, bit for bit, if times are whole
// microseconds.
func decodeResult(data []byte) (*perception.Result, error) {
	var m pb.Detections
	if err := proto.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	r := &perception.Result{
		Rig:          m.Rig,
		Time:         instant(m.TimeUs),
		KeyFrame:     m.KeyFrame,
		Missing:      m.CamerasMissing,
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
	if r.EgoFromLidar, err = decodePose(m.EgoFromLidar); err != nil {
		return nil, fmt.Errorf("ego_from_lidar: %w", err)
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
	at := d.GetLidar()
	if at.GetCenter() == nil || d.GetSize() == nil {
		return perception.Detection{}, fmt.Errorf("lidar.center or size is missing")
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

// states maps states to their numbers on the wire.
var states = map[perception.State]pb.ServiceState{
	perception.Starting: pb.ServiceState_SERVICE_STATE_STARTING,
	perception.Waiting:  pb.ServiceState_SERVICE_STATE_WAITING,
	perception.Running:  pb.ServiceState_SERVICE_STATE_RUNNING,
	perception.Degraded: pb.ServiceState_SERVICE_STATE_DEGRADED,
	perception.Draining: pb.ServiceState_SERVICE_STATE_DRAINING,
}

func encodeStatus(rig string, s *perception.Status) *pb.Status {
	return &pb.Status{
		Rig:         rig,
		TimeUs:      micros(s.Time),
		State:       states[s.State],
		Model:       s.Model,
		LastError:   s.LastError,
		LastErrorUs: micros(s.ErrorTime),
		Counts:      s.Counts,
	}
}

func decodeStatus(data []byte) (*perception.Status, error) {
	var m pb.Status
	if err := proto.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	s := &perception.Status{
		Time:      instant(m.TimeUs),
		Model:     m.Model,
		LastError: m.LastError,
		ErrorTime: instant(m.LastErrorUs),
		Counts:    m.Counts,
	}
	for state, number := range states {
		if number == m.State {
			s.State = state
			return s, nil
		}
	}
	return nil, fmt.Errorf("unknown state %v", m.State)
}
