package tensor

import "testing"

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestShapes(t *testing.T) {
	x := New[float32](2, 3, 4)
	if len(x.Data) != 24 || Size(nil) != 1 {
		t.Errorf("%d elements of a 2 x 3 x 4 array, %d of a scalar", len(x.Data), Size(nil))
	}
	x.MustShape("x", 2, 3, 4)
	if !panics(func() { x.MustShape("x", 2, 12) }) {
		t.Error("another shape passes")
	}
}

func TestFromAliases(t *testing.T) {
	data := []uint8{1, 2, 3, 4}
	shape := []int{2, 2}
	x := From(data, shape...)
	x.Data[3], shape[0] = 9, 7
	if data[3] != 9 || x.Shape[0] != 2 {
		t.Errorf("data %v, shape %v", data, x.Shape)
	}
	if !panics(func() { From(data, 3) }) {
		t.Error("four elements pass for three")
	}
}
