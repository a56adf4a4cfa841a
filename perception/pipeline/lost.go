package pipeline

import (
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/model"
)

// shadow finds the cells of the plane that nothing is seen of because cameras have no
// image. Where no camera ever looks is not in it.
type shadow struct {
	grid  geom.Grid
	width float64       // of the network's images
	depth geom.Span     // that is lifted, metres
	reach time.Duration // how long without an image of the camera cells keep what was in them
	cells []bool        // Y X, of the latest set
}

// newShadow returns the shadow of a model, whose cells keep what was in them as long as
// its history reaches back; nil if they are to be empty.
func newShadow(m *model.Manifest, lost string) *shadow {
	if lost == Empty {
		return nil
	}
	return &shadow{
		grid: m.Grid, width: float64(m.Image.Width),
		depth: geom.Span{m.Depth.Edge(0), m.Depth.Edge(m.Depth.Count)},
		reach: time.Duration(float64(m.History.Frames) * m.History.Period * float64(time.Second)),
		cells: make([]bool, m.Grid.Cells()),
	}
}

// of returns the cells at which only cameras look that have no image, and were last seen
// with one, or the sequence began, a short while ago; nil if there is no such camera, or no earlier set,
// or if s is nil.
func (s *shadow) of(f *frame, seen map[string]time.Time, v *views) []bool {
	if s == nil || len(f.plan.Keep) == 0 {
		return nil
	}
	fell := false
	for i := range f.rig.cameras {
		c := &f.rig.cameras[i]
		if _, used := f.result.Captured[c.Name]; used || f.set.Time.Sub(seen[c.Name]) > s.reach {
			continue
		}
		if !fell {
			clear(s.cells)
			fell = true
		}
		own := f.own(c, f.set.GlobalFromEgo)
		s.mark(&own, true)
	}
	if !fell {
		return nil
	}
	for i := range v.own {
		s.mark(&v.own[i], false)
	}
	return s.cells
}

// mark gives the cells that a camera looks at a value: those in whose column a point at
// the camera's height is in its picture.
func (s *shadow) mark(c *geom.Camera, value bool) {
	cameraFromModel, pixels := c.Pose.Inv(), c.PixelsFromCamera()
	columns := s.grid.X.Cells()
	for i := range s.cells {
		at := cameraFromModel.Apply(geom.Vec3{middle(s.grid.X, i%columns), middle(s.grid.Y, i/columns), c.Pose.T[2]})
		if at[2] < s.depth[0] || at[2] > s.depth[1] {
			continue
		}
		if q := pixels.Apply(at); q[0] >= 0 && q[0] < q[2]*s.width {
			s.cells[i] = value
		}
	}
}

// middle returns where the middle of a cell is.
func middle(a geom.Axis, cell int) float64 {
	return a.Min() + float64((float64(cell)+0.5)*a.Step())
}
