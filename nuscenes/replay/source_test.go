package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
	"github.com/solofusion/solofusion/perception"
)

func openTiny(t *testing.T, images bool) *nuscenes.Dataset {
	t.Helper()
	tables := tinyset.New()
	dir := tables.Write(t)
	if images {
		tables.WriteImages(t, dir)
	}
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func newSource(t *testing.T, ds *nuscenes.Dataset, options Options) *Source {
	t.Helper()
	s, err := NewSource(ds, ds.Scenes, options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// deliveries returns all that a source delivers.
func deliveries(t *testing.T, s perception.Source) []perception.Delivery {
	t.Helper()
	var all []perception.Delivery
	for {
		d, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
}

// drain returns all events of a source.
func drain(t *testing.T, s perception.Source) []perception.Event {
	t.Helper()
	var events []perception.Event
	for _, d := range deliveries(t, s) {
		events = append(events, d.Event)
	}
	return events
}

// describe returns one short text for each event; times in milliseconds after start.
func describe(events []perception.Event, start time.Time) []string {
	var words []string
	for _, e := range events {
		switch e := e.(type) {
		case *perception.Rig:
			words = append(words, fmt.Sprintf("rig %d", len(e.Cameras)))
		case perception.EgoPose:
			words = append(words, fmt.Sprintf("pose %d", e.Time.Sub(start).Milliseconds()))
		case *perception.Frame:
			words = append(words, fmt.Sprintf("%s#%d %d/%d", e.Camera, e.Sequence, e.Captured.Sub(start).Milliseconds(), e.Key.Time.Sub(start).Milliseconds()))
		case perception.Reset:
			words = append(words, "reset")
		}
	}
	return words
}

func TestSourceSendsScenesInOrder(t *testing.T) {
	ds := openTiny(t, true)
	s := newSource(t, ds, Options{Poses: true})
	events := drain(t, s)
	got := strings.Join(describe(events, ds.Samples[0].Timestamp.Time())[:25], "\n")
	want := strings.Join([]string{
		"rig 2",
		"pose -40", "pose -20", "pose 0", "CAM_FRONT#0 -40/0", "CAM_BACK#0 -20/0",
		"pose 460", "pose 480", "pose 500", "CAM_FRONT#1 460/500", "CAM_BACK#1 480/500",
		"pose 960", "pose 980", "pose 1000", "CAM_FRONT#2 960/1000", "CAM_BACK#2 980/1000",
		"reset",
		"pose 99960", "pose 99980", "pose 100000", "CAM_FRONT#3 99960/100000", "CAM_BACK#3 99980/100000",
		"pose 100460", "pose 100480", "pose 100500",
	}, "\n")
	if got != want {
		t.Errorf("sent\n%s\nwant\n%s", got, want)
	}
	checkStats(t, s, Stats{Scenes: 2, Samples: 5, Frames: 10, Images: map[string]int{"CAM_FRONT": 5, "CAM_BACK": 5}})
	for _, e := range events {
		if f, ok := e.(*perception.Frame); ok && !bytes.HasPrefix(f.Image, []byte{0xff, 0xd8}) {
			t.Errorf("%s: the image is no JPEG", f.Camera)
		}
	}
}

func checkStats(t *testing.T, s *Source, want Stats) {
	t.Helper()
	if diff := cmp.Diff(want, s.Stats(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestSourceSkipsAndReportsAbsentImages(t *testing.T) {
	ds := openTiny(t, true)
	for _, sample := range ds.Samples[1:3] {
		for _, camera := range sample.Cameras() {
			if sample == ds.Samples[2] && camera.Channel() == "CAM_BACK" {
				continue
			}
			if err := os.Remove(ds.Path(camera)); err != nil {
				t.Fatal(err)
			}
		}
	}
	var log bytes.Buffer
	s := newSource(t, ds, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	drain(t, s)
	checkStats(t, s, Stats{
		Scenes: 2, Samples: 4, SkippedSamples: 1, Frames: 7,
		Images: map[string]int{"CAM_FRONT": 5, "CAM_BACK": 5}, Absent: map[string]int{"CAM_FRONT": 2, "CAM_BACK": 1},
	})
	if n := strings.Count(log.String(), "images absent"); n != 1 || !strings.Contains(log.String(), "scene=scene-0103 count=3") {
		t.Errorf("%d warnings:\n%s", n, log.String())
	}
}

func TestSourceSendsWantedCamerasOnly(t *testing.T) {
	ds := openTiny(t, true)
	for _, e := range drain(t, newSource(t, ds, Options{Cameras: []string{"CAM_BACK", "CAM_SIDE"}})) {
		if f, ok := e.(*perception.Frame); ok && f.Camera != "CAM_BACK" {
			t.Errorf("sent a frame of %s", f.Camera)
		}
	}
	if _, err := NewSource(ds, ds.Scenes, Options{Cameras: []string{"CAM_SIDE"}}); err == nil || !strings.Contains(err.Error(), "CAM_SIDE") {
		t.Errorf("no camera at all: %v", err)
	}
}

func TestSourceSkipsASampleWithoutCameras(t *testing.T) {
	tables := tinyset.New()
	tables.Row("sample_data", "scene-0103-key-back-0")["is_key_frame"] = false
	dir := tables.Write(t)
	tables.WriteImages(t, dir)
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	s := newSource(t, ds, Options{Cameras: []string{"CAM_BACK"}})
	drain(t, s)
	if got := s.Stats(); got.SkippedSamples != 1 || got.Samples != 4 {
		t.Errorf("stats %+v", got)
	}
}

func TestSourceFails(t *testing.T) {
	tables := tinyset.New()
	tables.Row("sample_data", "scene-0916-key-back-0")["width"] = 0
	ds, err := nuscenes.Open(tables.Write(t), tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewSource(ds, ds.Scenes, Options{}); err == nil || !strings.Contains(err.Error(), "CAM_BACK: image size 0 x 12") {
		t.Errorf("an image without size: %v", err)
	}

	ds = openTiny(t, true)
	s := newSource(t, ds, Options{})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Next(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	file := ds.Path(ds.Samples[0].Key("CAM_BACK"))
	if _, err := s.Next(t.Context()); err != nil { // the sample's files are there
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err = s.Next(t.Context()); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "CAM_BACK") {
		t.Errorf("an image that is gone: %v", err)
	}
}

// TestRealRecordings replays two rigs: all key frames of mini_val, of which
// two have images, and three cameras of another vehicle.
func TestRealRecordings(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	for _, test := range []struct {
		folder, version string
		want            Stats
		images, absent  int
	}{
		{"data/nuscenes", "v1.0-mini", Stats{Scenes: 2, Samples: 2, SkippedSamples: 79, Frames: 12}, 486, 474},
		{"data/ddad", "v1.0-dgp", Stats{Scenes: 1, Samples: 3, Frames: 9}, 9, 0},
	} {
		ds, err := nuscenes.Open(golden.Shared(t, test.folder), test.version)
		if err != nil {
			t.Fatal(err)
		}
		s := newSource(t, ds, Options{Logger: quiet})
		drain(t, s)
		got := s.Stats()
		if total(got.Images) != test.images || total(got.Absent) != test.absent {
			t.Errorf("%s: %v images, of them absent %v; want %d, %d", test.folder, got.Images, got.Absent, test.images, test.absent)
		}
		got.Images, got.Absent, got.Unreadable = nil, nil, nil
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: stats (-want +got):\n%s", test.folder, diff)
		}
	}
}

func TestParseCameraDrop(t *testing.T) {
	for text, want := range map[string]CameraDrop{
		"CAM_BACK":      {"CAM_BACK", 0, -1},
		"CAM_BACK@3-10": {"CAM_BACK", 3, 10},
		"CAM_BACK@3-3":  {"CAM_BACK", 3, 3},
		"a@b@3-4":       {"a@b", 3, 4},
	} {
		if got, err := ParseCameraDrop(text); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "@1-2", "CAM@", "CAM@3", "CAM@4-3", "CAM@-1-2", "CAM@1-x"} {
		if _, err := ParseCameraDrop(text); err == nil || !strings.Contains(err.Error(), "NAME@FROM-TO") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// replayed describes what a replay of the tiny set sends with faults.
func replayed(t *testing.T, ds *nuscenes.Dataset, faults Faults) []string {
	t.Helper()
	s, err := Inject(newSource(t, ds, Options{}), faults)
	if err != nil {
		t.Fatal(err)
	}
	return describe(drain(t, s), ds.Samples[0].Timestamp.Time())
}

func isFrame(word string) bool { return strings.HasPrefix(word, "CAM_") }

func TestNoFaultsChangeNothing(t *testing.T) {
	ds := openTiny(t, true)
	want := describe(drain(t, newSource(t, ds, Options{})), ds.Samples[0].Timestamp.Time())
	if got := replayed(t, ds, Faults{Seed: 7}); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDroppedCameraComesBack(t *testing.T) {
	ds := openTiny(t, true)
	words := replayed(t, ds, Faults{Drop: []CameraDrop{{"CAM_BACK", 1, 1}, {"CAM_FRONT", 2, -1}}})
	var frames []string
	for _, w := range words {
		if isFrame(w) {
			frames = append(frames, strings.Fields(w)[0])
		}
	}
	// Frame 1 of each scene lacks CAM_BACK, and frame 2 CAM_FRONT.
	want := []string{"CAM_FRONT#0", "CAM_BACK#0", "CAM_FRONT#1", "CAM_BACK#2", "CAM_FRONT#3", "CAM_BACK#3", "CAM_FRONT#4"}
	if !slices.Equal(frames, want) {
		t.Errorf("sent %v, want %v", frames, want)
	}
}

func TestLossJitterAndOrderFollowTheSeed(t *testing.T) {
	ds := openTiny(t, true)
	for name, faults := range map[string]Faults{
		"loss":   {DropFrame: 0.5},
		"jitter": {Jitter: 30 * time.Millisecond},
		"order":  {Reorder: 4},
	} {
		seen := map[string]bool{}
		for seed := range uint64(6) {
			faults.Seed = seed
			once, again := replayed(t, ds, faults), replayed(t, ds, faults)
			if !slices.Equal(once, again) {
				t.Errorf("%s: seed %d sends differently each time", name, seed)
			}
			seen[strings.Join(once, "\n")] = true
		}
		if len(seen) < 3 {
			t.Errorf("%s: six seeds give %d different replays", name, len(seen))
		}
	}
	if words := replayed(t, ds, Faults{DropFrame: 1}); slices.ContainsFunc(words, isFrame) {
		t.Errorf("frames are sent with a loss of 1: %v", words)
	}
}

func TestJitterStaysWithinItsBound(t *testing.T) {
	ds := openTiny(t, true)
	s, err := Inject(newSource(t, ds, Options{}), Faults{Jitter: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	moved := 0
	for _, e := range drain(t, s) {
		f, ok := e.(*perception.Frame)
		if !ok {
			continue
		}
		sample := ds.Sample(f.Key.ID)
		off := f.Captured.Sub(sample.Key(f.Camera).Timestamp.Time())
		if off.Abs() > 5*time.Millisecond || off%time.Microsecond != 0 {
			t.Errorf("%s is off by %s", f.Camera, off)
		}
		if own := f.OwnPose != nil; own != (off == 0) {
			t.Errorf("%s is off by %s; has a pose of its own: %t", f.Camera, off, own)
		}
		if off != 0 {
			moved++
		}
	}
	if moved == 0 {
		t.Error("no frame was moved")
	}
}

func TestReorderedFramesStayInTheirScene(t *testing.T) {
	ds := openTiny(t, true)
	words := replayed(t, ds, Faults{Reorder: 100, Seed: 1})
	reset := slices.Index(words, "reset")
	for i, w := range words {
		if isFrame(w) && (i < reset) != strings.Contains("#0#1#2", w[strings.Index(w, "#"):][:2]) {
			t.Errorf("%s went to another scene", w)
		}
	}
	if n := len(words); n != 12 {
		t.Errorf("%d events, want 12", n)
	}
}

func TestImpossibleFaultsAreRefused(t *testing.T) {
	for _, f := range []Faults{{DropFrame: 1.5}, {DropFrame: -0.1}, {Jitter: -1}, {Reorder: -1}} {
		if _, err := Inject(nil, f); err == nil {
			t.Errorf("%+v is no error", f)
		}
	}
}

// A frame that a fault drops is settled at once. Frames that are held when the
// source fails are settled with its error.
func TestInjectSettlesWhatItDoesNotDeliver(t *testing.T) {
	frames := func() *list {
		return &list{err: os.ErrPermission, events: []perception.Event{&perception.Frame{Camera: "a"}, &perception.Frame{Camera: "b"}}}
	}
	for _, test := range []struct {
		faults Faults
		want   error
	}{
		{Faults{DropFrame: 1}, errLost}, {Faults{Reorder: 10}, os.ErrPermission},
	} {
		l := frames()
		s, err := Inject(l, test.faults)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Next(t.Context()); !errors.Is(err, os.ErrPermission) {
			t.Errorf("error %v", err)
		}
		if !slices.Equal(l.settled, []error{test.want, test.want}) {
			t.Errorf("%+v: settled with %v, want %v twice", test.faults, l.settled, test.want)
		}
	}
}

func TestWrappersReturnTheDropsOfTheirSource(t *testing.T) {
	s, err := Inject(Pace(&list{}, 1), Faults{})
	if err != nil {
		t.Fatal(err)
	}
	for reason, n := range s.Drops {
		if reason != "list" || n != 7 {
			t.Errorf("%d %s", n, reason)
		}
		return
	}
	t.Error("no drops")
}

// A resumed source sends the calibration in force and then, to the byte, what
// the uninterrupted one sent after the last event with that cursor.
func TestSourceResumesAfterEachSample(t *testing.T) {
	tables := tinyset.New()
	tables.Row("sample_data", "scene-0103-key-back-2")["width"] = tinyset.Width + 1 // another calibration
	dir := tables.Write(t)
	tables.WriteImages(t, dir)
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	for _, absent := range []*nuscenes.Sample{nil, ds.Samples[1], ds.Samples[3]} { // the latter begins a scene
		if absent != nil {
			for _, camera := range absent.Cameras() {
				if err := os.Remove(ds.Path(camera)); err != nil {
					t.Fatal(err)
				}
			}
		}
		quiet := slog.New(slog.DiscardHandler)
		whole := deliveries(t, newSource(t, ds, Options{Logger: quiet}))
		for _, sample := range ds.Samples {
			last, rig := -1, perception.Delivery{Cursor: sample.Token}
			for i, d := range whole {
				if d.Cursor == sample.Token {
					last = i
				}
			}
			if last < 0 {
				continue // it sent nothing
			}
			for _, d := range whole[:last+1] {
				if r, ok := d.Event.(*perception.Rig); ok {
					rig.Event = r
				}
			}
			want := append([]perception.Delivery{rig}, whole[last+1:]...)
			resumed := newSource(t, ds, Options{Logger: quiet, After: sample.Token})
			if diff := cmp.Diff(want, deliveries(t, resumed)); diff != "" {
				t.Errorf("after %s (-uninterrupted +resumed):\n%s", sample.Token, diff)
			}
			if got := resumed.Stats(); got.Frames != frames(want) || got.Scenes > 1 {
				t.Errorf("after %s: stats %+v count what was not sent", sample.Token, got)
			}
		}
	}
}

func frames(deliveries []perception.Delivery) (n int) {
	for _, d := range deliveries {
		if _, isFrame := d.Event.(*perception.Frame); isFrame {
			n++
		}
	}
	return n
}

func TestUnknownCursor(t *testing.T) {
	ds := openTiny(t, true)
	_, err := NewSource(ds, ds.Scenes[:1], Options{After: ds.Samples[4].Token})
	if err == nil || !strings.Contains(err.Error(), ds.Samples[4].Token) || !strings.Contains(err.Error(), "cannot resume") {
		t.Errorf("error %v", err)
	}
}

func TestCursorIsTheSamplesToken(t *testing.T) {
	ds := openTiny(t, true)
	for _, d := range deliveries(t, newSource(t, ds, Options{})) {
		want := ds.Samples[3].Token // of the reset, before the second scene's first sample
		if f, ok := d.Event.(*perception.Frame); ok {
			want = f.Key.ID
		}
		switch d.Event.(type) {
		case *perception.Frame, perception.Reset:
			if d.Cursor != want {
				t.Errorf("%T with cursor %q, want %q", d.Event, d.Cursor, want)
			}
		}
	}
}
