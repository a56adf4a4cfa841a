package pipeline

import (
	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/model"
)

// lost returns which cells only cameras without an image would see, nil if every camera
// has one.
func (w *worker) lost(f *frame, rig *mounted, v *views) []bool {
	if len(v.own) == len(rig.cameras) {
		return nil
	}
	m := w.manifest
	if w.lostCells == nil {
		w.lostCells = make([]bool, m.Grid.Y.Cells()*m.Grid.X.Cells())
	}
	clear(w.lostCells)
	for i := range rig.cameras {
		c := &rig.cameras[i]
		if _, used := f.result.Captured[c.Name]; used {
			continue
		}
		_, own := c.placed(f.fromModel, f.local(f.set.GlobalFromEgo))
		mark(w.lostCells, m, &own, true)
	}
	for i := range v.own {
		mark(w.lostCells, m, &v.own[i], false)
	}
	return w.lostCells
}

// mark gives the cells that a camera covers a value.
func mark(cells []bool, m *model.Manifest, c *geom.Camera, value bool) {
	cameraFromModel, pixels := c.Pose.Inv(), c.PixelsFromCamera()
	near, far := m.Depth.Edge(0), m.Depth.Edge(m.Depth.Count)
	for y := range m.Grid.Y.Cells() {
		for x := range m.Grid.X.Cells() {
			at := geom.Vec3{center(m.Grid.X, x), center(m.Grid.Y, y), c.Pose.T[2]}
			p := cameraFromModel.Apply(at)
			if p[2] < near || p[2] > far {
				continue
			}
			if q := pixels.Apply(p); q[0] >= 0 && q[0] < q[2]*float64(m.Image.Width) {
				cells[y*m.Grid.X.Cells()+x] = value
			}
		}
	}
}

func center(a geom.Axis, i int) float64 { return a.Min() + (float64(i)+0.5)*a.Step() }
