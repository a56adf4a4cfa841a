package nuscenes

import (
	"path/filepath"
	"strings"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

// numbers reads exactly len(dst) finite numbers.
func numbers(r *pull.Reader, dst []float64) {
	n := r.Floats(dst)
	for i, x := range dst[:min(n, len(dst))] {
		if x-x != 0 {
			r.Fail("number %d is %g, want a finite one", i, x)
		}
	}
	if n != len(dst) {
		r.Fail("has %d numbers, want %d", n, len(dst))
	}
}

func vector(r *pull.Reader) (v geom.Vec3) {
	numbers(r, v[:])
	return v
}

// quaternion reads w, x, y, z.
func quaternion(r *pull.Reader) geom.Quat {
	var q [4]float64
	numbers(r, q[:])
	return geom.Quat{W: q[0], X: q[1], Y: q[2], Z: q[3]}
}

// rotation reads a quaternion that is not zero.
func rotation(r *pull.Reader) geom.Quat {
	q := quaternion(r)
	if q.Norm() == 0 {
		r.Fail("is zero, want a quaternion w, x, y, z of length one")
	}
	return q
}

// positive reads a vector without a component below or at zero.
func positive(r *pull.Reader) geom.Vec3 {
	v := vector(r)
	if min(v[0], v[1], v[2]) <= 0 {
		r.Fail("is %v, want positive numbers", v)
	}
	return v
}

// count reads a number that is not negative.
func count(r *pull.Reader) int {
	n := integer(r)
	if n < 0 {
		r.Fail("is %d, want no negative number", n)
	}
	return n
}

// integer reads a number, rounded.
func integer(r *pull.Reader) int {
	n, _ := r.Rounded()
	return int(n)
}

// timestamp reads microseconds, rounded.
func timestamp(r *pull.Reader) Timestamp {
	n, _ := r.Rounded()
	return Timestamp(n)
}

// truth reads a truth value as Python has it: numbers are true but for 0, and
// strings but for "".
func truth(r *pull.Reader) bool {
	switch raw := r.Raw(); raw {
	case "true":
		return true
	case "false", "0", "-0", "0.0", `""`, "":
		return false
	case "null":
		r.Fail("is null, want true or false")
		return false
	default:
		if raw[0] == '[' || raw[0] == '{' {
			r.Fail("is no truth value, want true or false")
			return false
		}
		return true
	}
}

// intrinsics reads a 3 x 3 matrix, or nil from an empty array.
func intrinsics(r *pull.Reader) *geom.Mat3 {
	var k geom.Mat3
	rows := 0
	for i := range r.Array() {
		if i > 2 {
			r.Fail("has more than 3 rows, want 3 x 3 numbers")
			return nil
		}
		numbers(r, k[3*i:3*i+3])
		rows++
	}
	switch {
	case rows == 0 || r.Failed():
		return nil
	case rows == 3:
		return &k
	}
	r.Fail("has %d rows, want 3 x 3 numbers", rows)
	return nil
}

// rectified reads the parameters of a lens's distortion, which should be 0: images
// are taken as rectified.
func rectified(r *pull.Reader) {
	if r.Peek() == 'n' {
		r.Skip()
		return
	}
	i := 0
	for range r.Array() {
		if x := r.Float(); x != 0 && !r.Failed() {
			r.Fail("number %d is %g, but images are taken as they are; want them rectified, and 0", i, x)
		}
		i++
	}
}

// invalid reads whether a file is fit for use. It is a finding if not.
func invalid(r *pull.Reader) bool {
	if valid := truth(r); valid || r.Failed() {
		return false
	}
	r.Fail("is false, so that the file counts as absent")
	return true
}

// localName reads the name of a file that lies in the data set's folder, also if
// backslashes are taken for separators.
func localName(r *pull.Reader) string {
	name := r.String()
	if !(filepath.IsLocal(filepath.FromSlash(name)) && filepath.IsLocal(unixName(name))) && !r.Failed() {
		r.Fail("%q leads out of the data set's folder, want a path below it", name)
	}
	return name
}

// unixName returns a file's name with a separator for each slash and backslash.
func unixName(name string) string {
	return filepath.FromSlash(strings.ReplaceAll(name, `\`, "/"))
}
