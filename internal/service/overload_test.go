package service

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// traffic is a live source of sets at a rate, of which every third lacks a camera, and a
// detector that takes a set a second. It counts.
type traffic struct {
	every      time.Duration
	sets, next int
	queue      []perception.Event

	mu      sync.Mutex              // of sent and settled
	sent    map[time.Time]time.Time // arrival of a set by its time
	settled map[time.Time]int
	frames  int
	worst   time.Duration // from arrival to result
	results int
	fails   bool // each second result is not published
}

func (s *traffic) Next(ctx context.Context) (perception.Delivery, error) {
	if len(s.queue) == 0 {
		select {
		case <-time.After(s.every):
			s.queue = s.set()
		case <-ctx.Done():
			return perception.Delivery{}, ctx.Err()
		}
	}
	if len(s.queue) == 0 {
		<-ctx.Done()
		return perception.Delivery{}, ctx.Err()
	}
	d := perception.Delivery{Event: s.queue[0]}
	s.queue = s.queue[1:]
	if f, ok := d.Event.(*perception.Frame); ok {
		s.frames++
		d.Done = func(error) { s.settle(f.Captured) }
	}
	return d, nil
}

func (s *traffic) settle(captured time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled[captured]++
}

// set returns the events of the next set, none after the last.
func (s *traffic) set() []perception.Event {
	if s.next == s.sets {
		return nil
	}
	at := time.Now()
	s.mu.Lock()
	s.sent[at] = at
	s.mu.Unlock()
	events := []perception.Event{perception.EgoPose{Time: at, GlobalFromEgo: geom.IdentityTransform()}}
	if s.next == 0 {
		events = append([]perception.Event{testRig()}, events...)
	}
	for i, camera := range []string{"a", "b"} {
		if i == 0 || s.next%3 != 2 {
			events = append(events, &perception.Frame{Camera: camera, Captured: at, Image: []byte(camera)})
		}
	}
	s.next++
	return events
}

func (s *traffic) Drops(func(string, uint64) bool) {}

// inference is the time of a step.
const inference = time.Second

func (s *traffic) Look(set *perception.FrameSet) (finish func() (*perception.Result, error)) {
	return func() (*perception.Result, error) { return s.step(set) }
}

func (s *traffic) step(set *perception.FrameSet) (*perception.Result, error) {
	time.Sleep(inference)
	return &perception.Result{Rig: "car", Time: set.Time, Captured: captured(set), Missing: set.Missing()}, nil
}

func (s *traffic) Publish(_ context.Context, m *perception.Moment) error {
	s.results++
	s.mu.Lock()
	defer s.mu.Unlock()
	s.worst = max(s.worst, time.Since(s.sent[m.Result.Time]))
	if s.fails && s.results%2 == 0 {
		return fmt.Errorf("result %d is too large", s.results)
	}
	return nil
}

func (s *traffic) Status(context.Context, *perception.Status) error { return nil }
func (s *traffic) Flush(context.Context) error                      { return nil }

// TestOverload: sets come twice and ten times as fast as they can be detected in. A result is
// at most two inferences old, and the deadline of an incomplete set; each frame is settled
// once and each set counted once; the log says once that it began and once that it is over.
func TestOverload(t *testing.T) {
	for _, test := range []struct {
		factor int
		fails  bool
	}{{2, false}, {10, false}, {10, true}} {
		t.Run(fmt.Sprintf("x%d fails=%v", test.factor, test.fails), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { overload(t, test.factor, test.fails) })
		})
	}
}

func overload(t *testing.T, factor int, fails bool) {
	const seconds = 60
	load := &traffic{
		every: inference / time.Duration(factor), sets: seconds * factor, fails: fails,
		sent: map[time.Time]time.Time{}, settled: map[time.Time]int{},
	}
	logged := &lineLog{}
	deadline := 30 * time.Millisecond
	s := New(load, load, load, Options{Log: logged.logger(), Sync: framesync.Options{Deadline: deadline}})
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc((seconds+20)*time.Second, cancel).Stop()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if most := 2*inference + deadline; load.worst > most {
		t.Errorf("a result is %v old, want at most %v", load.worst, most)
	}
	frames := 0
	for _, n := range load.settled {
		frames += n
	}
	if frames != load.frames {
		t.Errorf("%d frames were settled of %d", frames, load.frames)
	}
	counts := s.Status().Counts
	if sum := counts["results"] + counts["lost.behind"] + counts["lost.unpublished"]; sum != counts["sets"] || sum != uint64(load.sets) {
		t.Errorf("%d sets came to an end of %d, %d were sent", sum, counts["sets"], load.sets)
	}
	if least := uint64(seconds - seconds/10); counts["results"]+counts["lost.unpublished"] < least {
		t.Errorf("%d results in %d s, want at least %d", counts["results"], seconds, least)
	}
	logged.want(t, "detector overload since", 1)
	logged.want(t, "detector overload: over after", 1)
	logged.want(t, "results unpublished since", int(truth(fails)))
}

// slow is a detector that takes longer than service.stale_after for a set, and a way out that
// takes a while.
type slow struct{ *traffic }

func (s *slow) Look(set *perception.FrameSet) (finish func() (*perception.Result, error)) {
	return func() (*perception.Result, error) { return s.step(set) }
}

func (s *slow) step(set *perception.FrameSet) (*perception.Result, error) {
	time.Sleep(3 * inference)
	return s.traffic.step(set)
}

func (s *slow) Publish(ctx context.Context, m *perception.Moment) error {
	time.Sleep(3 * pulse)
	return s.traffic.Publish(ctx, m)
}

// TestSlowDetector: a service whose results are far apart since each takes long is ready.
func TestSlowDetector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		load := &traffic{every: inference, sets: 60, sent: map[time.Time]time.Time{}, settled: map[time.Time]int{}}
		logged := &lineLog{}
		s := New(load, &slow{load}, &slow{load}, Options{Log: logged.logger()})
		ctx, cancel := context.WithCancel(t.Context())
		defer time.AfterFunc(55*time.Second, cancel).Stop()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		logged.want(t, "waiting for sets: the first frames have come", 1)
		logged.want(t, "ready=false", 2) // at the start and at the end
	})
}

// lineLog keeps log lines.
type lineLog struct{ lines []string }

func (l *lineLog) Write(p []byte) (int, error) {
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *lineLog) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// want checks the number of lines with a text.
func (l *lineLog) want(t *testing.T, text string, n int) {
	t.Helper()
	got := slices.DeleteFunc(slices.Clone(l.lines), func(line string) bool { return !strings.Contains(line, text) })
	if len(got) != n {
		t.Errorf("%d lines have %q, want %d:\n%s", len(got), text, n, strings.Join(l.lines, ""))
	}
}

// The newest complete set wins: of the sets that wait the emptiest is dropped, also if it
// is the one that comes, and the oldest of several.
func TestEmptiest(t *testing.T) {
	set := func(frames ...*perception.Frame) waiting {
		return waiting{Set: framesync.Set{FrameSet: &perception.FrameSet{Frames: frames}}}
	}
	f := &perception.Frame{}
	for _, test := range []struct {
		name string
		sets []waiting
		want int
	}{
		{"both complete", []waiting{set(f, f), set(f, f)}, 0},
		{"the older is complete", []waiting{set(f, f), set(f, nil)}, 1},
		{"the newer is complete", []waiting{set(nil, f), set(f, f)}, 0},
		{"three", []waiting{set(f, f), set(nil, f), set(f, nil)}, 1},
	} {
		if got := emptiest(test.sets); got != test.want {
			t.Errorf("%s: %d is dropped, want %d", test.name, got, test.want)
		}
	}
}
