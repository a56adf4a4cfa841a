package picture

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"

	"github.com/solofusion/solofusion/geom"
)

const (
	tileWidth, tileHeight = 640, 360
	head, foot            = 44, 40 // heights of title and legend
	between               = 4
	sight                 = 60 // metres; what is farther is not drawn on images
)

// order is where the cameras of nuScenes' rig go; others follow.
var order = []string{
	"CAM_FRONT_LEFT", "CAM_FRONT", "CAM_FRONT_RIGHT",
	"CAM_BACK_LEFT", "CAM_BACK", "CAM_BACK_RIGHT",
}

// Cameras writes the frame's images in rows of three, with the boxes on them.
func Cameras(file, title string, f *Frame) error {
	views := slices.Clone(f.Views)
	slices.SortStableFunc(views, func(a, b View) int { return cmp.Compare(rank(a), rank(b)) })
	columns := min(3, max(1, len(views)))
	rows := (len(views) + columns - 1) / columns
	c := newCanvas(3*(tileWidth+between)+between, head+rows*(tileHeight+between)+foot, night)
	defer c.close()
	c.write(point{24, 30}, title, large, truth)
	for i := range views {
		left, top := between+i%columns*(tileWidth+between), head+i/columns*(tileHeight+between)
		if err := drawView(c, left, top, &views[i], f); err != nil {
			return err
		}
	}
	c.legend(float64(head+rows*(tileHeight+between)) + 25)
	return c.save(file)
}

func rank(v View) int {
	if i := slices.Index(order, v.Camera); i >= 0 {
		return i
	}
	return len(order)
}

func drawView(c *canvas, left, top int, v *View, f *Frame) error {
	tile := c.part(left, top, tileWidth, tileHeight)
	defer tile.close()
	sourceWidth, err := tile.show(v.File)
	if err != nil {
		return err
	}
	lens := lens{v, tileWidth / float64(sourceWidth)}
	for i := range f.Truth {
		lens.frame(tile, &f.Truth[i], false)
	}
	found := slices.Clone(f.Found)
	slices.SortStableFunc(found, func(a, b Box) int { return cmp.Compare(lens.distance(&b), lens.distance(&a)) })
	for i := range found {
		lens.frame(tile, &found[i], true)
	}
	tile.plate(point{8, 8}, v.Camera, normal, night, truth)
	return nil
}

// plate writes text on a ground of its own, its upper left at p.
func (c *canvas) plate(p point, text string, size float64, ground, ink color.RGBA) {
	w, h := width(text, size)+8, 30*size+4
	c.fill([]point{p, {p.x + w, p.y}, {p.x + w, p.y + h}, {p.x, p.y + h}}, ground, 0.75)
	c.write(point{p.x + 4, p.y + h - 8*size - 1}, text, size, ink)
}

// lens maps the global frame to a tile's pixels.
type lens struct {
	*View
	scale float64
}

func (l *lens) distance(b *Box) float64 { return l.CameraFromGlobal.Apply(b.Pose.T)[2] }

// near is the distance of the plane at which lines are cut, metres.
const near = 0.2

// edges are pairs of a box's corners.
var edges = [][2]int{{0, 1}, {2, 3}, {4, 5}, {6, 7}, {0, 2}, {1, 3}, {4, 6}, {5, 7}, {0, 4}, {1, 5}, {2, 6}, {3, 7}}

// front is the face towards which the box moves.
var front = []int{1, 3, 7, 5}

// frame draws a box's edges; a found one's front is shaded and its score is
// beside it.
func (l *lens) frame(c *canvas, b *Box, found bool) {
	if l.distance(b) > sight {
		return
	}
	var corners [8]geom.Vec3
	for i := range corners {
		corners[i] = l.CameraFromGlobal.Apply(b.corner(i))
	}
	ink, width := truth, 0.9
	if found {
		ink, width = classInk[b.Class], 1.6
		l.shadeFront(c, &corners, ink)
	}
	for _, e := range edges {
		if from, to, ok := cut(corners[e[0]], corners[e[1]]); ok {
			c.line(l.project(from), l.project(to), ink, width)
		}
	}
	if found {
		l.label(c, b, &corners)
	}
}

func (l *lens) shadeFront(c *canvas, corners *[8]geom.Vec3, ink color.RGBA) {
	var face []point
	for _, i := range front {
		if corners[i][2] < near {
			return
		}
		face = append(face, l.project(corners[i]))
	}
	c.fill(face, ink, 0.3)
}

// labelled is the least height, in pixels, of a box that gets its score.
const labelled = 24

// label writes the score over the middle of the box's top.
func (l *lens) label(c *canvas, b *Box, corners *[8]geom.Vec3) {
	at, low, n := point{y: math.Inf(1)}, math.Inf(-1), 0.0
	for _, q := range corners {
		if q[2] < near {
			continue
		}
		p := l.project(q)
		at.x += p.x
		at.y, low = min(at.y, p.y), max(low, p.y)
		n++
	}
	at.x /= n
	if low-at.y < labelled || at.x < 0 || at.x > tileWidth || at.y > tileHeight {
		return
	}
	text := fmt.Sprintf("%.2f", b.Score)
	at.x -= width(text, tiny)/2 + 4
	at.y = max(34, at.y-16)
	c.plate(at, text, tiny, night, classInk[b.Class])
}

func (l *lens) project(p geom.Vec3) point {
	uv := l.Intrinsics.Apply(p)
	return point{l.scale * uv[0] / uv[2], l.scale * uv[1] / uv[2]}
}

// cut returns the part of a line that lies before the camera.
func cut(a, b geom.Vec3) (from, to geom.Vec3, ok bool) {
	if a[2] < near && b[2] < near {
		return a, b, false
	}
	if a[2] < near {
		a, b = b, a
	}
	if b[2] < near {
		b = a.Add(b.Sub(a).Scale((a[2] - near) / (a[2] - b[2])))
	}
	return a, b, true
}
