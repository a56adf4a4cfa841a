package framesync

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/perception"
)

var cameras = []string{"a", "b", "c", "d"}

// TestArrivalOrderDoesNotMatter: for any order of the frames of an instant, the
// sets are the same, and complete.
func TestArrivalOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		useKey := rapid.Bool().Draw(t, "key times")
		instants := rapid.IntRange(1, 6).Draw(t, "instants")
		straight, mixed := newScript(Options{}, rig(cameras...)), newScript(Options{}, rig(cameras...))
		both := func(now int, ev perception.Event) { straight.at(now, ev); mixed.at(now, ev) }
		for i := range instants {
			start := 500 * i
			for at := start; at <= start+100; at += 50 {
				both(start, poseAt(at))
			}
			frames := make([]*perception.Frame, len(cameras))
			for c, name := range cameras {
				frames[c] = frame(name, start+rapid.IntRange(0, 60).Draw(t, "offset"))
				if useKey {
					frames[c].Key = &perception.KeyFrame{Time: ms(start + 30)}
				}
			}
			for _, f := range frames {
				straight.at(start+60, f)
			}
			for _, f := range rapid.Permutation(frames).Draw(t, "order") {
				mixed.at(start+60, f)
			}
		}
		if diff := cmp.Diff(straight.got, mixed.got); diff != "" {
			t.Fatalf("sets differ by order (-straight +mixed):\n%s", diff)
		}
		if c := mixed.sync.Counters(); c.Sets != uint64(instants) || c.Incomplete != 0 {
			t.Fatalf("%d sets, %d of them incomplete, of %d instants", c.Sets, c.Incomplete, instants)
		}
	})
}

// TestNothingIsLost: for any events, each frame is in one set, pending, or counted
// as dropped; the sets of a sequence are in order of time; memory is bounded; a
// second run gives the same.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(anyEvent), 1, 120).Draw(t, "events")
		steps := rapid.SliceOfN(rapid.IntRange(0, 200), len(events), len(events)).Draw(t, "time between")
		o := Options{Pending: 3, Poses: 10, StreamTime: rapid.Bool().Draw(t, "stream time")}
		once, twice := newScript(o), newScript(o)
		now, used := 0, uint64(0)
		var last time.Time
		check := func(sets []Set) {
			for _, set := range sets {
				used += uint64(len(set.Frames) - len(set.Missing()))
				if set.NewSequence == "" && !set.Time.After(last) {
					t.Fatalf("set at %v after one at %v", set.Time, last)
				}
				last = set.Time
			}
		}
		for i, ev := range events {
			now += steps[i]
			sets := once.sync.Push(perception.Delivery{Event: ev}, ms(now))
			once.note(sets)
			check(sets)
			twice.at(now, ev)
			if len(once.sync.pending) > o.Pending || len(once.sync.poses.poses) > o.Poses {
				t.Fatalf("%d sets and %d poses are held", len(once.sync.pending), len(once.sync.poses.poses))
			}
		}
		sets := once.sync.Flush()
		once.note(sets)
		check(sets)
		if diff := cmp.Diff(once.got, twice.flush().got); diff != "" {
			t.Fatalf("the second run differs:\n%s", diff)
		}
		checkBalance(t, events, once.sync.Counters(), used)
	})
}

// ledger records how often each delivery was settled, and with what the last time.
type ledger struct {
	times []int
	last  []error
}

// deliver returns a delivery of ev that the ledger records.
func (l *ledger) deliver(ev perception.Event) perception.Delivery {
	i := len(l.times)
	l.times, l.last = append(l.times, 0), append(l.last, nil)
	return perception.Delivery{Event: ev, Done: func(err error) {
		l.times[i]++
		l.last[i] = err
	}}
}

// TestEveryDeliveryIsSettledOnce: for any events, and whether the end flushes or
// discards; the counters count the deliveries that are settled with a Reason.
func TestEveryDeliveryIsSettledOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, out, settled := New(Options{Pending: 3, Poses: 10}), ledger{}, 0
		take := func(sets []Set) {
			for i := range sets {
				sets[i].Settle(nil)
				settled += len(sets[i].Frames) - len(sets[i].Missing())
			}
		}
		events := rapid.SliceOfN(rapid.Custom(anyEvent), 1, 120).Draw(t, "events")
		for now, ev := range events {
			take(s.Push(out.deliver(ev), ms(40*now)))
		}
		if rapid.Bool().Draw(t, "discard") {
			s.Discard()
		}
		take(s.Flush())
		dropped := [reasons]uint64{}
		for i, n := range out.times {
			if n != 1 {
				t.Fatalf("delivery %d, %+v, was settled %d times", i, events[i], n)
			}
			var drop *Drop
			if errors.As(out.last[i], &drop) {
				dropped[drop.Reason]++
			} else if _, isFrame := events[i].(*perception.Frame); isFrame {
				settled--
			}
		}
		if dropped != s.Counters().Dropped || settled != 0 {
			t.Fatalf("settled as dropped %v, counted %v; %d frames of sets are not settled", dropped, s.Counters().Dropped, settled)
		}
	})
}

func checkBalance(t *rapid.T, events []perception.Event, c Counters, used uint64) {
	for r, n := range c.Dropped {
		if r := Reason(r); r != PoseConflict && r != InvalidCalibration {
			used += n
		}
	}
	for _, ev := range events {
		if p, isPose := ev.(perception.EgoPose); isPose && !p.GlobalFromEgo.IsFinite() {
			used-- // of PoseNotFinite, which counts frames too
		}
	}
	if used != c.Frames {
		t.Fatalf("%d frames came, %d are accounted for: %+v", c.Frames, used, c)
	}
}

func anyEvent(t *rapid.T) perception.Event {
	at := rapid.IntRange(0, 3000).Draw(t, "at")
	switch rapid.IntRange(0, 20).Draw(t, "kind") {
	case 0:
		return perception.Reset{Reason: "scene"}
	case 1:
		return rig(cameras[:rapid.IntRange(0, 4).Draw(t, "cameras")]...)
	case 2, 3, 4, 5:
		p := poseAt(at)
		if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
			p.GlobalFromEgo.Rotation.X = math.NaN()
		}
		return p
	}
	f := frame(rapid.SampledFrom([]string{"a", "b", "c", "d", "x"}).Draw(t, "camera"), at)
	f.Sequence = uint64(rapid.IntRange(0, 50).Draw(t, "sequence"))
	switch rapid.IntRange(0, 9).Draw(t, "time") {
	case 0:
		f.Captured = f.Captured.Add(time.Hour)
	case 1, 2, 3:
		f.Key = &perception.KeyFrame{
			ID: rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, "key frame"), Time: ms(500 * (at / 500)),
		}
	}
	if rapid.Bool().Draw(t, "own pose") {
		own := poseAt(at).GlobalFromEgo
		if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
			own.Translation[1] = math.Inf(1)
		}
		f.OwnPose = &own
	}
	return f
}
