package geom

import (
	"math"
	"testing"
)

func TestPixelsFromCamera(t *testing.T) {
	k := Mat3{1200, 0, 800, 0, 1210, 450, 0, 0, 1}
	a := Mat4{0.25, 0, 0, -16, 0, 0.25, 0, -88, 0, 0, 1, 0, 0, 0, 0, 1}
	c := Camera{Intrinsics: k, Augment: a}
	p := c.PixelsFromCamera().Apply(Vec3{1, 2, 10})
	want := Vec3{0.25*(1200*0.1+800) - 16, 0.25*(1210*0.2+450) - 88, 10}
	if got := (Vec3{p[0] / p[2], p[1] / p[2], p[2]}); got.Sub(want).Norm() > 1e-12*math.Abs(want[0]) {
		t.Errorf("pixel %v, want %v", got, want)
	}
}
