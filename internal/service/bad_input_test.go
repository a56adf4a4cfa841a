package service

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
)

const width, height = 160, 120

// blocks is a JPEG file of coloured blocks that seed chooses.
func blocks(t *testing.T, seed, width, height int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			h := uint32(x/9*7919+y/7*104729+seed*31) * 2654435761
			m.Set(x, y, color.RGBA{uint8(h >> 8), uint8(h >> 16), uint8(h >> 24), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// threeCameras look ahead, left and right.
func threeCameras() *perception.Rig {
	r := &perception.Rig{Name: "car", EgoFromLidar: &geom.Transform{Rotation: geom.QuatFromYaw(-math.Pi / 2), Translation: geom.Vec3{1, 0, 1.8}}}
	forward := geom.Quat{W: 0.5, X: -0.5, Y: 0.5, Z: -0.5} // z ahead, x right, y down
	for i, name := range []string{"CAM_FRONT", "CAM_FRONT_LEFT", "CAM_FRONT_RIGHT"} {
		r.Cameras = append(r.Cameras, perception.Camera{
			Name: name, Width: width, Height: height,
			Intrinsics: geom.Mat3{120, 0, width / 2, 0, 120, height / 2, 0, 0, 1},
			EgoFromCamera: geom.Transform{
				Rotation: geom.QuatFromYaw([]float64{0, 1, -1}[i]).Mul(forward), Translation: geom.Vec3{1.5, 0, 1.5},
			},
		})
	}
	return r
}

// instants of a street recording, 500 ms apart; in each its pose and the
// images.
const instants = 4

// street is a recording of a rig that drives. The events of instant i begin at
// 1 + 4 i: the pose, then the frames of the rig's cameras.
func street(t *testing.T) []perception.Event {
	rig := threeCameras()
	events := []perception.Event{rig}
	for i := range instants {
		at := geom.Transform{Rotation: geom.QuatFromYaw(0.05 * float64(i)), Translation: geom.Vec3{4 * float64(i), 0, 0}}
		events = append(events, perception.EgoPose{Time: ms(500 * i), GlobalFromEgo: at})
		for c := range rig.Cameras {
			events = append(events, &perception.Frame{
				Camera: rig.Cameras[c].Name, Captured: ms(500 * i), Sequence: uint64(i), Image: blocks(t, 10*i+c, width, height),
			})
		}
	}
	return events
}

// place of the pose of an instant, and of the frame of one of its cameras.
func poseAt(instant int) int          { return 1 + 4*instant }
func frameAt(instant, camera int) int { return 2 + 4*instant + camera }

// changed returns a copy of a recording in which one frame is different.
func changed(events []perception.Event, at int, change func(f *perception.Frame)) []perception.Event {
	f := *events[at].(*perception.Frame)
	change(&f)
	events = slices.Clone(events)
	events[at] = &f
	return events
}

func cutOut(events []perception.Event, at int) []perception.Event {
	return slices.Delete(slices.Clone(events), at, at+1)
}

func added(events []perception.Event, at int, more ...perception.Event) []perception.Event {
	return slices.Insert(slices.Clone(events), at, more...)
}

// tape is a source of events that drops nothing itself.
type tape []perception.Event

func (l *tape) Next(context.Context) (perception.Delivery, error) {
	if len(*l) == 0 {
		return perception.Delivery{}, io.EOF
	}
	next := (*l)[0]
	*l = (*l)[1:]
	return perception.Delivery{Event: next}, nil
}

func (l *tape) Drops(func(string, uint64) bool) {}

// detectIn runs a recording through the service and the real pipeline.
func detectIn(t *testing.T, b *model.Bundle, events []perception.Event) (results, *Service) {
	t.Helper()
	p, err := pipeline.New(b, pipeline.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	var got results
	recording := tape(events)
	s := New(&recording, p.For(p.NewMemory()), &got, quiet(Options{Lossless: true}))
	if err := s.Run(within(t)); err != nil {
		t.Fatal(err)
	}
	return got, s
}

// badInput is a recording with one thing wrong.
type badInput struct {
	name     string
	events   []perception.Event
	asIf     []perception.Event // what it must equal
	counts   map[string]uint64
	rejected string // part of the reason why the harmed image is
}

// harmed is the instant in which things go wrong.
const harmed = 1

func badInputs(t *testing.T) []badInput {
	clean := street(t)
	frame, pose := frameAt(harmed, 1), poseAt(harmed)
	nan := geom.Transform{Rotation: geom.Quat{W: 1}, Translation: geom.Vec3{0, math.NaN(), 0}}
	endless := geom.Transform{Rotation: geom.Quat{W: 1e200, Z: 1e200}}
	bad := threeCameras()
	bad.Cameras[2].Intrinsics[0] = math.NaN()
	twice := *clean[frame].(*perception.Frame)
	ghost := twice
	ghost.Camera = "CAM_GHOST"
	return []badInput{
		{name: "truncated JPEG",
			events: changed(clean, frame, func(f *perception.Frame) { f.Image = f.Image[:len(f.Image)-200] }),
			asIf:   cutOut(clean, frame), rejected: "truncated"},
		{name: "image of another size than calibrated",
			events: changed(clean, frame, func(f *perception.Frame) { f.Image = blocks(t, 1, 80, 60) }),
			asIf:   cutOut(clean, frame), rejected: "80 x 60"},
		{name: "no image at all",
			events: changed(clean, frame, func(f *perception.Frame) { f.Image = nil }),
			asIf:   cutOut(clean, frame), rejected: "empty"},
		{name: "bytes that are no image",
			events: changed(clean, frame, func(f *perception.Frame) { f.Image = bytes.Repeat([]byte{7}, 500) }),
			asIf:   cutOut(clean, frame), rejected: "of no known format"},
		{name: "unknown camera", events: added(clean, frame, &ghost), asIf: clean,
			counts: map[string]uint64{"drop.unknown_camera": 1}},
		{name: "duplicate frame", events: added(clean, frame+1, &twice), asIf: clean,
			counts: map[string]uint64{"drop.duplicate": 1}},
		{name: "duplicate of a frame that is gone", events: added(clean, poseAt(2), &twice), asIf: clean,
			counts: map[string]uint64{"drop.duplicate": 1}},
		{name: "frames of an instant out of order", events: swapped(clean, frame, frame+1), asIf: clean},
		{name: "frame after its set has left", events: added(cutOut(clean, frame), frameAt(3, 0), &twice), asIf: cutOut(clean, frame),
			counts: map[string]uint64{"drop.out_of_order": 1}},
		{name: "NaN pose beside the true one", events: added(clean, pose, perception.EgoPose{Time: ms(500 * harmed), GlobalFromEgo: nan}), asIf: clean,
			counts: map[string]uint64{"drop.pose_not_finite": 1}},
		{name: "NaN pose in place of the true one",
			events: added(cutOut(clean, pose), pose, perception.EgoPose{Time: ms(500 * harmed), GlobalFromEgo: nan}), asIf: cutOut(clean, pose),
			counts: map[string]uint64{"drop.pose_not_finite": 1, "drop.no_pose": 3}},
		{name: "pose of no rotation beside the true one", events: added(clean, pose, perception.EgoPose{Time: ms(500 * harmed), GlobalFromEgo: endless}), asIf: clean,
			counts: map[string]uint64{"drop.pose_not_finite": 1}},
		{name: "pose that contradicts another", events: added(clean, pose+1, perception.EgoPose{Time: ms(500 * harmed), GlobalFromEgo: geom.IdentityTransform()}), asIf: clean,
			counts: map[string]uint64{"drop.pose_conflict": 1}},
		{name: "calibration with NaN", events: added(clean, pose, bad), asIf: clean,
			counts: map[string]uint64{"drop.invalid_calibration": 1}},
		{name: "frame before the calibration", events: added(clean, 0, &twice), asIf: clean,
			counts: map[string]uint64{"drop.before_calibration": 1}},
		{name: "clock far off", events: added(clean, frame, &perception.Frame{Camera: "CAM_FRONT", Captured: epoch.Add(time.Hour)}), asIf: clean,
			counts: map[string]uint64{"drop.clock_jump": 1}},
	}
}

// TestBadInput: one bad event of a recording is a counted drop or a rejected image,
// and every result is, to the bit, as if the event had never been sent; over NATS
// too.
func TestBadInput(t *testing.T) {
	b, err := model.Open(testbundle.Write(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range badInputs(t) {
		t.Run(test.name, func(t *testing.T) {
			got, s := detectIn(t, b, test.events)
			want, _ := detectIn(t, b, test.asIf)
			ignored := cmpopts.IgnoreFields(perception.Result{}, "StageDurations", "Rejected")
			if diff := cmp.Diff(want, got, ignored); diff != "" {
				t.Errorf("not as if it had never been sent:\n%s", diff)
			}
			checkDrops(t, s, test.counts)
			checkRejected(t, got, test.rejected, ms(500*harmed))
			checkOverNATS(t, b, test.events, got)
		})
	}
}

// checkOverNATS wants the same results if the events are sent over NATS. There the
// source refuses and counts malformed messages.
func checkOverNATS(t *testing.T, b *model.Bundle, events []perception.Event, want results) {
	t.Helper()
	p, err := pipeline.New(b, pipeline.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, refused := overNATS(t, p.For(p.NewMemory()), events)
	fields := []string{"StageDurations"}
	if refused > 0 { // the image did not reach the detector, which would have rejected it
		fields = append(fields, "Rejected")
	}
	ignored := cmpopts.IgnoreFields(perception.Result{}, fields...)
	if diff := cmp.Diff(want, got, ignored, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("results (-direct +NATS):\n%s", diff)
	}
}

func swapped(events []perception.Event, i, j int) []perception.Event {
	events = slices.Clone(events)
	events[i], events[j] = events[j], events[i]
	return events
}

// checkDrops wants the given counts, and no other drop or loss.
func checkDrops(t *testing.T, s *Service, want map[string]uint64) {
	t.Helper()
	for name, n := range s.Status().Counts {
		isDrop := strings.HasPrefix(name, "drop.") || strings.HasPrefix(name, "lost.")
		if isDrop && n != want[name] {
			t.Errorf("%s is %d, want %d", name, n, want[name])
		}
	}
}

// checkRejected wants one image rejected, of the set at that time, for a reason
// with that text in it; or none, if there is no text.
func checkRejected(t *testing.T, got results, reason string, at time.Time) {
	t.Helper()
	n := 0
	for _, r := range got {
		for camera, why := range r.Rejected {
			n++
			if !r.Time.Equal(at) || camera != "CAM_FRONT_LEFT" || reason == "" || !strings.Contains(why, reason) {
				t.Errorf("%s at %v rejected: %s", camera, r.Time, why)
			}
		}
	}
	if want := min(1, len(reason)); n != want {
		t.Errorf("%d images rejected, want %d", n, want)
	}
}

// TestCleanStreetHasDetections makes sure that TestBadInput compares something.
func TestCleanStreetHasDetections(t *testing.T) {
	b, err := model.Open(testbundle.Write(t))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := detectIn(t, b, street(t))
	if len(got) != instants {
		t.Fatalf("%d results", len(got))
	}
	for i, r := range got {
		if len(r.Detections) == 0 || len(r.Missing) > 0 || i > 0 && r.HistoryDepth != min(i, 3) {
			t.Errorf("result %d: %d detections, missing %v, history %d", i, len(r.Detections), r.Missing, r.HistoryDepth)
		}
	}
}
