package service

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// TestBeats: the sets taken are the nearest to beats that do not drift.
func TestBeats(t *testing.T) {
	for _, test := range []struct {
		name string
		rate float64
		sets []int // milliseconds
		want []int
	}{
		{"the stream's", 0, []int{0, 1, 2, 500, 400}, []int{0, 1, 2, 500, 400}},
		{"10 to 2 Hz", 2, []int{0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000}, []int{0, 500, 1000}},
		{"12 to 5 Hz", 5, []int{0, 83, 167, 250, 333, 417, 500, 583, 667, 750, 833, 917, 1000}, []int{0, 167, 417, 583, 833, 1000}},
		{"3 to 2 Hz", 2, []int{0, 333, 667, 1000, 1333, 1667, 2000}, []int{0, 667, 1000, 1667, 2000}},
		{"jitter", 2, []int{0, 110, 190, 310, 390, 490, 620, 680, 810, 900, 1020, 1100}, []int{0, 490, 1020}},
		{"a slower stream", 2, []int{0, 600, 1200, 1800, 2400, 5000}, []int{0, 600, 1200, 1800, 2400, 5000}},
		{"a gap", 2, []int{0, 100, 200, 1730, 1830, 2130, 2230, 2330}, []int{0, 1730, 2130}},
		{"time goes back", 2, []int{0, 100, 40, 140, 240, 340, 440, 540, 640}, []int{0, 40, 540}},
	} {
		b := every(test.rate)
		var got []int
		for i, at := range test.sets {
			if b.take(ms(at), i == 0) {
				got = append(got, at)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: sets at %v ms are taken, want %v", test.name, got, test.want)
		}
	}
}

// TestBeatsAreFollowed: whatever the stream's rate, the rate taken is the one asked for.
func TestBeatsAreFollowed(t *testing.T) {
	for _, hz := range []float64{5, 7.5, 10, 12, 12.5, 20, 25, 30, 60} {
		for _, rate := range []float64{0.5, 1, 2, 3, 4.9} {
			b, taken, minute := every(rate), 0, int(60*hz)
			for i := range minute {
				if b.take(epoch.Add(time.Duration(float64(i)/hz*1e9)), i == 0) {
					taken++
				}
			}
			if want := int(60 * rate); taken < want-1 || taken > want+1 {
				t.Errorf("%g Hz of %g: %d sets in a minute, want %d", rate, hz, taken, want)
			}
		}
	}
}

// TestRate: sets between the beats are lost as rate, each is settled, and a reset between
// beats counts.
func TestRate(t *testing.T) {
	events := []perception.Event{testRig()}
	for i := range 11 {
		if i == 7 {
			events = append(events, perception.Reset{Reason: "asked"})
		}
		events = append(events, perception.EgoPose{Time: ms(100 * i), GlobalFromEgo: geom.IdentityTransform()})
		for _, camera := range []string{"a", "b"} {
			events = append(events, testFrame(camera, 100*i))
		}
	}
	sink := &notebook{}
	s := New(&script{events: events, err: io.EOF}, &detector{}, sink, quiet(Options{Rate: 2, Lossless: true}))
	if err := s.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"0  stream started", "500", "700  asked"}, sink.results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if counts := s.Status().Counts; counts["lost.rate"] != 8 || counts["results"] != 3 {
		t.Errorf("counts %v, want 8 lost.rate and 3 results", counts)
	}
}
