package bus

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	car   = Subjects{Prefix: "test.sf", Rig: "car"}
	epoch = time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)
)

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func quiet() (*slog.Logger, *logBuffer) {
	b := &logBuffer{}
	return slog.New(slog.NewTextHandler(b, nil)), b
}

func start(t *testing.T, o ServerOptions) *Server {
	t.Helper()
	o.Port = -1
	o.Log, _ = quiet()
	s, err := StartServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func connect(t *testing.T, o ConnOptions) *Conn {
	t.Helper()
	if o.Log == nil {
		o.Log, _ = quiet()
	}
	c, err := Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func source(t *testing.T, c *Conn, o SourceOptions) *Source {
	t.Helper()
	s, err := NewSource(within(t), c, car, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func next(t *testing.T, s *Source) perception.Event {
	t.Helper()
	d, err := s.Next(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return d.Event
}

func publish(t *testing.T, p *Publisher, events ...perception.Event) {
	t.Helper()
	for _, ev := range events {
		if err := p.Publish(within(t), ev); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
}

func drops(s *Source) map[string]uint64 {
	m := map[string]uint64{}
	for reason, n := range s.Drops {
		m[reason] = n
	}
	return m
}

func testRig() *perception.Rig {
	at := geom.Transform{Rotation: geom.Quat{W: 0.5, X: -0.5, Y: 0.5, Z: 1.0 / 3}, Translation: geom.Vec3{1.7, 0.1, 1.5}}
	return &perception.Rig{
		Name: "car",
		Cameras: []perception.Camera{
			{Name: "CAM_FRONT", Width: 1600, Height: 900, Intrinsics: geom.Mat3{1266.4, 0, 816.2, 0, 1266.4, 491.5, 0, 0, 1}, EgoFromCamera: at},
			{Name: "CAM_BACK", Width: 1600, Height: 900, Intrinsics: geom.Mat3{809.2, 0, 829.2, 0, 809.2, 481.8, 0, 0, 1}, EgoFromCamera: at},
		},
		EgoFromLidar: &geom.Transform{Rotation: geom.QuatFromYaw(-1.57), Translation: geom.Vec3{0.94, 0, 1.84}},
	}
}

func testPose(i int) perception.EgoPose {
	return perception.EgoPose{
		Time: epoch.Add(time.Duration(i) * time.Millisecond),
		GlobalFromEgo: geom.Transform{
			Rotation: geom.QuatFromYaw(float64(i) / 7), Translation: geom.Vec3{411.3 + float64(i)/3, 1180.9, 0},
		},
	}
}

func testFrame(camera string, i int) *perception.Frame {
	return &perception.Frame{
		Camera:   camera,
		Captured: epoch.Add(time.Duration(i) * time.Millisecond),
		Key:      &perception.KeyFrame{Time: epoch.Add(time.Second)},
		Sequence: uint64(i),
		Image:    fmt.Appendf(nil, "image %d of %s", i, camera),
	}
}

func testResult() *perception.Result {
	return &perception.Result{
		Rig:           "the blue car",
		KeyFrame:      "sample-7",
		Time:          epoch,
		GlobalFromEgo: testPose(3).GlobalFromEgo.Pose(),
		EgoFromModel:  geom.NewPose(geom.QuatFromYaw(-1.56), geom.Vec3{0.95, 0, 1.84}),
		EgoFromLidar:  new(testRig().EgoFromLidar.Pose()),
		Detections: []perception.Detection{
			{Class: 0, Score: 0.7, Center: geom.Vec3{10, 20, -1}, Size: geom.Vec3{1.9, 4.6, 1.7}, Yaw: 0.3, Velocity: [2]float64{1, 2}},
			{Class: 8, Score: 0.25, Center: geom.Vec3{-3, 5, 0}, Size: geom.Vec3{0.6, 0.7, 1.8}, Yaw: -3, Velocity: [2]float64{0, 1.1}},
		},
		Captured:       map[string]time.Time{"CAM_FRONT": epoch, "CAM_BACK": epoch.Add(-20 * time.Millisecond)},
		Missing:        []string{"CAM_LEFT", "CAM_RIGHT"},
		Rejected:       map[string]string{"CAM_LEFT": "truncated JPEG"},
		Damaged:        map[string]string{"CAM_BACK": "truncated after 62 % of its rows"},
		Suspect:        map[string]string{"CAM_BACK": "black", "CAM_FRONT": "frozen: same image for 2.5 s"},
		HistoryDepth:   8,
		HistoryAge:     4 * time.Second,
		Outside:        []string{"CAM_FRONT: fx is 900, training saw 1250 to 1280"},
		Reset:          "scene-0103",
		Model:          "small 0a1b2c3d",
		Quantisation:   "qdq",
		StageDurations: map[string]time.Duration{"encode": 61234567, "lift": 333},
	}
}

// port is the one that the server listens on.
func (s *Server) port() int { return s.server.Addr().(*net.TCPAddr).Port }
