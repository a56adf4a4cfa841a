package bus

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	pb "github.com/solofusion/solofusion/proto/solofusion/v1"
)

// errEnd is what decodeEvent returns for the message that ends a recording.
var errEnd = errors.New("bus: end of stream")

// encodeEvent returns the message of ev and the kind of its subject.
func encodeEvent(ev perception.Event) (kind string, m proto.Message) {
	switch e := ev.(type) {
	case *perception.Rig:
		return calibration, encodeRig(e)
	case perception.EgoPose:
		return pose, &pb.EgoPose{TimeUs: micros(e.Time), GlobalFromEgo: encodeTransform(e.GlobalFromEgo)}
	case *perception.Frame:
		return frame + Token(e.Camera), encodeFrame(e)
	case perception.Reset:
		return control, &pb.Control{Command: &pb.Control_Reset_{Reset_: &pb.Reset{Reason: text(e.Reason)}}}
	}
	panic(fmt.Sprintf("bus: unknown event %T", ev))
}

func encodeFrame(f *perception.Frame) *pb.Frame {
	m := &pb.Frame{
		Camera:        f.Camera,
		CapturedUs:    micros(f.Captured),
		Sequence:      f.Sequence,
		Image:         f.Image,
		GlobalFromEgo: encodeOptional(f.OwnPose),
		Format:        text(string(f.Layout.Format)),
		Width:         uint32(f.Layout.Width),
		Height:        uint32(f.Layout.Height),
		Stride:        uint32(f.Layout.Stride),
	}
	if f.Key != nil {
		m.KeyFrame, m.KeyTimeUs = f.Key.ID, micros(f.Key.Time)
		m.KeyGlobalFromEgo = encodeOptional(f.Key.GlobalFromEgo)
	}
	return m
}

func encodeRig(r *perception.Rig) *pb.RigCalibration {
	m := &pb.RigCalibration{
		Name: text(r.Name), EgoFromLidar: encodeOptional(r.EgoFromLidar), EgoFromBase: encodeOptional(r.EgoFromBase),
	}
	for i := range r.Cameras {
		c := &r.Cameras[i]
		m.Cameras = append(m.Cameras, &pb.CameraCalibration{
			Name:          c.Name,
			Width:         uint32(c.Width),
			Height:        uint32(c.Height),
			Intrinsics:    c.Intrinsics[:],
			EgoFromCamera: encodeTransform(c.EgoFromCamera),
		})
	}
	return m
}

// text returns s with a replacement for what is not UTF-8, which messages cannot
// hold. It is for words that nothing is found by.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// decodeEvent is the inverse of encodeEvent. It returns errEnd for the end of
// the stream and other errors for malformed messages.
func decodeEvent(kind string, data []byte) (perception.Event, error) {
	switch {
	case kind == calibration:
		return decodeRig(data)
	case kind == pose:
		return decodeEgoPose(data)
	case kind == control:
		return decodeControl(data)
	case strings.HasPrefix(kind, frame):
		return decodeFrame(strings.TrimPrefix(kind, frame), data)
	}
	return nil, fmt.Errorf("unknown kind %q, want calibration, pose, frame.<camera> or control", kind)
}

// unmarshal reads a message of the schema. The error names the message, in words for its
// sender.
func unmarshal(data []byte, m proto.Message) error {
	err := proto.Unmarshal(data, m)
	if err == nil {
		return nil
	}
	why := strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0") // some builds have one space, some the other
	return fmt.Errorf("not a %s: %s", m.ProtoReflect().Descriptor().FullName(), why)
}

func decodeRig(data []byte) (perception.Event, error) {
	var m pb.RigCalibration
	if err := unmarshal(data, &m); err != nil {
		return nil, err
	}
	if len(m.Cameras) == 0 {
		return nil, errors.New("it has no cameras")
	}
	r := &perception.Rig{Name: m.Name}
	var err error
	if r.EgoFromLidar, err = decodeOptional(m.EgoFromLidar); err != nil {
		return nil, fmt.Errorf("ego_from_lidar: %w", err)
	}
	if r.EgoFromBase, err = decodeOptional(m.EgoFromBase); err != nil {
		return nil, fmt.Errorf("ego_from_base: %w", err)
	}
	for _, c := range m.Cameras {
		camera, err := decodeCamera(c)
		if err != nil {
			return nil, fmt.Errorf("camera %q: %w", c.GetName(), err)
		}
		r.Cameras = append(r.Cameras, camera)
	}
	return r, nil
}

func decodeCamera(c *pb.CameraCalibration) (perception.Camera, error) {
	if len(c.GetIntrinsics()) != 9 {
		return perception.Camera{}, fmt.Errorf("intrinsics have %d numbers, want 9", len(c.GetIntrinsics()))
	}
	pose, err := decodeTransform(c.EgoFromCamera)
	return perception.Camera{
		Name:          c.Name,
		Width:         int(c.Width),
		Height:        int(c.Height),
		Intrinsics:    geom.Mat3(c.Intrinsics),
		EgoFromCamera: pose,
	}, err
}

func decodeEgoPose(data []byte) (perception.Event, error) {
	var m pb.EgoPose
	if err := unmarshal(data, &m); err != nil {
		return nil, err
	}
	pose, err := decodeTransform(m.GlobalFromEgo)
	if err != nil {
		return nil, fmt.Errorf("global_from_ego: %w", err)
	}
	if m.TimeUs == 0 {
		return nil, errors.New("time_us is missing")
	}
	return perception.EgoPose{Time: instant(m.TimeUs), GlobalFromEgo: pose}, nil
}

func decodeControl(data []byte) (perception.Event, error) {
	var m pb.Control
	if err := unmarshal(data, &m); err != nil {
		return nil, err
	}
	switch c := m.Command.(type) {
	case *pb.Control_Reset_:
		return perception.Reset{Reason: c.Reset_.GetReason()}, nil
	case *pb.Control_EndOfStream:
		return nil, errEnd
	}
	return nil, errors.New("command is missing or unknown, want reset or end_of_stream")
}

func decodeFrame(token string, data []byte) (perception.Event, error) {
	camera, err := Name(token)
	if err != nil {
		return nil, err
	}
	var m pb.Frame
	if err := unmarshal(data, &m); err != nil {
		return nil, err
	}
	switch {
	case m.Camera != camera:
		return nil, fmt.Errorf("the frame names camera %q, want %q as in the subject", m.Camera, camera)
	case m.CapturedUs == 0 && m.KeyFrame == "":
		return nil, errors.New("captured_us is missing")
	case keyTimeMissing(&m):
		return nil, errors.New("key_time_us is missing: a frame with key_frame or key_global_from_ego has the key frame's time too, on the clock of captured_us")
	}
	key, err := decodeKeyFrame(&m)
	if err != nil {
		return nil, fmt.Errorf("key_global_from_ego: %w", err)
	}
	own, err := decodeOptional(m.GlobalFromEgo)
	if err != nil {
		return nil, fmt.Errorf("global_from_ego: %w", err)
	}
	return &perception.Frame{
		Camera:   m.Camera,
		Captured: time.UnixMicro(m.CapturedUs).UTC(),
		Key:      key,
		Sequence: m.Sequence,
		Image:    m.Image,
		OwnPose:  own,
		Layout: perception.Layout{
			Format: perception.Format(m.Format), Width: int(m.Width), Height: int(m.Height), Stride: int(m.Stride),
		},
	}, nil
}

// keyTimeMissing reports whether a frame of a key frame does not say when that was. The time
// 0 is one of a recording that begins there: its images are not captured much later.
func keyTimeMissing(m *pb.Frame) bool {
	const later = time.Minute
	keyed := m.KeyFrame != "" || m.KeyGlobalFromEgo != nil
	return keyed && m.KeyTimeUs == 0 && m.CapturedUs > later.Microseconds()
}

// decodeKeyFrame returns the frame's key frame, nil if it has none.
func decodeKeyFrame(m *pb.Frame) (*perception.KeyFrame, error) {
	if m.KeyFrame == "" && m.KeyTimeUs == 0 && m.KeyGlobalFromEgo == nil {
		return nil, nil
	}
	pose, err := decodeOptional(m.KeyGlobalFromEgo)
	return &perception.KeyFrame{ID: m.KeyFrame, Time: time.UnixMicro(m.KeyTimeUs).UTC(), GlobalFromEgo: pose}, err
}
