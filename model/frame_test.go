package model

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/testbundle"
)

// A manifest without a word on its frame and its cameras' images has the reference's.
func TestReferenceIsTheDefault(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(testbundle.Write(t), manifestFile))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	if m.Frame != referenceFrame || m.Image.Source != (Pixels{1600, 900}) || m.Seen != nil {
		t.Errorf("frame %+v, source %+v, seen %v", m.Frame, m.Image.Source, m.Seen)
	}
}

// nuScenes' two lidars, as its tables have them, are the reference's own; those of
// other vehicles are not.
func TestOwnLidars(t *testing.T) {
	at := func(x, y, z, w, qx, qy, qz float64) geom.Pose {
		return geom.NewPose(geom.Quat{W: w, X: qx, Y: qy, Z: qz}, geom.Vec3{x, y, z})
	}
	for name, test := range map[string]struct {
		lidar geom.Pose
		want  bool
	}{
		"a nuScenes vehicle":        {at(0.985793, 0, 1.84019, 0.706749, -0.015300, 0.017397, -0.707085), true},
		"another nuScenes vehicle":  {at(0.943713, 0, 1.84023, 0.707796, -0.006492, 0.010646, -0.706307), true},
		"x forward":                 {at(0.943713, 0, 1.84023, 1, 0, 0, 0), false},
		"at the base":               {at(0, 0, 0, 1, 0, 0, 0), false},
		"on a higher roof":          {at(0.94, 0, 2.1, math.Sqrt2/2, 0, 0, -math.Sqrt2/2), false},
		"turned by ten degrees":     {at(0.94, 0, 1.84, math.Cos(40*math.Pi/180), 0, 0, -math.Sin(40*math.Pi/180)), false},
		"exactly where they should": {at(0.94, 0, 1.84, math.Sqrt2/2, 0, 0, -math.Sqrt2/2), true},
	} {
		if got := referenceFrame.Owns(test.lidar); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	fixed := referenceFrame
	fixed.OwnLidar = OwnLidar{}
	if fixed.Owns(fixed.Transform().Pose()) {
		t.Error("a model with one frame for all vehicles takes a lidar's")
	}
}

func TestOutside(t *testing.T) {
	seen := Seen{"fx": {{800, 820}, {1250, 1280}}, "forward_z": {{-0.01, 0.01}}, "horizon": {{480, 500}}}
	camera := func(fx, tilt, horizon float64) *Camera {
		c := &Camera{Intrinsics: geom.Mat3{fx, 0, 816, 0, fx, 491, 0, 0, 1}, Pose: geom.IdentityPose(), Horizon: horizon}
		c.Pose.R[8] = tilt
		return c
	}
	for _, test := range []struct {
		camera *Camera
		want   string
	}{
		{camera(1250, 0.01, 480), ""},
		{camera(815, 0, 499), ""},
		{camera(1300, 0.029, math.NaN()), ""},
		{camera(1055, 0, 490), "fx is 1055, training saw 800 to 820 and 1250 to 1280"},
		{camera(1310, 0.2, 515), "fx is 1310, training saw 800 to 820 and 1250 to 1280; " +
			"forward_z is 0.2, training saw -0.01 to 0.01; horizon is 515, training saw 480 to 500"},
	} {
		if got := seen.Outside(test.camera); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	if got := (Seen)(nil).Outside(camera(1, 1, 1)); got != "" {
		t.Errorf("where nothing is known: %q", got)
	}
}

func TestFrameAndSeenAreChecked(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(testbundle.Write(t), manifestFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ add, want string }{
		{"frame: {translation: [1, 0, 2], rotation: [0, 0, 0, 0]}", "want finite numbers and a quaternion of length 1"},
		{"frame: {translation: [1, 0, .nan], rotation: [1, 0, 0, 0]}", "want finite numbers"},
		{"frame: {translation: [1, 0, 2]}", "frame.rotation is missing"},
		{"frame: {translation: [1, 0, 2], rotation: [1, 0, 0, 0], own_lidar: {metres: -1, degrees: 3}}", "frame.own_lidar.metres is -1, want 0 to 10"},
		{"frame: {translation: [1, 0, 2], rotation: [1, 0, 0, 0], own_lidar: {metres: 1, degrees: 181}}", "frame.own_lidar.degrees is 181, want 0 to 180"},
		{"seen: {focal: [[1, 2]]}", "seen.focal is no camera number"},
		{"seen: {fx: [[3, 2]]}", "seen.fx is 3 to 2, want spans"},
		{"seen: {fx: [[1, 3], [2, 4]]}", "seen.fx is 1 to 3 and 2 to 4, want spans"},
		{"seen: {fx: [[1, .inf]]}", "seen.fx is 1 to +Inf, want spans"},
		{"seen: {fx: [[.nan, 1]]}", "want spans"},
	} {
		if _, err := ReadManifest([]byte(string(data) + test.add + "\n")); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.add, err, test.want)
		}
	}
	source := strings.Replace(string(data), "crop_h: 0.0,", "crop_h: 0.0, source: {width: 0, height: 70000},", 1)
	if _, err := ReadManifest([]byte(source)); err == nil ||
		!strings.Contains(err.Error(), "image.source.width is 0, want 1 to 65536") ||
		!strings.Contains(err.Error(), "image.source.height is 70000, want 1 to 65536") {
		t.Errorf("a source of no size: %v", err)
	}
}
