package service

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// ledger is a source that records how often each delivery was settled, and with
// what the last time. It ends with err, or cancels the run if that is nil.
type ledger struct {
	events []perception.Event
	pauses []int // before each event, milliseconds
	err    error
	cancel context.CancelFunc

	mu    sync.Mutex
	given int
	times []int
	last  []error
}

func (l *ledger) Next(ctx context.Context) (perception.Delivery, error) {
	l.mu.Lock()
	i := l.given
	l.mu.Unlock()
	if i == len(l.events) {
		if l.err != nil {
			return perception.Delivery{}, l.err
		}
		l.cancel()
		<-ctx.Done()
		return perception.Delivery{}, ctx.Err()
	}
	time.Sleep(time.Duration(l.pauses[i]) * time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.given++
	l.times, l.last = append(l.times, 0), append(l.last, nil)
	return perception.Delivery{Event: l.events[i], Done: func(err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.times[i]++
		l.last[i] = err
	}}, nil
}

func (l *ledger) Drops(func(string, uint64) bool) {}

// check wants each delivery settled once, and as many frames with nil as are in
// published sets.
func (l *ledger) check(t interface{ Fatalf(string, ...any) }, published int) {
	for i, n := range l.times {
		if n != 1 {
			t.Fatalf("delivery %d, %+v, was settled %d times", i, l.events[i], n)
		}
		if _, isFrame := l.events[i].(*perception.Frame); isFrame && l.last[i] == nil {
			published--
		}
	}
	if published != 0 {
		t.Fatalf("%d more frames were published than settled with nil", published)
	}
}

// flaky is a slow detector and sink that fail as its fields determine.
type flaky struct {
	pauses          []int // of each step, milliseconds, in turn
	fails, refuses  []bool
	steps, receipts int
	frames          int // in published sets
}

func (m *flaky) Look(set *perception.FrameSet) (finish func() (*perception.Result, error)) {
	time.Sleep(time.Duration(m.pauses[0]) * time.Millisecond)
	return func() (*perception.Result, error) { return m.step(set) }
}

func (m *flaky) step(set *perception.FrameSet) (*perception.Result, error) {
	i := m.steps
	m.steps++
	time.Sleep(time.Duration(m.pauses[i%len(m.pauses)]) * time.Millisecond)
	if m.fails[i%len(m.fails)] {
		return nil, errors.New("bad poses")
	}
	return &perception.Result{Time: set.Time, Captured: captured(set)}, nil
}

func (m *flaky) Publish(_ context.Context, moment *perception.Moment) error {
	i := m.receipts
	m.receipts++
	if m.refuses[i%len(m.refuses)] {
		return errors.New("full")
	}
	m.frames += len(moment.Set.Frames) - len(moment.Set.Missing())
	return nil
}

func (m *flaky) Status(context.Context, *perception.Status) error { return nil }
func (m *flaky) Flush(context.Context) error                      { return nil }

// anyEvents returns a drive with faults. It has poses for all of its time.
func anyEvents(t *rapid.T) []perception.Event {
	events := []perception.Event{testRig()}
	for at := 0; at <= 2000; at += 100 {
		events = append(events, perception.EgoPose{Time: ms(at), GlobalFromEgo: geom.IdentityTransform()})
	}
	for i := range rapid.IntRange(1, 60).Draw(t, "instants") {
		events = append(events, anyEvent(t, 20*i))
	}
	return events
}

func anyEvent(t *rapid.T, near int) perception.Event {
	at := near + rapid.IntRange(0, 60).Draw(t, "at")
	switch rapid.IntRange(0, 30).Draw(t, "kind") {
	case 0:
		return perception.Reset{Reason: "scene"}
	case 1:
		r := testRig()
		r.Cameras = r.Cameras[:rapid.IntRange(0, 2).Draw(t, "cameras")]
		return r
	case 2, 3:
		p := perception.EgoPose{Time: ms(at), GlobalFromEgo: geom.IdentityTransform()}
		p.GlobalFromEgo.Rotation.W = rapid.SampledFrom([]float64{1, 2, math.NaN()}).Draw(t, "w")
		return p
	}
	return testFrame(rapid.SampledFrom([]string{"a", "b", "a", "b", "x"}).Draw(t, "camera"), at)
}

// halves is a detector whose halves of a step take a second each.
type halves struct{ detector }

func (h *halves) Look(set *perception.FrameSet) (finish func() (*perception.Result, error)) {
	time.Sleep(time.Second)
	return func() (*perception.Result, error) {
		time.Sleep(time.Second)
		return h.step(set)
	}
}

// TestOverlap: the sets' halves run side by side, and results come in the sets' order.
func TestOverlap(t *testing.T) {
	for overlap, seconds := range map[bool]int{false: 20, true: 11} {
		synctest.Test(t, func(t *testing.T) {
			sink, began := &notebook{}, time.Now()
			s := New(&script{events: drive(10, nil), err: io.EOF}, &halves{}, sink, quiet(Options{Lossless: true, Overlap: overlap}))
			if err := s.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			sink.want(t, "0  stream started", "500", "1000", "1500", "2000", "2500", "3000", "3500", "4000", "4500")
			if took := time.Since(began); took != time.Duration(seconds)*time.Second {
				t.Errorf("overlap %t: 10 sets took %v, want %d s", overlap, took, seconds)
			}
		})
	}
}

// A frame is settled with the reason if its set led to no result.
func TestSettledWithTheReason(t *testing.T) {
	always, never := []bool{true}, []bool{false}
	for _, test := range []struct {
		name           string
		events         []perception.Event
		step           int // milliseconds
		fails, refuses []bool
		live           bool
		drain          time.Duration
		want           string // of the first frame whose set has no result
	}{
		{"published", drive(1, nil), 0, never, never, false, 0, ""},
		{"failed", drive(1, nil), 0, always, never, false, 0, "service: set lost: failed: bad poses"},
		{"unpublished", drive(1, nil), 0, never, always, false, 0, "service: set lost: unpublished: full"},
		{"behind", drive(4, nil), 100, never, never, true, 0, "service: set lost: behind: queue: full"},
		{"time is over", drive(2, nil), 100, never, never, true, time.Millisecond, "service: set lost: unfinished: context canceled"},
		{"unfinished", drive(1, func(_ int, camera string) bool { return camera == "b" }), 0, never, never, true, 0, "framesync: dropped: unfinished: a"},
		{"dropped", append(drive(1, nil), testFrame("x", 0)), 0, never, never, false, 0, "framesync: dropped: unknown_camera: x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				src := &ledger{events: test.events, pauses: make([]int, len(test.events)), cancel: cancel}
				if !test.live {
					src.err = io.EOF
				}
				m := &flaky{pauses: []int{test.step}, fails: test.fails, refuses: test.refuses}
				queue := 1
				if test.drain > 0 {
					queue = 2 // both sets wait, however late the first one is taken
				}
				o := Options{Lossless: !test.live, Queue: queue, Drain: test.drain, Sync: framesync.Options{Deadline: time.Hour}}
				if err := New(src, m, m, quiet(o)).Run(ctx); err != nil {
					t.Fatal(err)
				}
				src.check(t, m.frames)
				if got := src.firstLoss(); got != test.want {
					t.Errorf("settled with %q, want %q", got, test.want)
				}
			})
		})
	}
}

// firstLoss is the error of the first frame that was settled with one.
func (l *ledger) firstLoss() string {
	for i, err := range l.last {
		if _, isFrame := l.events[i].(*perception.Frame); isFrame && err != nil {
			return err.Error()
		}
	}
	return ""
}

// TestEveryDeliveryIsSettledOnce: for any events, live or lossless, for any failures
// and delays of the detector and the sink, and for any end.
func TestEveryDeliveryIsSettledOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := anyEvents(rt)
		ints := func(name string, n, most int) []int {
			return rapid.SliceOfN(rapid.IntRange(0, most), n, n).Draw(rt, name)
		}
		src := &ledger{
			events: events, pauses: ints("pauses", len(events), 20),
			err: rapid.SampledFrom([]error{nil, io.EOF, errors.New("cable cut")}).Draw(rt, "end"),
		}
		m := &flaky{
			pauses:  ints("steps", 5, 100),
			fails:   rapid.SliceOfN(rapid.Bool(), 3, 3).Draw(rt, "fails"),
			refuses: rapid.SliceOfN(rapid.Bool(), 3, 3).Draw(rt, "refuses"),
		}
		o := Options{
			Lossless: rapid.Bool().Draw(rt, "lossless"), Queue: rapid.IntRange(1, 3).Draw(rt, "queue"),
			Overlap: rapid.Bool().Draw(rt, "overlap"),
			Drain:   time.Duration(rapid.IntRange(1, 200).Draw(rt, "drain")) * time.Millisecond,
			Sync:    framesync.Options{Deadline: 30 * time.Millisecond, Pending: 3},
		}
		early := rapid.IntRange(1, 1500).Draw(rt, "cancelled after") // of about 600 ms
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			defer time.AfterFunc(time.Duration(early)*time.Millisecond, cancel).Stop()
			src.cancel = cancel
			err := New(src, m, m, quiet(o)).Run(ctx)
			if err != nil && err.Error() != "service: input: cable cut" {
				t.Errorf("Run returned %v", err)
			}
			synctest.Wait()
		})
		src.check(rt, m.frames)
	})
}
