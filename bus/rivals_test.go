package bus

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// numberedFrame is an image at i tenths of a second.
func numberedFrame(tenth float64, sequence uint64) perception.Event {
	at := epoch.Add(time.Duration(tenth * float64(100*time.Millisecond)))
	return &perception.Frame{Camera: "CAM_FRONT", Captured: at, Sequence: sequence, Image: []byte{1}}
}

func place(tenth int, x float64) perception.EgoPose {
	return perception.EgoPose{
		Time:          epoch.Add(time.Duration(tenth) * 100 * time.Millisecond),
		GlobalFromEgo: geom.Transform{Rotation: geom.Quat{W: 1}, Translation: geom.Vec3{x, 0, 0}},
	}
}

// Two publishers are told of, and what a single one does is not.
func TestRivals(t *testing.T) {
	fewer, wobbling := testRig(), testRig()
	fewer.Cameras = fewer.Cameras[:1]
	wobbling.Cameras[0].Intrinsics[0] += 1e-9
	times := func(n int, events func(i int) []perception.Event) (all []perception.Event) {
		for i := range n {
			all = append(all, events(i)...)
		}
		return all
	}
	for _, test := range []struct {
		name   string
		events []perception.Event
		want   string // in the evidence, "" for none
	}{
		{"one publisher", times(50, func(i int) []perception.Event {
			return []perception.Event{numberedFrame(float64(i), uint64(i+1)), place(i, float64(i))}
		}), ""},
		{"lost images", times(50, func(i int) []perception.Event { return []perception.Event{numberedFrame(float64(i), uint64(7*i))} }), ""},
		{"a restart", times(50, func(i int) []perception.Event { return []perception.Event{numberedFrame(float64(i), uint64(i%25+1))} }), ""},
		{"a short loop", times(50, func(i int) []perception.Event { return []perception.Event{numberedFrame(float64(i), uint64(i%3+1))} }), ""},
		{"images without numbers", times(50, func(i int) []perception.Event { return []perception.Event{numberedFrame(float64(i), 0)} }), ""},
		{"images that overtake each other", times(50, func(i int) []perception.Event {
			return []perception.Event{numberedFrame(float64(i^1), uint64(i^1+1))}
		}), ""},
		{"repeated and rounded calibrations", times(50, func(i int) []perception.Event {
			return []perception.Event{[]*perception.Rig{testRig(), wobbling}[i%2]}
		}), ""},
		{"a changed calibration", []perception.Event{testRig(), fewer, fewer, testRig()}, ""},
		{"a loop of a drive", times(100, func(i int) []perception.Event { return []perception.Event{place(i, float64(i%20)*10)} }), ""},
		{"two series of numbers", times(10, func(i int) []perception.Event {
			return []perception.Event{numberedFrame(float64(i), uint64(1000+i)), numberedFrame(float64(i)+0.4, uint64(i+1))}
		}), "numbers of CAM_FRONT alternate between two series"},
		{"two of the same numbers", times(10, func(i int) []perception.Event {
			return []perception.Event{numberedFrame(float64(i), uint64(i+1)), numberedFrame(float64(i)+0.4, uint64(i+1))}
		}), "numbers of CAM_FRONT alternate"},
		{"two rates", times(10, func(i int) []perception.Event {
			f := float64(3 * i)
			return []perception.Event{numberedFrame(f, uint64(1000+3*i)), numberedFrame(f+1, uint64(1001+3*i)), numberedFrame(f+2, uint64(1002+3*i)), numberedFrame(f+2.5, uint64(i+1))}
		}), "numbers of CAM_FRONT alternate"},
		{"two calibrations", times(10, func(i int) []perception.Event {
			return []perception.Event{[]*perception.Rig{testRig(), fewer}[i%2]}
		}), "two calibrations alternate"},
		{"two places", times(10, func(i int) []perception.Event {
			return []perception.Event{place(2*i, float64(i)), place(2*i+1, 5000-float64(i))}
		}), "ego poses alternate between two places"},
		{"two poses for one time", times(10, func(i int) []perception.Event {
			return []perception.Event{place(i, float64(i)), place(i, float64(i)+0.5)}
		}), "two poses for the same times"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, now := newRivals(), epoch
			var got []string
			for _, ev := range test.events {
				now = now.Add(50 * time.Millisecond)
				if words := r.see(ev, now); words != "" {
					got = append(got, words)
				}
			}
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("told of %q", got[0])
			case test.want != "" && !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, test.want) }):
				t.Errorf("told of %q, want %q", got, test.want)
			}
		})
	}
}

// Losses of a single publisher's images, however many, are no second publisher.
func TestLossesAreNoRivals(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	r := newRivals()
	for i := range 20000 {
		if random.Float64() < 0.7 {
			continue
		}
		if words := r.see(numberedFrame(float64(i), uint64(i+1)), epoch.Add(time.Duration(i)*time.Millisecond)); words != "" {
			t.Fatalf("image %d: %s", i, words)
		}
	}
}

// A pose that is corrected now and then shows no second publisher.
func TestCorrectedPosesAreNoRivals(t *testing.T) {
	r := newRivals()
	for i := range 10 {
		now := epoch.Add(time.Duration(i) * 2 * returnsWithin)
		for _, x := range []float64{1, 1.5} {
			if words := r.see(place(i, x), now); words != "" {
				t.Fatalf("correction %d: %s", i, words)
			}
		}
	}
}

// A source counts what shows two publishers, and says so.
func TestTwoPublishersAreToldOf(t *testing.T) {
	srv := start(t, ServerOptions{})
	log, logged := quiet()
	src := source(t, connect(t, ConnOptions{Server: srv, Log: log}), SourceOptions{})
	one := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{})
	two := NewPublisher(connect(t, ConnOptions{Server: srv}), car, PublisherOptions{})
	for i := range 10 {
		publish(t, one, numberedFrame(float64(i), uint64(1000+i)))
		publish(t, two, numberedFrame(float64(i)+0.4, uint64(i+1)))
	}
	for range 20 {
		next(t, src)
	}
	if n := count(src, "two_publishers"); n < 10 {
		t.Errorf("two_publishers: %d", n)
	}
	if n := strings.Count(logged.String(), "two publishers seem to send for one rig"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, logged)
	}
}

// TestTwoServicesAreToldOf: each says so of the other, but not of itself, nor of one that
// ends when it begins.
func TestTwoServicesAreToldOf(t *testing.T) {
	srv := start(t, ServerOptions{})
	log, logged := quiet()
	conn, other := connect(t, ConnOptions{Server: srv, Log: log}), connect(t, ConnOptions{Server: srv})
	src := source(t, conn, SourceOptions{})
	send := func(c *Conn, n int) {
		t.Helper()
		for range n {
			if err := NewSink(c, car, SinkOptions{}).Status(t.Context(), &perception.Status{}); err != nil {
				t.Fatal(err)
			}
		}
		publish(t, NewPublisher(c, car, PublisherOptions{}), numberedFrame(1, 1))
		if c != conn {
			next(t, src) // the statuses came before
		}
	}
	send(conn, 20)
	send(other, 5)
	if n := count(src, "two_services"); n > 0 {
		t.Errorf("one service, and one that ends: %d", n)
	}
	send(other, 15)
	if n := count(src, "two_services"); n != 6 {
		t.Errorf("two services: %d", n)
	}
	if n := strings.Count(logged.String(), "two services take the same rig"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, logged)
	}
}

// count returns one of the source's counts.
func count(s *Source, name string) (n uint64) {
	for other, m := range s.Counts {
		if other == name {
			n = m
		}
	}
	return n
}
