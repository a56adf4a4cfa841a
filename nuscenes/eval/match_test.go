package eval

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// newTruths and newBoxes return boxes of the first class along x.
func newTruths(xs ...float64) (truths []Truth) {
	for _, x := range xs {
		truths = append(truths, Truth{Annotation: &nuscenes.Annotation{Center: geom.Vec3{x, 0, 0}, Size: geom.Vec3{1, 1, 1}, Rotation: geom.Quat{W: 1}}})
	}
	return truths
}

func newBoxes(score float64, xs ...float64) (boxes []*nuscenes.Box) {
	for _, x := range xs {
		boxes = append(boxes, &nuscenes.Box{Score: score, Center: geom.Vec3{x, 0, 0}, Size: geom.Vec3{1, 1, 1}, Rotation: geom.Quat{W: 1}})
	}
	return boxes
}

func TestMatching(t *testing.T) {
	cfg := CVPR2019()
	tests := []struct {
		name     string
		truth    []float64
		found    []float64 // all with the same score
		distance int
		want     []float64 // of each choice in turn: place of the box that is taken, 0 for none
	}{
		{"the later of equals first", []float64{1}, []float64{1.1, 1.3}, 0, []float64{1, 0}},
		{"strictly below", []float64{1}, []float64{1.5}, 0, []float64{0}},
		{"just below", []float64{1}, []float64{1.4999999}, 0, []float64{1}},
		{"nearest free, no second choice", []float64{1, 3}, []float64{9, 1.2, 1.1}, 1, []float64{1, 0, 0}},
		{"the next one if near enough", []float64{1, 1.5}, []float64{1.2, 1.1}, 1, []float64{1, 1.5}},
		{"of two as near the first", []float64{3, 1}, []float64{2}, 2, []float64{3}},
		{"each distance by itself", []float64{1, 2}, []float64{1.2, 1.9}, 3, []float64{2, 1}},
		{"nothing there", nil, []float64{1}, 3, []float64{0}},
	}
	for _, test := range tests {
		frame := Frame{Truth: newTruths(test.truth...), Found: newBoxes(0.5, test.found...)}
		all := matchFrame(&cfg, &frame)
		for i, f := range all.of[0] {
			got := 0.0
			if f.matches >= 0 {
				if p := all.matches[f.matches][test.distance]; p != nil {
					got = p.truth.Center[0]
				}
			}
			if got != test.want[i] {
				t.Errorf("%s: choice %d takes the box at %g, want %g", test.name, i, got, test.want[i])
			}
		}
	}
}

func TestFrameOfTheMatchCounts(t *testing.T) {
	scene := &nuscenes.Scene{}
	frames := []Frame{
		{Sample: &nuscenes.Sample{Scene: scene}, Truth: newTruths(1)},
		{Sample: &nuscenes.Sample{Scene: scene}, Found: newBoxes(0.5, 1)},
	}
	if m := Evaluate(CVPR2019(), frames); m.Classes[0].Truth != 1 || m.Classes[0].Found != 1 || m.Classes[0].MeanAP != 0 {
		t.Errorf("a box matched another sample's: %+v", m.Classes[0])
	}
}

func TestOrderOfChoice(t *testing.T) {
	var frames []Frame
	for _, scores := range [][]float64{{0.5, 0.9}, {0.5}, {0.7, 0.5, 0.5}} {
		f := Frame{Sample: &nuscenes.Sample{Scene: &nuscenes.Scene{}}}
		for _, score := range scores {
			f.Found = append(f.Found, newBoxes(score, float64(10*len(frames)+len(f.Found)))...)
		}
		f.Truth = newTruths(0, 1, 2, 10, 20, 21, 22)
		frames = append(frames, f)
	}
	cfg := CVPR2019()
	rankings, _ := rank(&cfg, frames)
	var places []float64
	for _, h := range rankings[0].tp[0] {
		places = append(places, h.found.Center[0])
	}
	if want := []float64{1, 20, 22, 21, 10, 0}; !slices.Equal(places, want) {
		t.Errorf("boxes choose in the order %v, want %v", places, want)
	}
}

func TestErrorsOfAMatch(t *testing.T) {
	car, _ := perception.ParseClass("car")
	barrier, _ := perception.ParseClass("barrier")
	truth := newTruths(0)[0]
	truth.Class, truth.Size, truth.Yaw, truth.Velocity, truth.Attribute = car, geom.Vec3{2, 4, 1}, 3, [2]float64{3, 0}, "vehicle.moving"
	found := &nuscenes.Box{
		Class: car, Center: geom.Vec3{3, 4, 9}, Size: geom.Vec3{1, 4, 2}, Rotation: geom.QuatFromYaw(-3),
		Velocity: [2]float64{0, 4}, Attribute: nuscenes.VehicleParked,
	}
	got := errorsOf(&truth, found)
	want := [numErrors]float64{5, 1 - 4.0/12, 2*math.Pi - 6, 5, 1}
	for e := range numErrors {
		if math.Abs(got[e]-want[e]) > 1e-12 {
			t.Errorf("%s = %g, want %g", e, got[e], want[e])
		}
	}
	truth.Class, truth.Yaw, found.Rotation, found.Attribute = barrier, 0, geom.QuatFromYaw(math.Pi), nuscenes.VehicleMoving
	if got := errorsOf(&truth, found); got[Orientation] > 1e-12 || got[Attribute] != 0 {
		t.Errorf("a barrier turned around: %v", got)
	}
	truth.Attribute, found.Velocity[0] = "", math.NaN()
	if got := errorsOf(&truth, found); !math.IsNaN(got[Attribute]) || !math.IsNaN(got[Velocity]) {
		t.Errorf("unknown attribute and velocity: %v", got)
	}
}

func TestTurnIsTheSmallestAngle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(-4, 4).Draw(t, "a"), rapid.Float64Range(-4, 4).Draw(t, "b")
		d := turn(a, b, 2*math.Pi)
		if math.Abs(d) > math.Pi+1e-12 || math.Abs(math.Sin((a-b-d)/2)) > 1e-9 {
			t.Errorf("from %g to %g is %g", b, a, d)
		}
	})
}
