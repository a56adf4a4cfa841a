package decode

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

func at(x, y, width, length, heading float64) box {
	return box{detection: perception.Detection{
		Center: geom.Vec3{x, y, 0}, Size: geom.Vec3{width, length, 1}, Yaw: heading,
	}}
}

func TestKeep(t *testing.T) {
	rotated := func(iou float64) NMS { return Rotated{iou, []float64{1}, 10, 10} }
	for name, test := range map[string]struct {
		nms   NMS
		boxes []box
		want  []int
	}{
		"a circle's edge suppresses":         {Circle{4, 9}, []box{at(0, 0, 1, 1, 0), at(2, 0, 1, 1, 0), at(2.1, 0, 1, 1, 0)}, []int{0, 2}},
		"the suppressed suppress none":       {Circle{4, 9}, []box{at(0, 0, 1, 1, 0), at(2, 0, 1, 1, 0), at(4, 0, 1, 1, 0)}, []int{0, 2}},
		"a circle's limit":                   {Circle{1, 2}, []box{at(0, 0, 1, 1, 0), at(2, 0, 1, 1, 0), at(4, 0, 1, 1, 0)}, []int{0, 1}},
		"overlap of a third":                 {rotated(0.3), []box{at(0, 0, 2, 2, 0), at(1, 0, 2, 2, 0)}, []int{0}},
		"overlap of a third is allowed":      {rotated(0.34), []box{at(0, 0, 2, 2, 0), at(1, 0, 2, 2, 0)}, []int{0, 1}},
		"crossed":                            {rotated(0.1), []box{at(0, 0, 1, 9, 0), at(0, 0, 1, 9, math.Pi/2)}, []int{0, 1}},
		"side by side along the length":      {rotated(0.1), []box{at(0, 0, 1, 9, 0), at(0, 1.5, 1, 9, 0)}, []int{0, 1}},
		"the length axis follows heading":    {rotated(0.1), []box{at(0, 0, 1, 9, 0.3), at(3*math.Cos(0.3), 3*math.Sin(0.3), 1, 9, 0.3)}, []int{0}},
		"only the first Pre take part":       {Rotated{0.1, []float64{1}, 1, 10}, []box{at(0, 0, 1, 1, 0), at(9, 0, 1, 1, 0)}, []int{0}},
		"factors make neighbours overlap":    {Rotated{0.1, []float64{3}, 9, 9}, []box{at(0, 0, 1, 1, 0), at(1.5, 0, 1, 1, 0)}, []int{0}},
		"factors keep overlaps from meeting": {Rotated{0.1, []float64{0.5}, 9, 9}, []box{at(0, 0, 1, 1, 0), at(0.6, 0, 1, 1, 0)}, []int{0, 1}},
		"nothing":                            {rotated(0.1), nil, nil},
	} {
		if got := test.nms.keep(&suppressor{}, test.boxes); !slices.Equal(got, test.want) {
			t.Errorf("%s: kept %v, want %v", name, got, test.want)
		}
	}
}

func drawRectangle(t *rapid.T) rectangle {
	f := func(low, high float64) float64 { return rapid.Float64Range(low, high).Draw(t, "number") }
	return newRectangle(f(-5, 5), f(-5, 5), f(0.1, 9), f(0.1, 9), f(-4, 4))
}

func TestOverlapProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRectangle(t), drawRectangle(t)
		ab, ba := a.iou(&b), b.iou(&a)
		if math.Abs(ab-ba) > 1e-9 || ab < 0 || ab > 1+1e-12 {
			t.Errorf("overlap %v one way, %v the other", ab, ba)
		}
		if self := a.iou(&a); math.Abs(self-1) > 1e-9 {
			t.Errorf("overlap of a rectangle with itself is %v", self)
		}
	})
}

// inside is independent of clipping: it looks at both axes of the rectangle.
func (r *rectangle) inside(p point) bool {
	for i := range r.corners {
		a, b := r.corners[i], r.corners[(i+1)%4]
		if (b.x-a.x)*(p.y-a.y)-(b.y-a.y)*(p.x-a.x) < 0 {
			return false
		}
	}
	return true
}

func TestIntersectionEqualsCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRectangle(t), drawRectangle(t)
		const steps, side = 400, 24.0
		hits := 0
		for i := range steps {
			for j := range steps {
				p := point{side * (float64(i)/steps - 0.5), side * (float64(j)/steps - 0.5)}
				if a.inside(p) && b.inside(p) {
					hits++
				}
			}
		}
		counted := float64(hits) * side * side / steps / steps
		if got := a.intersection(&b); math.Abs(got-counted) > 1.5 {
			t.Errorf("intersection %v, counted %v", got, counted)
		}
	})
}
