package geom

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// drawPose draws a pose and its matrix in gonum's form.
func drawPose(t *rapid.T) (Pose, *mat.Dense) {
	number := rapid.Float64Range(-1, 1)
	q := Quat{number.Draw(t, "w"), number.Draw(t, "x"), number.Draw(t, "y"), number.Draw(t, "z")}
	if q.Norm() < 0.1 {
		q = Quat{W: 1}
	}
	p := NewPose(q, Vec3{1e3 * number.Draw(t, "tx"), 1e3 * number.Draw(t, "ty"), 1e3 * number.Draw(t, "tz")})
	m := p.Mat4()
	return p, mat.NewDense(4, 4, m[:])
}

// drawMat3 draws a matrix that is far from singular.
func drawMat3(t *rapid.T) Mat3 {
	var m Mat3
	for i := range m {
		m[i] = rapid.Float64Range(-1, 1).Draw(t, "entry")
	}
	for i := range 3 {
		m[4*i] += math.Copysign(3, m[4*i])
	}
	return m
}

func wantEqual(t *rapid.T, what string, got []float64, want *mat.Dense) {
	n, _ := want.Dims()
	if d := mat.NewDense(n, n, got); !mat.EqualApprox(d, want, 1e-9) {
		t.Errorf("%s is\n%v\nand by gonum\n%v", what, mat.Formatted(d), mat.Formatted(want))
	}
}

// Our fixed-size matrices are held against gonum's general ones.
func TestMat3IsGonums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawMat3(t), drawMat3(t)
		da, db := mat.NewDense(3, 3, a[:]), mat.NewDense(3, 3, b[:])
		var product, inverse mat.Dense
		product.Mul(da, db)
		ab := a.Mul(b)
		wantEqual(t, "product", ab[:], &product)
		if err := inverse.Inverse(da); err != nil {
			t.Fatal(err)
		}
		inv := a.Inv()
		wantEqual(t, "inverse", inv[:], &inverse)
		if got, want := a.Det(), mat.Det(da); math.Abs(got-want) > 1e-9 {
			t.Errorf("determinant %v, by gonum %v", got, want)
		}
	})
}

func TestPoseIsGonums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, da := drawPose(t)
		b, db := drawPose(t)
		var product, inverse mat.Dense
		product.Mul(da, db)
		ab := a.Mul(b).Mat4()
		wantEqual(t, "product", ab[:], &product)
		ab = a.Mat4().Mul(b.Mat4())
		wantEqual(t, "product of matrices", ab[:], &product)
		if err := inverse.Inverse(da); err != nil {
			t.Fatal(err)
		}
		inv := a.Inv().Mat4()
		wantEqual(t, "inverse", inv[:], &inverse)
	})
}
