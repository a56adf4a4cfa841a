package framesync

import (
	"fmt"
	"time"

	"github.com/solofusion/solofusion/internal/option"
	"github.com/solofusion/solofusion/perception"
)

// Sync assembles the frames of one rig. It is not safe for concurrent use.
type Sync struct {
	options  Options
	rig      *perception.Rig // nil before the first usable calibration
	cameras  []camera        // by the rig's
	poses    track
	keyed    keyFrames
	beat     beat
	counters Counters

	time  time.Time // the latest known: of the arrivals, or of the stamps in stream time
	start time.Time // when the first frame since the last reset came; zero before
	taken time.Time // when the latest frame came that was not refused

	emitted   time.Time // time of the last set in this sequence
	emittedAt time.Time // when that left
	fresh     string    // why the next set starts a sequence; "" if it does not

	stepped     Trouble // the latest jump of the time
	steppedAt   time.Time
	poseTrouble Trouble
	missed      bool // of the latest set, a pose was missing
	few         Trouble
	crowded     int       // sets that waited when these were last too many
	crowdedAt   time.Time // when that was
}

// New returns a Sync that waits for a calibration.
func New(o Options) *Sync {
	o = option.Fill(o, Defaults())
	return &Sync{options: o, poses: track{limit: o.Poses, trusted: o.StreamTime}, fresh: "stream started"}
}

// Counters returns the counts so far.
func (s *Sync) Counters() Counters { return s.counters }

// Rig returns the calibration in force, nil before the first.
func (s *Sync) Rig() *perception.Rig { return s.rig }

// Push takes a delivery that came at now, and returns the sets that leave with
// it. The event and what it points to must not change afterwards. The frames of a
// set are copies with their pose set; they share the image.
func (s *Sync) Push(d perception.Delivery, now time.Time) []Set {
	var out []Set
	s.tick(now)
	switch e := d.Event.(type) {
	case *perception.Rig:
		out = s.calibrate(e, d)
	case perception.EgoPose:
		s.pose(e, d, s.time)
	case *perception.Frame:
		out = s.frame(e, d)
	case perception.Reset:
		out = s.reset(e.Reason)
		d.Settle(nil)
	default:
		panic(fmt.Sprintf("framesync: unknown event %T", e))
	}
	return append(out, s.Advance(now)...)
}

// tick notes the caller's time, which never goes back. Stream time ignores it.
func (s *Sync) tick(now time.Time) {
	if !s.options.StreamTime && now.After(s.time) {
		s.time = now
	}
}

// Advance returns the sets that leave at the time now.
func (s *Sync) Advance(now time.Time) []Set {
	s.tick(now)
	out := s.expireHeld()
	out = append(out, s.releaseKeyed(s.time)...)
	return append(out, s.releaseBeats()...)
}

// Deadline returns when Advance is to be called at the latest; ok is false if nothing
// is pending. With StreamTime it is in the frames' own time.
func (s *Sync) Deadline() (at time.Time, ok bool) {
	sooner := func(t time.Time) {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	for _, g := range s.keyed.pending {
		sooner(g.deadline)
	}
	p := s.plan()
	if w, waits := p.first(p.entries()); waits {
		sooner(s.deadline(&p, &w))
	}
	if step, held := s.stepAt(); held {
		sooner(step)
	}
	for i := range s.cameras {
		if held := s.cameras[i].held; held != nil {
			sooner(s.expiry(held))
		}
	}
	return at, ok
}

// Flush returns all pending sets, complete or not. Frames without a pose are
// dropped, and frames between beats.
func (s *Sync) Flush() []Set {
	s.foldStrays()
	return s.flush()
}

// flush is Flush for frames.
func (s *Sync) flush() []Set {
	s.dropHeld()
	out := s.firstKeyed(len(s.keyed.pending))
	return append(out, s.flushBeats()...)
}

// Discard drops all pending sets.
func (s *Sync) Discard() {
	s.foldStrays()
	s.dropHeld()
	for _, g := range s.keyed.pending {
		for i, f := range g.frames {
			if f != nil {
				s.drop(Unfinished, "", g.from[i])
			}
		}
	}
	s.keyed.pending = nil
	for i := range s.cameras {
		s.dropWaiting(&s.cameras[i], Unfinished)
	}
}

// drop counts deliveries under r and settles them with it. Words may be empty.
func (s *Sync) drop(r Reason, words string, lost ...perception.Delivery) {
	s.counters.Dropped[r] += uint64(len(lost))
	for _, d := range lost {
		drop := &Drop{Reason: r, Words: words}
		if f, isFrame := d.Event.(*perception.Frame); isFrame {
			drop.Camera = f.Camera
			s.blame(f.Camera, r)
		}
		d.Settle(drop)
	}
}

// blame counts a dropped frame of a camera of the rig.
func (s *Sync) blame(name string, r Reason) {
	if s.rig == nil {
		return
	}
	if i := s.rig.Index(name); i >= 0 {
		s.cameras[i].dropped[r]++
	}
}

// dropWaiting drops the frames of a camera that wait.
func (s *Sync) dropWaiting(c *camera, r Reason) {
	for _, a := range c.waiting {
		s.drop(r, "", a.from)
	}
	c.waiting = c.waiting[:0]
}

// calibrate takes a calibration. Within a sequence, one that means the same as the one
// in force changes nothing. Another of the same cameras is used from the next set on, and
// does not end the sequence: where the vehicle was does not depend on it. Other cameras
// begin one, since nothing is known of their time lines.
func (s *Sync) calibrate(r *perception.Rig, d perception.Delivery) (out []Set) {
	if r.Validate() != nil {
		s.drop(InvalidCalibration, "", d)
		return nil
	}
	d.Settle(nil)
	begun := !s.start.IsZero()
	switch {
	case s.rig == nil:
		s.cameras = make([]camera, len(r.Cameras))
	case begun && s.rig.Name == r.Name && s.rig.Same(r):
		return nil
	case !s.rig.SameCameras(r):
		out = s.restart("calibration changed")
		s.cameras = s.camerasOf(r, func(old *camera) camera { return camera{tally: old.tally} })
	case !s.rig.Equal(r):
		out = s.firstKeyed(len(s.keyed.pending)) // by the numbers before
		s.keyed.previous = nil
		s.cameras = s.camerasOf(r, func(old *camera) camera { return *old })
	}
	s.rig = r
	return out
}

// camerasOf returns the cameras of another rig: of those that have the name of one
// before, what keep leaves of it.
func (s *Sync) camerasOf(r *perception.Rig, keep func(old *camera) camera) []camera {
	cameras := make([]camera, len(r.Cameras))
	for i := range cameras {
		if old := s.rig.Index(r.Cameras[i].Name); old >= 0 {
			cameras[i] = keep(&s.cameras[old])
		}
	}
	return cameras
}

// reset ends a sequence: nothing that is known of the stream's time holds for what
// follows.
func (s *Sync) reset(reason string) []Set {
	if reason == "" {
		reason = "reset"
	}
	out := s.restart(reason)
	s.foldStrays()
	s.poses.clear()
	for i := range s.cameras {
		s.cameras[i] = camera{tally: s.cameras[i].tally}
	}
	s.beat, s.start = beat{}, time.Time{}
	s.stepped, s.poseTrouble, s.few, s.crowded = Trouble{}, Trouble{}, Trouble{}, 0
	return out
}

// restart flushes the pending sets. The next set starts a sequence.
func (s *Sync) restart(reason string) []Set {
	out := s.flush()
	s.fresh, s.emitted, s.keyed.previous = reason, time.Time{}, nil
	s.beat.restart()
	if s.options.StreamTime {
		s.time = time.Time{}
	}
	for i := range s.cameras {
		s.cameras[i].restart()
	}
	return out
}
