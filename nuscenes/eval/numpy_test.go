package eval

import (
	"math"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

func TestYawOfAnyLength(t *testing.T) {
	q := geom.QuatFromYaw(2)
	if got := yaw(geom.Quat{W: 3 * q.W, Z: 3 * q.Z}); math.Abs(got-2) > 1e-12 {
		t.Errorf("yaw %g, want 2", got)
	}
	if got := yaw(geom.Quat{}); got != 0 {
		t.Errorf("yaw of nothing %g, want 0", got)
	}
}

// TestRoundingIsNumpys pins cases in which plain arithmetic goes another way.
func TestRoundingIsNumpys(t *testing.T) {
	for _, length := range []float64{1e200, 1e-200} {
		if got := yaw(geom.Quat{W: length, Z: length}); got != 0 {
			t.Errorf("yaw of a quaternion whose length overflows or underflows, %g, is %g, want 0", length, got)
		}
	}
	inf := math.Inf(1)
	if got := line(0.5, 0, 1, 1, inf); got != inf {
		t.Errorf("on the way to infinity: %g, want infinity", got)
	}
	if got := line(0.5, 0, inf, 1, inf); got != inf {
		t.Errorf("between infinities: %g, want infinity", got)
	}
	r := newRack(&nuscenes.Annotation{Center: geom.Vec3{842.897, 0, 0}, Size: geom.Vec3{2, 3.035, 1}, Rotation: geom.Quat{W: 1}})
	if !r.contains(geom.Vec3{844.4145000000001, 0, 0}) {
		t.Error("a place on a rack's border is not in it")
	}
}
