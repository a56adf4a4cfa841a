package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func ms(n int) time.Time { return epoch.Add(time.Duration(n) * time.Millisecond) }

func testRig() *perception.Rig {
	r := &perception.Rig{Name: "car", EgoFromLidar: new(geom.IdentityTransform())}
	for _, name := range []string{"a", "b"} {
		r.Cameras = append(r.Cameras, perception.Camera{
			Name: name, Width: 8, Height: 4, Intrinsics: geom.Mat3{8, 0, 4, 0, 8, 2, 0, 0, 1}, EgoFromCamera: geom.IdentityTransform(),
		})
	}
	return r
}

func testFrame(camera string, at int) *perception.Frame {
	return &perception.Frame{Camera: camera, Captured: ms(at), Image: []byte(camera)}
}

// drive is a recording of n instants, 500 ms apart, with the frames of both cameras
// except those for which without returns true.
func drive(n int, without func(i int, camera string) bool) []perception.Event {
	events := []perception.Event{testRig()}
	for i := range n {
		events = append(events, perception.EgoPose{Time: ms(500 * i), GlobalFromEgo: geom.IdentityTransform()})
		for _, camera := range []string{"a", "b"} {
			if without == nil || !without(i, camera) {
				events = append(events, testFrame(camera, 500*i))
			}
		}
	}
	return events
}

// script is a source that delivers its events, then ends with err, or waits for
// the context if err is nil.
type script struct {
	events []perception.Event
	err    error
}

func (s *script) Next(ctx context.Context) (perception.Delivery, error) {
	if len(s.events) > 0 {
		ev := s.events[0]
		s.events = s.events[1:]
		return perception.Delivery{Event: ev}, nil
	}
	if s.err != nil {
		return perception.Delivery{}, s.err
	}
	<-ctx.Done()
	return perception.Delivery{}, ctx.Err()
}

func (s *script) Drops(yield func(string, uint64) bool) { yield("malformed", 3) }

// detector returns a result with the set's time and missing cameras.
type detector struct {
	mu    sync.Mutex
	steps []string
	begun chan string          // gets each step's set, if not nil
	wait  chan struct{}        // a step ends when it can receive, if not nil
	fail  func(step int) error // called by each step, if not nil
}

func (d *detector) Look(set *perception.FrameSet) (finish func() (*perception.Result, error)) {
	return func() (*perception.Result, error) { return d.step(set) }
}

func (d *detector) step(set *perception.FrameSet) (*perception.Result, error) {
	text := describe(set)
	d.mu.Lock()
	step := len(d.steps)
	d.steps = append(d.steps, text)
	d.mu.Unlock()
	if d.begun != nil {
		d.begun <- text
	}
	if d.wait != nil {
		<-d.wait
	}
	if d.fail != nil {
		if err := d.fail(step); err != nil {
			return nil, err
		}
	}
	return &perception.Result{
		Rig: set.Rig.Name, Time: set.Time, Captured: captured(set), Missing: set.Missing(), Reset: set.NewSequence, Model: "test", Quantisation: "none",
		GlobalFromEgo: set.GlobalFromEgo, EgoFromModel: set.Rig.EgoFromLidar.Pose(),
		StageDurations: map[string]time.Duration{"head": time.Millisecond},
	}, nil
}

// captured returns when the images of a set were.
func captured(set *perception.FrameSet) map[string]time.Time {
	all := map[string]time.Time{}
	for _, f := range set.Frames {
		if f != nil {
			all[f.Camera] = f.Captured
		}
	}
	return all
}

func describe(set *perception.FrameSet) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", set.Time.Sub(epoch).Milliseconds(), strings.Join(set.Missing(), ""), set.NewSequence))
}

// notebook is a sink that records results and statuses.
type notebook struct {
	mu       sync.Mutex
	results  []string
	statuses []perception.Status
	flushed  bool
	err      error
}

func (n *notebook) Publish(_ context.Context, m *perception.Moment) error {
	r := m.Result
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err != nil {
		return n.err
	}
	text := fmt.Sprintf("%d %s %s", r.Time.Sub(epoch).Milliseconds(), strings.Join(r.Missing, ""), r.Reset)
	n.results = append(n.results, strings.TrimSpace(text))
	return nil
}

func (n *notebook) Status(_ context.Context, s *perception.Status) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.statuses = append(n.statuses, *s)
	return nil
}

func (n *notebook) Flush(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.flushed = true
	return nil
}

func (n *notebook) want(t *testing.T, results ...string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if diff := cmp.Diff(results, n.results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func quiet(o Options) Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func counts(t *testing.T, s *Service, want map[string]uint64) {
	t.Helper()
	got := s.Status().Counts
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s is %d, want %d (all: %v)", name, got[name], n, got)
		}
	}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// awaitCount waits until a count of the status has reached n.
func awaitCount(t *testing.T, s *Service, name string, n uint64) {
	t.Helper()
	for end := within(t); s.Status().Counts[name] < n; time.Sleep(time.Millisecond) {
		if end.Err() != nil {
			t.Fatalf("%s is %d after 20 s, want %d", name, s.Status().Counts[name], n)
		}
	}
}

func TestLosslessRunsToTheEnd(t *testing.T) {
	events := drive(4, func(i int, camera string) bool { return i == 1 && camera == "b" || i == 3 && camera == "a" })
	d, sink := &detector{}, &notebook{}
	s := New(&script{events: events, err: io.EOF}, d, sink, quiet(Options{Lossless: true, Queue: 1}))
	if err := s.Run(within(t)); err != nil {
		t.Fatal(err)
	}
	sink.want(t, "0  stream started", "500 b", "1000", "1500 a")
	if !sink.flushed {
		t.Error("the sink was not flushed")
	}
	counts(t, s, map[string]uint64{"frames": 6, "poses": 4, "sets": 4, "incomplete": 2, "results": 4, "drop.malformed": 3, "lost.behind": 0})
	if st := s.Status(); st.State != perception.Degraded || st.Model != "test" {
		t.Errorf("status %+v", st)
	}
}

func TestLosslessWaitsForTheDetector(t *testing.T) {
	d, sink := &detector{begun: make(chan string), wait: make(chan struct{})}, &notebook{}
	s := New(&script{events: drive(20, nil), err: io.EOF}, d, sink, quiet(Options{Lossless: true, Queue: 1}))
	done := make(chan error, 1)
	go func() { done <- s.Run(within(t)) }()
	for range 20 {
		<-d.begun
		d.wait <- struct{}{}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	counts(t, s, map[string]uint64{"results": 20, "lost.behind": 0})
}

func TestLiveDropsTheOldestSetAndKeepsTheStartOfItsSequence(t *testing.T) {
	events := slices.Concat(drive(1, nil), []perception.Event{perception.Reset{Reason: "scene 2"}}, drive(5, nil)[1:])
	d, sink := &detector{begun: make(chan string), wait: make(chan struct{})}, &notebook{}
	src := &gate{script: script{events: events[3:]}, first: events[:4], open: make(chan struct{})}
	src.events = events[4:]
	s := New(src, d, sink, quiet(Options{Queue: 2, Sync: framesync.Options{Deadline: time.Hour}}))
	ctx, cancel := context.WithCancel(within(t))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if got := <-d.begun; got != "0  stream started" {
		t.Fatalf("the first set is %q", got)
	}
	close(src.open)
	awaitCount(t, s, "lost.behind", 3) // five sets more, two places
	d.wait <- struct{}{}
	for _, want := range []string{"1500  scene 2", "2000"} {
		if got := <-d.begun; got != want {
			t.Errorf("set %q, want %q", got, want)
		}
		d.wait <- struct{}{}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	sink.want(t, "0  stream started", "1500  scene 2", "2000")
}

// gate delivers its first events at once and the others when it is opened.
type gate struct {
	script
	first []perception.Event
	open  chan struct{}
}

func (g *gate) Next(ctx context.Context) (perception.Delivery, error) {
	if len(g.first) > 0 {
		ev := g.first[0]
		g.first = g.first[1:]
		return perception.Delivery{Event: ev}, nil
	}
	select {
	case <-g.open:
	case <-ctx.Done():
		return perception.Delivery{}, ctx.Err()
	}
	return g.script.Next(ctx)
}

func TestLiveSetLeavesIncompleteAtItsDeadline(t *testing.T) {
	synctest.Test(t, liveSetLeavesIncompleteAtItsDeadline)
}

func liveSetLeavesIncompleteAtItsDeadline(t *testing.T) {
	events := drive(1, func(_ int, camera string) bool { return camera == "b" })
	d, sink := &detector{begun: make(chan string)}, &notebook{}
	s := New(&script{events: events}, d, sink, quiet(Options{Sync: framesync.Options{Deadline: 10 * time.Millisecond}}))
	ctx, cancel := context.WithCancel(within(t))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if got := <-d.begun; got != "0 b stream started" {
		t.Errorf("the set is %q", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestDrainFinishesWhatIsComplete(t *testing.T) { synctest.Test(t, drainFinishesWhatIsComplete) }

func drainFinishesWhatIsComplete(t *testing.T) {
	events := drive(3, func(i int, camera string) bool { return i == 2 && camera == "b" })
	d, sink := &detector{begun: make(chan string, 3), wait: make(chan struct{})}, &notebook{}
	s := New(&script{events: events}, d, sink, quiet(Options{Queue: 2, Sync: framesync.Options{Deadline: time.Hour}}))
	ctx, cancel := context.WithCancel(within(t))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-d.begun
	awaitCount(t, s, "frames", 5)
	cancel()
	close(d.wait)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	sink.want(t, "0  stream started", "500")
	counts(t, s, map[string]uint64{"results": 2, "drop.unfinished": 1})
	if st := s.Status(); st.State != perception.Draining || !sink.flushed {
		t.Errorf("state %s, flushed %v", st.State, sink.flushed)
	}
}

func TestDrainHasALimit(t *testing.T) { synctest.Test(t, drainHasALimit) }

func drainHasALimit(t *testing.T) {
	d, sink := &detector{begun: make(chan string, 3), wait: make(chan struct{})}, &notebook{}
	s := New(&script{events: drive(3, nil)}, d, sink, quiet(Options{Queue: 3, Drain: time.Millisecond}))
	ctx, cancel := context.WithCancel(within(t))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-d.begun
	awaitCount(t, s, "sets", 3)
	cancel()
	time.Sleep(20 * time.Millisecond) // past the limit, by the bubble's clock
	close(d.wait)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	counts(t, s, map[string]uint64{"lost.unfinished": 2})
}

func TestAFailedSetIsCountedAndTheNextStartsItsSequence(t *testing.T) {
	d, sink := &detector{fail: func(step int) error {
		if step == 0 {
			return errors.New("bad poses")
		}
		return nil
	}}, &notebook{}
	s := New(&script{events: drive(3, nil), err: io.EOF}, d, sink, quiet(Options{Lossless: true}))
	if err := s.Run(within(t)); err != nil {
		t.Fatal(err)
	}
	sink.want(t, "500  stream started", "1000")
	counts(t, s, map[string]uint64{"lost.failed": 1, "results": 2})
	if st := s.Status(); st.LastError != "bad poses" || st.ErrorTime.IsZero() {
		t.Errorf("status %+v", st)
	}
}

func TestSourceError(t *testing.T) {
	sink := &notebook{}
	s := New(&script{events: drive(1, nil), err: errors.New("cable cut")}, &detector{}, sink, quiet(Options{Lossless: true}))
	if err := s.Run(within(t)); err == nil || err.Error() != "service: input: cable cut" {
		t.Errorf("Run returned %v", err)
	}
	sink.want(t, "0  stream started") // what was complete is published
}

func TestSinkError(t *testing.T) {
	s := New(&script{events: drive(2, nil), err: io.EOF}, &detector{}, &notebook{err: errors.New("full")}, quiet(Options{Lossless: true}))
	if err := s.Run(within(t)); err != nil {
		t.Fatal(err)
	}
	counts(t, s, map[string]uint64{"lost.unpublished": 2, "results": 0})
}

func TestDropsAndCalibrationsAreLogged(t *testing.T) {
	var logged bytes.Buffer
	bad := testRig()
	bad.Cameras[0].Width = 0
	events := append(drive(1, nil), bad, testFrame("x", 0))
	log := slog.New(slog.NewTextHandler(&logged, nil))
	s := New(&script{events: events, err: io.EOF}, &detector{}, &notebook{}, Options{Lossless: true, Log: log})
	if err := s.Run(within(t)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"calibration rig=car cameras=2", `input invalid calibration: .*camera a`,
		`input unknown camera: .*x.* cause=unknown_camera count=1`,
	} {
		if n := len(regexp.MustCompile(want).FindAllString(logged.String(), -1)); n != 1 {
			t.Errorf("the log has %q %d times:\n%s", want, n, logged.String())
		}
	}
}

func TestStatusIsPublished(t *testing.T) { synctest.Test(t, statusIsPublished) }

func statusIsPublished(t *testing.T) {
	sink := &notebook{}
	s := New(&script{events: drive(1, nil)}, &detector{}, sink, quiet(Options{StatusPeriod: time.Millisecond}))
	ctx, cancel := context.WithCancel(within(t))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	running := func() bool {
		sink.mu.Lock()
		defer sink.mu.Unlock()
		return len(sink.statuses) > 0 && sink.statuses[len(sink.statuses)-1].State == perception.Running
	}
	for !running() {
		if ctx.Err() != nil {
			t.Fatal("no status has the state running")
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
