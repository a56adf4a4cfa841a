package reliability

import (
	"slices"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
	"github.com/solofusion/solofusion/perception"
)

func TestMatchedOnceAndOnlyIfSure(t *testing.T) {
	truth := func(c perception.Class, x float64) eval.Truth {
		return eval.Truth{Annotation: &nuscenes.Annotation{Center: geom.Vec3{x, 0, 5}}, Class: c}
	}
	box := func(c perception.Class, x, score float64) *nuscenes.Box {
		return &nuscenes.Box{Class: c, Center: geom.Vec3{x, 0, 0}, Score: score}
	}
	f := &eval.Frame{
		Truth: []eval.Truth{truth(perception.Car, 0), truth(perception.Car, 1), truth(perception.Bus, 10), truth(perception.Car, 20), truth(perception.Car, 30)},
		Found: []*nuscenes.Box{
			box(perception.Car, 0.4, 0.5), box(perception.Car, 0.4, 0.9), // one each, the better box the nearer object
			box(perception.Car, 10, 0.9),   // another class
			box(perception.Car, 20, 0.29),  // not sure
			box(perception.Car, 32.0, 0.9), // not near
		},
	}
	if got := matched(f); !slices.Equal(got, []bool{true, true, false, false, false}) {
		t.Errorf("matched %v", got)
	}
}

// twoCameras is a set of two cameras at (100, 0), one ahead and one a radian to the left.
func twoCameras() *perception.FrameSet {
	camera := func(yaw float64) perception.Camera {
		ahead := geom.Quat{W: 0.5, X: -0.5, Y: 0.5, Z: -0.5} // z along x of the ego frame
		return perception.Camera{
			Width: 100, Height: 100, Intrinsics: geom.Mat3{50, 0, 50, 0, 50, 50, 0, 0, 1}, // 90 degrees wide
			EgoFromCamera: geom.Transform{Rotation: geom.QuatFromYaw(yaw).Mul(ahead)},
		}
	}
	at := geom.Pose{R: geom.Identity3(), T: geom.Vec3{100, 0, 0}}
	return &perception.FrameSet{
		Rig:    &perception.Rig{Cameras: []perception.Camera{camera(0), camera(1)}},
		Frames: []*perception.Frame{{GlobalFromEgo: at}, {GlobalFromEgo: at}},
	}
}

func TestWhatOneCameraAloneSees(t *testing.T) {
	set := twoCameras()
	for name, test := range map[string]struct {
		p    geom.Vec3
		want [2]bool
	}{
		"ahead":             {geom.Vec3{110, 0, 0}, [2]bool{true, false}},
		"behind":            {geom.Vec3{90, 0, 0}, [2]bool{false, false}},
		"half left in both": {geom.Vec3{110, 5, 0}, [2]bool{false, false}},
		"left":              {geom.Vec3{103, 10, 0}, [2]bool{false, true}},
		"above the picture": {geom.Vec3{110, 0, 11}, [2]bool{false, false}},
	} {
		for camera, want := range test.want {
			if got := onlyIn(set, camera, test.p); got != want {
				t.Errorf("%s: only in camera %d: %v", name, camera, got)
			}
		}
	}
}

func TestKeptRecall(t *testing.T) {
	var clean, half Recalls
	for range 3 {
		var c, h []Tally
		for range eval.MinScenes {
			c, h = append(c, Tally{Found: 8, All: 10}), append(h, Tally{Found: 4, All: 10})
		}
		clean, half = append(clean, c), append(half, h)
	}
	want := Share{0.5, eval.Interval{Low: 0.5, High: 0.5}} // all drives are alike
	if got := half.Kept(clean); got != want {
		t.Errorf("kept %+v, want %+v", got, want)
	}
	half[0][0].Found = 0
	if got := half.Kept(clean); !(got.Value < 0.5 && got.Low < got.Value && got.Value < got.High && got.High <= 0.5) {
		t.Errorf("with one bad drive %+v are kept", got)
	}
	if got := half[:1].Total(); got.Found != 4*(eval.MinScenes-1) {
		t.Errorf("total %+v", got)
	}
}

// TestHidden: a box is hidden if it is in pictures of lost cameras only.
func TestHidden(t *testing.T) {
	set := twoCameras()
	for name, test := range map[string]struct {
		p    geom.Vec3
		lost [2]bool
		want bool
	}{
		"ahead, all seen":    {geom.Vec3{110, 0, 0}, [2]bool{false, false}, false},
		"ahead, front lost":  {geom.Vec3{110, 0, 0}, [2]bool{true, false}, true},
		"ahead, other lost":  {geom.Vec3{110, 0, 0}, [2]bool{false, true}, false},
		"in both, one lost":  {geom.Vec3{110, 5, 0}, [2]bool{true, false}, false},
		"in both, both lost": {geom.Vec3{110, 5, 0}, [2]bool{true, true}, true},
		"in none":            {geom.Vec3{90, 0, 0}, [2]bool{true, true}, false},
	} {
		got := hidden(set, &nuscenes.Box{Center: test.p}, func(camera int) bool { return test.lost[camera] })
		if got != test.want {
			t.Errorf("%s: hidden %v", name, got)
		}
	}
}
