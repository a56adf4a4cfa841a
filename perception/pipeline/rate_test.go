package pipeline

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/perception"
)

// paced returns a drive's sets with others times between them.
func paced(t testing.TB, intervals ...time.Duration) []*perception.FrameSet {
	t.Helper()
	sets := drive(t, len(intervals)+1)
	for i, between := range intervals {
		sets[i+1] = shifted(sets[i+1], sets[i].Time.Add(between))
	}
	return sets
}

// parked leaves the vehicle where it is in the first set, so that no interval makes its
// way one that no vehicle can go.
func parked(sets []*perception.FrameSet) []*perception.FrameSet {
	for _, set := range sets {
		set.GlobalFromEgo = sets[0].GlobalFromEgo
		for i, f := range set.Frames {
			if f != nil {
				f.GlobalFromEgo = sets[0].Frames[i].GlobalFromEgo
			}
		}
	}
	return sets
}

// shifted returns the set at another time.
func shifted(set *perception.FrameSet, at time.Time) *perception.FrameSet {
	s := *set
	s.Time, s.Frames = at, slices.Clone(set.Frames)
	for i, f := range set.Frames {
		frame := *f
		frame.Captured = frame.Captured.Add(at.Sub(set.Time))
		s.Frames[i] = &frame
	}
	return &s
}

// TestFasterStream: with two sets for each of the model's interval every set gets, once
// the start is history, what it gets if the sets between are not there.
func TestFasterStream(t *testing.T) {
	b := bundle(t)
	const sets = 16
	for _, o := range []Options{{History: "recursive"}, {History: "direct", Time: "measured"}} {
		all := paced(t, slices.Repeat([]time.Duration{250 * time.Millisecond}, sets-1)...)
		got := alone(t, b, o, all)
		for first := range 2 {
			var half []*perception.FrameSet
			for i := first; i < sets; i += 2 {
				half = append(half, all[i])
			}
			want := alone(t, b, o, half)
			for i := 5; i < len(want); i++ {
				if diff := cmp.Diff(want[i], got[2*i+first], untimed); diff != "" {
					t.Errorf("%+v, set %d (-2 Hz +4 Hz):\n%s", o, 2*i+first, diff)
				}
			}
		}
	}
}

// TestAgesAreCaptureTimes: what a result says of its history is measured, whatever the
// time convolution is told.
func TestAgesAreCaptureTimes(t *testing.T) {
	const ms = time.Millisecond
	var got []string
	sets := parked(paced(t, 100*ms, 400*ms, 700*ms, 300*ms, 400*ms))
	for _, r := range alone(t, bundle(t), Options{Time: "counted"}, sets) {
		got = append(got, fmt.Sprint(r.HistoryDepth, " ", r.HistoryAge))
	}
	if diff := cmp.Diff([]string{"0 0s", "0 0s", "1 500ms", "2 1.1s", "3 1.5s", "3 1.4s"}, got); diff != "" {
		t.Errorf("depth and age (-want +got):\n%s", diff)
	}
}

// TestSetsFurtherApartThanInTraining are named as soon as there are some, until the
// sequence ends or its sets are nearer again.
func TestSetsFurtherApartThanInTraining(t *testing.T) {
	const s, half = time.Second, 500 * time.Millisecond
	sets := paced(t, s, s, s, s, half, half, half, s, s, s, s)
	sets[11].NewSequence = "asked"
	const words = "sets are 1.0 s apart, training saw 0.5 s"
	want := []string{"", "", "", words, words, words, words, "", "", "sets are 0.8 s apart, training saw 0.5 s", words, ""}
	want[10] = want[9] // it keeps to its word
	for i, r := range alone(t, bundle(t), Options{}, sets) {
		got := ""
		for _, outside := range r.Outside {
			got += outside
		}
		if got != want[i] {
			t.Errorf("set %d: %q, want %q", i, got, want[i])
		}
	}
}
