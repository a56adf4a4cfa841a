package bus

import (
	"fmt"
	"time"

	"github.com/solofusion/solofusion/perception"
	pb "github.com/solofusion/solofusion/proto/solofusion/v1"
)

// states maps states to their numbers on the wire.
var states = map[perception.State]pb.ServiceState{
	perception.Starting: pb.ServiceState_SERVICE_STATE_STARTING,
	perception.Waiting:  pb.ServiceState_SERVICE_STATE_WAITING,
	perception.Running:  pb.ServiceState_SERVICE_STATE_RUNNING,
	perception.Degraded: pb.ServiceState_SERVICE_STATE_DEGRADED,
	perception.Draining: pb.ServiceState_SERVICE_STATE_DRAINING,
}

func encodeStatus(rig string, s *perception.Status) *pb.Status {
	m := &pb.Status{
		Rig:          rig,
		TimeUs:       micros(s.Time),
		State:        states[s.State],
		Model:        s.Model,
		LastError:    text(s.LastError),
		LastErrorUs:  micros(s.ErrorTime),
		Outside:      s.Outside,
		Counts:       s.Counts,
		Ready:        s.Ready,
		WaitingFor:   s.WaitingFor,
		Words:        text(s.Words),
		SinceUs:      micros(s.Since),
		Version:      text(s.Version),
		LastResultUs: micros(s.LastResult),
		HistoryDepth: uint32(s.HistoryDepth),
		Poses:        &pb.PoseStatus{NewestUs: micros(s.Poses.Newest), AgeUs: age(s.Poses.Age), Poses: s.Poses.Poses},
	}
	for i := range s.Troubles {
		m.Troubles = append(m.Troubles, encodeTrouble(&s.Troubles[i]))
	}
	for i := range s.Cameras {
		m.Cameras = append(m.Cameras, encodeCameraStatus(&s.Cameras[i]))
	}
	return m
}

// age returns a duration in microseconds, -1 if there is none.
func age(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return d.Microseconds()
}

func encodeTrouble(t *perception.Trouble) *pb.Trouble {
	return &pb.Trouble{
		Subject: text(t.Subject), IsCamera: t.IsCamera, Cause: t.Cause, Words: text(t.Words),
		SinceUs: micros(t.Since), Count: t.Count, Degrades: t.Degrades,
	}
}

func encodeCameraStatus(c *perception.CameraStatus) *pb.CameraStatus {
	return &pb.CameraStatus{
		Name: text(c.Name), State: c.State, Words: text(c.Words), AgeUs: age(c.Age), CapturedUs: micros(c.Captured),
		Frames: c.Frames, PeriodUs: c.Period.Microseconds(), OffsetUs: c.Offset.Microseconds(),
	}
}

// decodeStatus is the inverse of encodeStatus, if times and durations are whole
// microseconds.
func decodeStatus(data []byte) (*perception.Status, error) {
	var m pb.Status
	if err := unmarshal(data, &m); err != nil {
		return nil, err
	}
	s := &perception.Status{
		Time:         instant(m.TimeUs),
		Model:        m.Model,
		LastError:    m.LastError,
		ErrorTime:    instant(m.LastErrorUs),
		Outside:      m.Outside,
		Counts:       m.Counts,
		Ready:        m.Ready,
		WaitingFor:   m.WaitingFor,
		Words:        m.Words,
		Since:        instant(m.SinceUs),
		Version:      m.Version,
		LastResult:   instant(m.LastResultUs),
		HistoryDepth: int(m.HistoryDepth),
		Poses:        perception.PoseStatus{Newest: instant(m.GetPoses().GetNewestUs()), Age: duration(m.GetPoses().GetAgeUs()), Poses: m.GetPoses().GetPoses()},
	}
	for _, t := range m.Troubles {
		s.Troubles = append(s.Troubles, decodeTrouble(t))
	}
	for _, c := range m.Cameras {
		s.Cameras = append(s.Cameras, decodeCameraStatus(c))
	}
	for state, number := range states {
		if number == m.State {
			s.State = state
			return s, nil
		}
	}
	return nil, fmt.Errorf("unknown state %v", m.State)
}

func decodeTrouble(t *pb.Trouble) perception.Trouble {
	return perception.Trouble{
		Subject: t.GetSubject(), IsCamera: t.GetIsCamera(), Cause: t.GetCause(), Words: t.GetWords(),
		Since: instant(t.GetSinceUs()), Count: t.GetCount(), Degrades: t.GetDegrades(),
	}
}

func decodeCameraStatus(c *pb.CameraStatus) perception.CameraStatus {
	return perception.CameraStatus{
		Name: c.GetName(), State: c.GetState(), Words: c.GetWords(), Age: duration(c.GetAgeUs()), Captured: instant(c.GetCapturedUs()),
		Frames: c.GetFrames(), Period: duration(c.GetPeriodUs()), Offset: duration(c.GetOffsetUs()),
	}
}

func duration(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
