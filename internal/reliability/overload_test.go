package reliability

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/service"
	"github.com/solofusion/solofusion/perception"
)

// slow takes a fixed time for a set.
type slow time.Duration

func (s slow) Look(set *perception.FrameSet) (finish func() (*perception.Result, error)) {
	return func() (*perception.Result, error) { return s.step(set) }
}

func (s slow) step(set *perception.FrameSet) (*perception.Result, error) {
	time.Sleep(time.Duration(s))
	return &perception.Result{
		Rig: set.Rig.Name, Time: set.Time, StageDurations: map[string]time.Duration{"all": time.Duration(s)},
	}, nil
}

// TestOverload: a service that is sent four times of what it can work off loses most
// sets, and all are accounted for.
func TestOverload(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	server, err := bus.StartServer(bus.ServerOptions{Port: -1, Store: t.TempDir(), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	connect := func() *bus.Conn {
		c, err := bus.Connect(bus.ConnOptions{Server: server})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ctx, cancel := context.WithCancel(t.Context())
	ours, theirs := connect(), connect()
	defer ours.Close()
	defer theirs.Close()
	subjects := bus.DefaultSubjects()
	source, err := bus.NewSource(ctx, theirs, subjects, bus.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	const inference = 200 * time.Millisecond
	s := service.New(source, slow(inference), bus.NewSink(theirs, subjects, bus.SinkOptions{}), service.Options{StatusPeriod: 100 * time.Millisecond, Log: quiet})
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()

	load := &Overload{Drive: standing(), Factor: 2, Duration: 3 * time.Second}
	strain, err := load.Run(ctx, ours, subjects, func() (int64, error) { return 1 << 20, nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := strain.Check(); err != nil {
		t.Error(err)
	}
	// 3 s of an inference each 200 ms, and a set each 100 ms; less on a busy machine.
	if n := len(strain.Results); n < 5 || n > 19 || strain.Sent < n+3 || strain.Inference != inference || len(strain.Memory) < 2 {
		t.Errorf("%d sets sent, %d results, %v each, memory %v", strain.Sent, n, strain.Inference, strain.Memory)
	}
	if p := strain.Quantile(0.5); p < 1 || p > 10 {
		t.Errorf("median latency of %.2f inferences", p)
	}
	if table := Strains([]*Strain{strain}); !strings.Contains(table, "| 2 x | 3s |") || !strings.Contains(table, "sets behind") {
		t.Error(table)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// standing is a drive of one set of two cameras.
func standing() *Drive {
	camera := func(name string) perception.Camera {
		return perception.Camera{
			Name: name, Width: 4, Height: 4, Intrinsics: geom.Mat3{4, 0, 2, 0, 4, 2, 0, 0, 1}, EgoFromCamera: geom.IdentityTransform(),
		}
	}
	rig := &perception.Rig{Name: "car", Cameras: []perception.Camera{camera("a"), camera("b")}}
	frames := []*perception.Frame{{Camera: "a", Image: []byte("a")}, {Camera: "b", Image: []byte("b")}}
	return &Drive{Sets: []*perception.FrameSet{{Rig: rig, Frames: frames}}}
}

func TestStrainsThatDoNotAddUp(t *testing.T) {
	sound := func() *Strain {
		return &Strain{
			Cameras: 6, Sent: 10, Results: make([]Answer, 4),
			Counts: map[string]uint64{"sets": 9, "results": 4, "lost.behind": 5, "frames": 54, "drop.queue_full": 6},
		}
	}
	if err := sound().Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Strain){
		"9 sets led to 4 results and 4 losses":   func(s *Strain) { s.Counts["lost.behind"]-- },
		"counts 4 results, and 3 came":           func(s *Strain) { s.Results = s.Results[:3] },
		"of 60 frames sent 59 are accounted for": func(s *Strain) { s.Counts["drop.queue_full"]-- },
	} {
		s := sound()
		change(s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
