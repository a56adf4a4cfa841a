package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/perception"
)

// TestEncodingsChangeNothing: a drive that is seen again, with other images missing, gives
// what a detector gives that encodes every image.
func TestEncodingsChangeNothing(t *testing.T) {
	b := bundle(t)
	known := &Encodings{}
	knowing, plain := openBundle(t, b, Options{Encodings: known}), openBundle(t, b, Options{})
	sets := drive(t, 3)
	lost := []*perception.FrameSet{sets[0], without(sets[1], "CAM_FRONT", nil), without(sets[2], "CAM_BACK", nil)}
	for _, all := range [][]*perception.FrameSet{sets, lost, sets} {
		var want, got []*perception.Result
		m, other := plain.NewMemory(), knowing.NewMemory()
		for _, set := range all {
			want, got = append(want, must(t, plain, m, set)), append(got, must(t, knowing, other, set))
		}
		if diff := cmp.Diff(want, got, untimed); diff != "" {
			t.Errorf("(-plain +knowing):\n%s", diff)
		}
		if len(known.rows) != 3*6 {
			t.Errorf("%d images are known, want the %d of the drive", len(known.rows), 3*6)
		}
	}
}

// TestEncodingsAreTaken: the outputs are those that were kept.
func TestEncodingsAreTaken(t *testing.T) {
	known := &Encodings{}
	p := open(t, Options{Encodings: known})
	set := drive(t, 1)[0]
	seen := must(t, p, p.NewMemory(), set)
	for _, made := range known.rows {
		clear(made["context"])
	}
	if again := must(t, p, p.NewMemory(), set); cmp.Equal(seen, again, untimed) {
		t.Error("the images were encoded again")
	}
}
