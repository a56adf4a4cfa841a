package eval

import (
	"math"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

// What lies exactly on a border, or as near as something else, goes the way
// that the devkit's arithmetic rounds. So it is done in numpy's order here: sums of
// products with one rounding for each term after the first, as its BLAS has with
// the kernels for AVX-512, but squares and sums in turn where the devkit squares
// arrays. With other kernels numpy rounds each product of a short sum, and the
// devkit decides some borders otherwise.

// dot returns the dot product.
func dot(a, b geom.Vec3) float64 {
	return math.FMA(a[2], b[2], math.FMA(a[1], b[1], a[0]*b[0]))
}

// distance is the length of a difference, as numpy.linalg.norm has it.
func distance(dx, dy float64) float64 { return math.Sqrt(math.FMA(dy, dy, dx*dx)) }

// length is the root of the sum of squares.
func length(dx, dy float64) float64 { return math.Sqrt(float64(dx*dx) + float64(dy*dy)) }

// rotation is the matrix of a quaternion of any length, as pyquaternion has
// it: zero if the length overflows.
func rotation(q geom.Quat) (r geom.Mat3) {
	p := [4]float64{q.W, q.X, q.Y, q.Z}
	if squares := dot4(p, p); math.Abs(1-squares) >= 1e-14 && squares > 0 {
		n := math.Sqrt(squares)
		for i := range p {
			p[i] /= n
		}
	}
	w, x, y, z := p[0], p[1], p[2], p[3]
	left := [3][4]float64{{x, w, -z, y}, {y, z, w, -x}, {z, -y, x, w}}
	right := [3][4]float64{{x, w, z, -y}, {y, -z, w, x}, {z, y, -x, w}}
	for i := range left {
		for j := range right {
			r[3*i+j] = dot4(left[i], right[j])
		}
	}
	return r
}

func dot4(a, b [4]float64) float64 {
	return math.FMA(a[3], b[3], math.FMA(a[2], b[2], math.FMA(a[1], b[1], a[0]*b[0])))
}

// yaw is the heading of the rotated x axis. The quaternion's length does not
// matter. If the rotation is zero the signs of zeros decide, as in numpy.
func yaw(q geom.Quat) float64 {
	r, x := rotation(q), geom.Vec3{1, 0, 0}
	return math.Atan2(dot(geom.Vec3(r[3:6]), x), dot(geom.Vec3(r[:3]), x))
}

// rack is the box of a bicycle rack: a corner and the edges from it.
type rack struct {
	corner geom.Vec3
	edges  [3]geom.Vec3
}

func racks(sample *nuscenes.Sample) (found []rack) {
	for _, a := range sample.Annotations {
		if a.Instance.Category.Name == nuscenes.BicycleRack {
			found = append(found, newRack(a))
		}
	}
	return found
}

func newRack(a *nuscenes.Annotation) rack {
	turn := rotation(a.Rotation)
	at := func(x, y, z float64) (p geom.Vec3) {
		for i := range p {
			p[i] = dot(geom.Vec3(turn[3*i:3*i+3]), geom.Vec3{x, y, z}) + a.Center[i]
		}
		return p
	}
	x, y, z := a.Size[1]/2, a.Size[0]/2, a.Size[2]/2
	corner := at(x, y, z)
	return rack{corner, [3]geom.Vec3{at(-x, y, z).Sub(corner), at(x, -y, z).Sub(corner), at(x, y, -z).Sub(corner)}}
}

// contains reports whether a place is in or on the box.
func (r *rack) contains(global geom.Vec3) bool {
	v := global.Sub(r.corner)
	for _, edge := range r.edges {
		if along := dot(edge, v); along < 0 || along > dot(edge, edge) {
			return false
		}
	}
	return true
}
