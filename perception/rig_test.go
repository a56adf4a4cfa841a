package perception

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/geom"
)

func pair() *Rig {
	camera := func(name string) Camera {
		return Camera{
			Name: name, Width: 1600, Height: 900,
			Intrinsics:    geom.Mat3{1266, 0, 816, 0, 1266, 491, 0, 0, 1},
			EgoFromCamera: geom.Transform{Rotation: geom.Quat{W: 0.5, X: -0.5, Y: 0.5, Z: -0.5}, Translation: geom.Vec3{1.7, 0.1, 1.5}},
		}
	}
	return &Rig{
		Name:         "pair",
		Cameras:      []Camera{camera("LEFT"), camera("RIGHT")},
		EgoFromLidar: new(geom.IdentityTransform()),
	}
}

// What cannot be right is refused, with the camera's name, the number and its value.
func TestValidate(t *testing.T) {
	focal := func(f float64) func(*Rig) {
		return func(r *Rig) { r.Cameras[0].Intrinsics[0], r.Cameras[0].Intrinsics[4] = f, f }
	}
	center := func(x, y float64) func(*Rig) {
		return func(r *Rig) { r.Cameras[0].Intrinsics[2], r.Cameras[0].Intrinsics[5] = x, y }
	}
	size := func(w, h int) func(*Rig) { return func(r *Rig) { r.Cameras[1].Width, r.Cameras[1].Height = w, h } }
	turned := func(q geom.Quat) func(*Rig) { return func(r *Rig) { r.Cameras[0].EgoFromCamera.Rotation = q } }
	many := func(n int) func(*Rig) {
		return func(r *Rig) {
			for i := len(r.Cameras); i < n; i++ {
				c := r.Cameras[0]
				c.Name = fmt.Sprint("c", i)
				r.Cameras = append(r.Cameras, c)
			}
		}
	}
	for _, test := range []struct {
		name  string
		spoil func(*Rig)
		want  string // in the error; "" if the rig is sound
	}{
		{"sound", func(*Rig) {}, ""},
		{"no cameras", func(r *Rig) { r.Cameras = nil }, "no cameras"},
		{"as many cameras as may be", many(MaxCameras), ""},
		{"600 cameras", many(600), `rig "pair" has 600 cameras, want at most 64`},
		{"same name", func(r *Rig) { r.Cameras[1].Name = "LEFT" }, "LEFT appears twice"},
		{"no name", func(r *Rig) { r.Cameras[1].Name = "" }, `name "" of a camera: it is empty`},
		{"name of bytes", func(r *Rig) { r.Cameras[1].Name = "\xfc" }, `name "\xfc" of a camera: it is not UTF-8`},
		{"long name", func(r *Rig) { r.Cameras[0].Name = strings.Repeat("ü", 128) }, "it has 256 bytes, want at most 255"},
		{"any other name", func(r *Rig) { r.Cameras[0].Name = " .*>\x00/ü" + strings.Repeat("x", 247) }, ""},
		{"rig's name of bytes", func(r *Rig) { r.Name = "\xfc" }, ""},
		{"rig without a name", func(r *Rig) { r.Name = "" }, ""},
		{"no width", size(0, 900), "RIGHT: image size 0 x 900, want 4 to 16384 pixels a side"},
		{"one pixel", size(1, 1), "RIGHT: image size 1 x 1"},
		{"no decoder takes it", size(65535, 65535), "RIGHT: image size 65535 x 65535"},
		{"transposed intrinsics", func(r *Rig) { r.Cameras[0].Intrinsics = r.Cameras[0].Intrinsics.Transpose() },
			"LEFT: its intrinsics are [1266 0 0 0 1266 0 816 491 1] by rows, want fx, skew, cx, 0, fy, cy, 0, 0, 1: it seems to be transposed"},
		{"intrinsics of another scale", func(r *Rig) { r.Cameras[0].Intrinsics[8] = 2 }, "LEFT: its intrinsics are [1266 0 816 0 1266 491 0 0 2]"},
		{"intrinsics without a scale", func(r *Rig) { r.Cameras[0].Intrinsics[8] = 0 }, "its last number must be 1"},
		{"skew is NaN", func(r *Rig) { r.Cameras[0].Intrinsics[1] = math.NaN() }, "LEFT: intrinsics[1] is NaN, want a finite number"},
		{"skew is the principal point", func(r *Rig) { r.Cameras[0].Intrinsics[1] = 816 }, "LEFT: skew is 816 pixels"},
		{"negative focal length", focal(-1), "LEFT: focal lengths are -1 and -1 pixels, want 80 to 160000 at 1600 x 900"},
		{"normalised focal length", focal(0.8), "focal lengths are 0.8 and 0.8 pixels, want 80"},
		{"huge focal length", focal(1e6), "focal lengths are 1e+06 and"},
		{"wide and long lenses", func(r *Rig) { focal(100)(r); r.Cameras[1].Intrinsics[0], r.Cameras[1].Intrinsics[4] = 2e4, 2e4 }, ""},
		{"no principal point", center(0, 0), "LEFT: its principal point is (0, 0)"},
		{"principal point far outside", center(-4000, 491), "LEFT: its principal point (-4000, 491) is far outside its images of 1600 x 900 pixels"},
		{"principal point of a crop", center(-100, 1200), ""},
		{"no rotation", func(r *Rig) { r.Cameras[0].EgoFromCamera = geom.Transform{} }, "LEFT: ego_from_camera.rotation is a quaternion of length 0, want length 1"},
		{"rotation is NaN", turned(geom.Quat{W: math.NaN()}), "LEFT: ego_from_camera.rotation is {NaN 0 0 0} (w, x, y, z), want finite numbers"},
		{"quaternion of length 1e200", turned(geom.Quat{W: 1e200}), "want length 1"},
		{"quaternion of length 2", turned(geom.Quat{W: 1, X: -1, Y: 1, Z: -1}), ""},
		{"translation is infinite", func(r *Rig) { r.Cameras[0].EgoFromCamera.Translation[0] = math.Inf(1) }, "LEFT: ego_from_camera.translation is [+Inf 0.1 1.5], want finite numbers"},
		{"millimetres", func(r *Rig) { r.Cameras[0].EgoFromCamera.Translation = geom.Vec3{1700, 100, 1500} },
			"LEFT: ego_from_camera.translation is [1700 100 1500], which is 2269 m from the ego frame, want at most 50 m: is it in millimetres?"},
		{"lidar", func(r *Rig) { r.EgoFromLidar.Translation[2] = math.Inf(1) }, "the lidar's pose: ego_from_lidar.translation"},
		{"base", func(r *Rig) { r.EgoFromBase = &geom.Transform{} }, "the base's pose: ego_from_base.rotation"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rig := pair()
			test.spoil(rig)
			err := rig.Validate()
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// What rounding and encodings leave is no change; what was measured anew is one.
func TestSame(t *testing.T) {
	turn := func(angle float64) geom.Quat { return geom.Quat{W: math.Cos(angle / 2), Y: math.Sin(angle / 2)} }
	for _, test := range []struct {
		name   string
		change func(*Rig)
		want   bool
	}{
		{"nothing", func(*Rig) {}, true},
		{"a billionth of a pixel", func(r *Rig) { r.Cameras[0].Intrinsics[0] += 1e-9 }, true},
		{"rounded to float32", func(r *Rig) { r.Cameras[1].EgoFromCamera.Translation[0] = float64(float32(1.7)) }, true},
		{"quaternion of length 2", func(r *Rig) {
			q := &r.Cameras[0].EgoFromCamera.Rotation
			*q = geom.Quat{W: 2 * q.W, X: 2 * q.X, Y: 2 * q.Y, Z: 2 * q.Z}
		}, true},
		{"quaternion of the other sign", func(r *Rig) {
			q := &r.Cameras[0].EgoFromCamera.Rotation
			*q = geom.Quat{W: -q.W, X: -q.X, Y: -q.Y, Z: -q.Z}
		}, true},
		{"another name of the rig", func(r *Rig) { r.Name = "van" }, true},
		{"half a pixel", func(r *Rig) { r.Cameras[0].Intrinsics[2] += 0.5 }, false},
		{"two millimetres", func(r *Rig) { r.Cameras[0].EgoFromCamera.Translation[2] += 0.002 }, false},
		{"a turn below the tolerance", func(r *Rig) {
			r.Cameras[0].EgoFromCamera.Rotation = turn(0.04 / 1266).Mul(r.Cameras[0].EgoFromCamera.Rotation)
		}, true},
		{"a turn that moves far pixels", func(r *Rig) {
			r.Cameras[0].EgoFromCamera.Rotation = turn(0.06 / 1266).Mul(r.Cameras[0].EgoFromCamera.Rotation)
		}, false},
		{"another size", func(r *Rig) { r.Cameras[0].Height++ }, false},
		{"another order", func(r *Rig) { r.Cameras[0], r.Cameras[1] = r.Cameras[1], r.Cameras[0] }, false},
		{"fewer cameras", func(r *Rig) { r.Cameras = r.Cameras[:1] }, false},
		{"another name of a camera", func(r *Rig) { r.Cameras[0].Name = "left" }, false},
		{"no lidar", func(r *Rig) { r.EgoFromLidar = nil }, false},
		{"a base", func(r *Rig) { r.EgoFromBase = new(geom.IdentityTransform()) }, false},
		{"the lidar moved a little", func(r *Rig) { r.EgoFromLidar.Translation[0] += 1e-6 }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := pair(), pair()
			test.change(b)
			if a.Same(b) != test.want || b.Same(a) != test.want {
				t.Errorf("same: %t and %t, want %t", a.Same(b), b.Same(a), test.want)
			}
		})
	}
}

// Steps below the tolerance add up to a change if they are compared with the
// calibration in force.
func TestDriftAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.Float64Range(0.001, 0.04).Draw(t, "pixels a step")
		inForce, changes := pair(), 0
		for i := range 1000 {
			next := pair()
			next.Cameras[0].Intrinsics[0] += float64(i) * step
			if !inForce.Same(next) {
				inForce, changes = next, changes+1
			}
			if off := math.Abs(next.Cameras[0].Intrinsics[0] - inForce.Cameras[0].Intrinsics[0]); off > 0.05 {
				t.Fatalf("the calibration in force is off by %g pixels", off)
			}
		}
		if changes == 0 {
			t.Fatal("a drift over many pixels was no change")
		}
	})
}
