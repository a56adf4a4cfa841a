package replay

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// Faults are the faults that [Inject] adds to frames. The zero value adds none.
type Faults struct {
	Seed      uint64
	Drop      []CameraDrop
	DropFrame float64       // probability that a frame is lost, 0 to 1
	Jitter    time.Duration // largest error of a capture time, earlier or later; Options.Poses has the poses for it
	Reorder   int           // size of the groups in which frames are shuffled; below 2 they keep their order
}

// CameraDrop is a camera that sends nothing during some key frames of each scene. They
// are counted anew after every reset.
type CameraDrop struct {
	Camera      string
	First, Last int // key frames from 0, both included; Last below 0 means to the end of the scene
}

// ParseCameraDrop reads NAME, for all key frames, or NAME@FROM-TO, both included.
func ParseCameraDrop(s string) (CameraDrop, error) {
	name, span := s, ""
	if at := strings.LastIndex(s, "@"); at >= 0 { // names may have one, too
		name, span = s[:at], s[at+1:]
	} else if s != "" {
		return CameraDrop{Camera: s, Last: -1}, nil
	}
	from, to, _ := strings.Cut(span, "-")
	first, errFirst := strconv.ParseUint(from, 10, 31)
	last, errLast := strconv.ParseUint(to, 10, 31)
	if errFirst != nil || errLast != nil || name == "" || last < first {
		return CameraDrop{}, fmt.Errorf("replay: camera drop %q, want NAME or NAME@FROM-TO such as CAM_BACK@3-10", s)
	}
	return CameraDrop{Camera: name, First: int(first), Last: int(last)}, nil
}

// Validate returns an error for the first value out of range.
func (f *Faults) Validate() error {
	switch {
	case !(f.DropFrame >= 0 && f.DropFrame <= 1):
		return fmt.Errorf("replay: frame loss %g, want a probability from 0 to 1", f.DropFrame)
	case f.Jitter < 0:
		return fmt.Errorf("replay: jitter %s, want 0 or more", f.Jitter)
	case f.Reorder < 0:
		return fmt.Errorf("replay: reordering of %d frames, want 0 or more", f.Reorder)
	}
	return nil
}

// Inject returns a source that delivers what the given one does, with faults.
// Rigs, poses and resets stay as they are, and no frame moves across a rig or a
// reset. Frames that a fault drops are settled with an error. It returns the error
// of [Faults.Validate].
func Inject(source perception.Source, faults Faults) (perception.Source, error) {
	if err := faults.Validate(); err != nil {
		return nil, err
	}
	return &faulty{
		Source: source, faults: faults, frame: -1,
		order: rand.New(rand.NewPCG(faults.Seed, 0)),
	}, nil
}

type faulty struct {
	perception.Source
	faults Faults
	order  *rand.Rand // of reordering

	frame   int                  // key frame within the scene, -1 before the first
	key     *perception.KeyFrame // it
	dropped atomic.Uint64

	held  []perception.Delivery // frames that wait to be shuffled
	ready []perception.Delivery
	end   error // of the source
}

// Next implements [perception.Source].
func (f *faulty) Next(ctx context.Context) (perception.Delivery, error) {
	for len(f.ready) == 0 {
		if f.end != nil {
			return perception.Delivery{}, f.end
		}
		d, err := f.Source.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			f.release()
			f.end = err
		case err != nil:
			return perception.Delivery{}, f.giveUp(err)
		default:
			f.take(d)
		}
	}
	next := f.ready[0]
	f.ready = f.ready[1:]
	return next, nil
}

// Drops implements [perception.Source]: those of the source, and the frames that
// faults dropped, as injected.
func (f *faulty) Drops(yield func(reason string, n uint64) bool) {
	more := true
	f.Source.Drops(func(reason string, n uint64) bool {
		more = yield(reason, n)
		return more
	})
	if more {
		yield("injected", f.dropped.Load())
	}
}

// giveUp settles the held frames with the error that ends the source.
func (f *faulty) giveUp(err error) error {
	for _, d := range f.held {
		d.Settle(err)
	}
	f.held = nil
	return err
}

// take makes a delivery ready, or drops or holds it.
func (f *faulty) take(d perception.Delivery) {
	switch e := d.Event.(type) {
	case *perception.Frame:
		f.takeFrame(e, d)
		return
	case perception.EgoPose:
	case perception.Reset:
		f.release()
		f.frame, f.key = -1, nil
	default:
		f.release()
	}
	f.ready = append(f.ready, d)
}

// errLost settles a frame that a fault drops.
var errLost = errors.New("replay: frame dropped by an injected fault")

func (f *faulty) takeFrame(frame *perception.Frame, d perception.Delivery) {
	if f.frame < 0 || frame.Key != nil && !f.key.Same(frame.Key) {
		f.frame++
		f.key = frame.Key
	}
	dice := f.dice(frame)
	lost := dice.Float64() < f.faults.DropFrame
	if lost || f.isDropped(frame.Camera) {
		f.dropped.Add(1)
		d.Settle(errLost)
		return
	}
	if f.faults.Jitter > 0 {
		d.Event = shifted(frame, jitter(dice, f.faults.Jitter))
	}
	f.held = append(f.held, d)
	if len(f.held) >= f.faults.Reorder {
		f.release()
	}
}

// shifted returns a copy of a frame whose capture time is wrong by d: its pose is
// then that of the wrong time.
func shifted(frame *perception.Frame, d time.Duration) *perception.Frame {
	wrong := *frame
	wrong.Captured = frame.Captured.Add(d)
	if d != 0 {
		wrong.OwnPose = nil
	}
	return &wrong
}

// jitter returns a time from -d to d, in whole microseconds as in recordings.
func jitter(dice *rand.Rand, d time.Duration) time.Duration {
	us := d.Microseconds()
	return time.Duration(dice.Int64N(2*us+1)-us) * time.Microsecond
}

func (f *faulty) isDropped(camera string) bool {
	for _, d := range f.faults.Drop {
		if d.Camera == camera && f.frame >= d.First && (d.Last < 0 || f.frame <= d.Last) {
			return true
		}
	}
	return false
}

// dice returns the random numbers of one frame, so that its faults do not depend
// on other frames.
func (f *faulty) dice(frame *perception.Frame) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", frame.Camera, frame.Sequence)
	return rand.New(rand.NewPCG(f.faults.Seed, h.Sum64()))
}

// release shuffles the held frames and makes them ready.
func (f *faulty) release() {
	if f.faults.Reorder > 1 {
		f.order.Shuffle(len(f.held), func(i, j int) { f.held[i], f.held[j] = f.held[j], f.held[i] })
	}
	f.ready = append(f.ready, f.held...)
	f.held = f.held[:0]
}
