package geom

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

const tolerance = 1e-9

func anyVec(t *rapid.T, name string) Vec3 {
	x := rapid.Float64Range(-100, 100)
	return Vec3{x.Draw(t, name+" x"), x.Draw(t, name+" y"), x.Draw(t, name+" z")}
}

func anyQuat(t *rapid.T, name string) Quat {
	x := rapid.Float64Range(-1, 1)
	q := Quat{x.Draw(t, name+" w"), x.Draw(t, name+" x"), x.Draw(t, name+" y"), x.Draw(t, name+" z")}
	if q.Norm() < 1e-3 {
		t.Skip("too short for a rotation")
	}
	return q.Unit()
}

func anyPose(t *rapid.T, name string) Pose {
	return NewPose(anyQuat(t, name), anyVec(t, name))
}

func near(a, b []float64) bool {
	for i := range a {
		if !(math.Abs(a[i]-b[i]) <= tolerance*(1+math.Abs(b[i]))) {
			return false
		}
	}
	return true
}

func wantPose(t *rapid.T, got, want Pose) {
	if !near(got.R[:], want.R[:]) || !near(got.T[:], want.T[:]) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestPosesAreAGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, p := anyPose(t, "a"), anyPose(t, "b"), anyVec(t, "p")
		wantPose(t, a.Mul(a.Inv()), IdentityPose())
		moved, apart := a.Mul(b).Apply(p), a.Apply(b.Apply(p))
		if !near(moved[:], apart[:]) {
			t.Fatalf("(ab)p = %v, a(bp) = %v", moved, apart)
		}
		product, composed := a.Mat4().Mul(b.Mat4()), a.Mul(b).Mat4()
		if !near(product[:], composed[:]) {
			t.Fatalf("matrices give %v, poses %v", product, composed)
		}
	})
}

func TestQuaternionsAndMatricesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, r := anyQuat(t, "q"), anyQuat(t, "r")
		product, composed := q.Mul(r).Mat3(), q.Mat3().Mul(r.Mat3())
		if !near(product[:], composed[:]) {
			t.Fatalf("quaternions give %v, matrices %v", product, composed)
		}
		m, back := q.Mat3(), QuatFromMat3(q.Mat3()).Mat3()
		if !near(m[:], back[:]) {
			t.Fatalf("%v became %v", m, back)
		}
		if math.Abs(m.Det()-1) > tolerance {
			t.Fatalf("determinant %v of a rotation", m.Det())
		}
	})
}

func TestQuatFromMat3HalfTurns(t *testing.T) {
	for _, q := range []Quat{{W: 1}, {X: 1}, {Y: 1}, {Z: 1}} {
		if got := QuatFromMat3(q.Mat3()); got != q {
			t.Errorf("%v became %v", q, got)
		}
	}
}

func TestYaw(t *testing.T) {
	for _, yaw := range []float64{-3, -1.5, 0, 0.25, math.Pi / 2, 3.1} {
		if got := QuatFromYaw(yaw).Yaw(); math.Abs(got-yaw) > tolerance {
			t.Errorf("yaw %v became %v", yaw, got)
		}
	}
}

func TestLerpEndsAndMiddle(t *testing.T) {
	a := NewPose(QuatFromYaw(0.1), Vec3{1, 2, 3})
	b := NewPose(QuatFromYaw(0.5), Vec3{3, 2, 1})
	if a.Lerp(b, 0) != a || a.Lerp(b, 1) != b {
		t.Error("the ends are not the poses themselves")
	}
	middle := a.Lerp(b, 0.5)
	want := NewPose(QuatFromYaw(0.3), Vec3{2, 2, 2})
	if !near(middle.R[:], want.R[:]) || !near(middle.T[:], want.T[:]) {
		t.Errorf("middle is %v, want %v", middle, want)
	}
}

func TestSlerpTakesTheShortArc(t *testing.T) {
	q, r := QuatFromYaw(0.2), QuatFromYaw(0.2+1e-5)
	opposite := Quat{-r.W, -r.X, -r.Y, -r.Z}
	if got := q.Slerp(opposite, 0.5).Yaw(); math.Abs(got-0.2-0.5e-5) > tolerance {
		t.Errorf("yaw %v", got)
	}
}

func TestVectors(t *testing.T) {
	v, w := Vec3{1, 2, 3}, Vec3{-4, 5, 6}
	c := v.Cross(w)
	if c.Dot(v) != 0 || c.Dot(w) != 0 || c != (Vec3{-3, -18, 13}) {
		t.Errorf("cross product %v", c)
	}
	if got := (Vec3{2, 3, 6}).Norm(); got != 7 {
		t.Errorf("length %v, want 7", got)
	}
	if v.Add(w).Sub(w) != v || v.Scale(2) != v.Add(v) {
		t.Error("sums disagree")
	}
}

func TestWhatIsNotFinite(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	fine := Transform{Rotation: Quat{W: 1}, Translation: Vec3{1, 2, 3}}
	if !fine.IsFinite() || !fine.Pose().IsFinite() || !IdentityTransform().IsFinite() {
		t.Error("finite poses are called otherwise")
	}
	for _, length := range []float64{2e-6, 0.999, 5e5} {
		if scaled := (Transform{Rotation: Quat{W: 0.6 * length, Z: 0.8 * length}}); !scaled.IsFinite() {
			t.Errorf("a quaternion of length %g is called otherwise", length)
		}
	}
	for name, broken := range map[string]Transform{
		"translation": {Rotation: Quat{W: 1}, Translation: Vec3{0, nan, 0}},
		"rotation":    {Rotation: Quat{W: 1, Y: inf}},
		"no rotation": {},
		"too long":    {Rotation: Quat{W: 1e200, Z: 1e200}},
		"too short":   {Rotation: Quat{W: 1e-161, Z: 1e-161}},
	} {
		if broken.IsFinite() {
			t.Errorf("%s: called finite", name)
		}
	}
	if (Mat3{0: nan}).IsFinite() || (Pose{R: Identity3(), T: Vec3{inf}}).IsFinite() {
		t.Error("broken matrices are called finite")
	}
}
