package pipeline

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/preprocess"
)

// rigged returns the sets with the change made to their rig.
func rigged(sets []*perception.FrameSet, change func(*perception.Rig)) []*perception.FrameSet {
	rig := *sets[0].Rig
	rig.Cameras = slices.Clone(rig.Cameras)
	change(&rig)
	var all []*perception.FrameSet
	for _, set := range sets {
		s := *set
		s.Rig = &rig
		all = append(all, &s)
	}
	return all
}

// Whatever lidar a vehicle has, or none, what is detected is the same.
func TestLidarDoesNotMatter(t *testing.T) {
	sets := drive(t, 3)
	detect := func(sets []*perception.FrameSet) (all []*perception.Result) {
		b := bundle(t)
		b.Manifest.Frame.OwnLidar = model.OwnLidar{}
		p := openBundle(t, b, Options{})
		for _, set := range sets {
			r := *step(t, p, set)
			r.StageDurations, r.EgoFromLidar = nil, nil
			all = append(all, &r)
		}
		return all
	}
	want := detect(sets)
	for name, lidar := range map[string]*geom.Transform{
		"no lidar":              nil,
		"at the base":           new(geom.IdentityTransform()),
		"elsewhere on the roof": {Rotation: geom.QuatFromYaw(1), Translation: geom.Vec3{1.2, 0.3, 2.1}},
	} {
		got := detect(rigged(sets, func(r *perception.Rig) { r.EgoFromLidar = lidar }))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// The model's frame is at its place above the base, or it is the lidar of a vehicle of
// the kind that training had, to the bit.
func TestWhereTheModelsFrameIs(t *testing.T) {
	own := geom.Transform{Rotation: geom.QuatFromYaw(-math.Pi / 2), Translation: geom.Vec3{0.94, 0, 1.84}}
	near := geom.Transform{Rotation: geom.QuatFromYaw(-math.Pi/2 + 0.02), Translation: geom.Vec3{0.98, 0, 1.84}}
	base := geom.Transform{Rotation: geom.QuatFromYaw(0.5), Translation: geom.Vec3{-1.4, 0.2, -0.3}}
	of := func(t geom.Transform) geom.Pose { return base.Pose().Mul(t.Pose()) }
	frame := model.Frame{Translation: own.Translation, Rotation: [4]float64{own.Rotation.W, 0, 0, own.Rotation.Z}}
	owning := frame
	owning.OwnLidar = model.OwnLidar{Metres: 0.1, Degrees: 4}
	moved := geom.Transform{
		Rotation: geom.QuatFromMat3(of(near).R), Translation: of(near).T,
	}
	for name, test := range map[string]struct {
		frame model.Frame
		rig   perception.Rig
		want  geom.Pose
		exact bool
	}{
		"no lidar":                           {owning, perception.Rig{}, own.Pose(), true},
		"a lidar of training's kind":         {owning, perception.Rig{EgoFromLidar: &near}, near.Pose(), true},
		"but one frame for all":              {frame, perception.Rig{EgoFromLidar: &near}, own.Pose(), true},
		"a base elsewhere":                   {owning, perception.Rig{EgoFromBase: &base}, of(own), false},
		"a base elsewhere, lidar as trained": {owning, perception.Rig{EgoFromBase: &base, EgoFromLidar: &moved}, moved.Pose(), true},
		"a base elsewhere, lidar at the ego": {owning, perception.Rig{EgoFromBase: &base, EgoFromLidar: &near}, of(own), false},
	} {
		got := egoFromModel(&test.frame, &test.rig).Pose()
		far := got.T.Sub(test.want.T).Norm()
		for i := range got.R {
			far = max(far, math.Abs(got.R[i]-test.want.R[i]))
		}
		if far > 1e-12 || test.exact && got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// A camera that training never saw the like of is named with its numbers.
func TestUnfamiliarCamerasAreNamed(t *testing.T) {
	b := bundle(t)
	b.Manifest.Seen = model.Seen{"fx": {{119, 121}}, "horizon": {{55, 65}}, "forward_z": {{-0.1, 0.1}}}
	sets := rigged(drive(t, 2), func(r *perception.Rig) {
		r.Cameras[1].Intrinsics[0], r.Cameras[1].Intrinsics[4] = 90, 90
		down := geom.Quat{W: math.Cos(0.2), Y: math.Sin(0.2)} // nose down by 0.4 rad
		r.Cameras[0].EgoFromCamera.Rotation = down.Mul(r.Cameras[0].EgoFromCamera.Rotation)
	})
	p := openBundle(t, b, Options{})
	for _, set := range sets {
		r := step(t, p, set)
		if len(r.Outside) != 2 ||
			!strings.HasPrefix(r.Outside[0], "CAM_FRONT: forward_z is -0.38942, training saw -0.1 to 0.1") ||
			!strings.HasPrefix(r.Outside[1], "CAM_FRONT_RIGHT: fx is 90 at 160 x 120 pixels, training saw 119 to 121; the image is shown at 1.32 of its size") {
			t.Errorf("outside: %q", r.Outside)
		}
	}
}

// A camera whose numbers are brought to those of training is named if the network sees
// little of its image, or if its intrinsics are those of images of another size.
func TestDoubtfulIntrinsicsAreNamed(t *testing.T) {
	b := bundle(t)
	b.Manifest.Seen = model.Seen{"cx": {{75, 85}}}
	rig := testRig()
	rig.Cameras[0].Intrinsics[2] = 140
	for i := range 6 {
		rig.Cameras[1].Intrinsics[i] *= 2
	}
	m, err := mount(&b.Manifest, rig, preprocess.Defaults(), compute.Resources{})
	if err != nil {
		t.Fatal(err)
	}
	const other = "its principal point is the middle of an image of 320 x 240 pixels, and the images have 160 x 120: want the intrinsics of these"
	if len(m.outside) != 2 || !strings.HasPrefix(m.outside[0], "CAM_FRONT: the image fills about 70 %") || strings.Contains(m.outside[0], "principal") ||
		!strings.HasPrefix(m.outside[1], "CAM_FRONT_RIGHT: ") || !strings.HasSuffix(m.outside[1], other) {
		t.Errorf("outside: %q", m.outside)
	}
}

// The same picture at another resolution is the same camera to the encoder.
func TestResolutionIsNoNumberOfTheCamera(t *testing.T) {
	b := bundle(t)
	want, err := mount(&b.Manifest, testRig(), preprocess.Defaults(), compute.Resources{})
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []int{2, 3, 5} {
		rig := testRig()
		for i := range rig.Cameras {
			c := &rig.Cameras[i]
			c.Width, c.Height = scale*c.Width, scale*c.Height
			for k := range 6 {
				c.Intrinsics[k] *= float64(scale)
			}
		}
		got, err := mount(&b.Manifest, rig, preprocess.Defaults(), compute.Resources{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range got.cameras {
			a, b := make([]float32, cameraNumbers), make([]float32, cameraNumbers)
			want.cameras[i].numbers(a, want.cameras[i].egoFromCamera)
			got.cameras[i].numbers(b, got.cameras[i].egoFromCamera)
			if !slices.Equal(a, b) {
				t.Errorf("%d times the size: %v, want %v", scale, b, a)
			}
		}
	}
}

// A change of the cameras keeps the history: where the vehicle was, and where the
// planes are, does not depend on it.
func TestCalibrationChangeKeepsHistory(t *testing.T) {
	turned, fewer, ordered := testRig(), testRig(), testRig()
	turned.Cameras[0].Intrinsics[0]++
	fewer.Cameras = fewer.Cameras[:4]
	slices.Reverse(ordered.Cameras)
	after := func(rig *perception.Rig, frames func([]*perception.Frame) []*perception.Frame) *perception.Result {
		sets := drive(t, 2)
		p := open(t, Options{})
		step(t, p, sets[0])
		if rig != nil {
			sets[1].Rig, sets[1].Frames = rig, frames(sets[1].Frames)
		}
		return step(t, p, sets[1])
	}
	same := func(f []*perception.Frame) []*perception.Frame { return f }
	want := after(nil, nil)
	for name, got := range map[string]*perception.Result{
		"a focal length": after(turned, same),
		"fewer cameras":  after(fewer, func(f []*perception.Frame) []*perception.Frame { return f[:4] }),
	} {
		if got.Reset != "" || got.HistoryDepth != want.HistoryDepth || slices.Equal(got.Detections, want.Detections) {
			t.Errorf("%s: reset %q, history of %d, want %d and other boxes", name, got.Reset, got.HistoryDepth, want.HistoryDepth)
		}
	}
	reversed := after(ordered, func(f []*perception.Frame) []*perception.Frame { f = slices.Clone(f); slices.Reverse(f); return f })
	if diff := cmp.Diff(want, reversed, cmpopts.IgnoreFields(perception.Result{}, "StageDurations")); diff != "" {
		t.Errorf("cameras in another order: %s", diff)
	}
}
