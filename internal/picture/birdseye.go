package picture

import (
	"fmt"
	"image/color"
	"math"

	"github.com/solofusion/solofusion/geom"
)

const (
	panelSize = 640 // pixels
	reach     = 52  // metres from the vehicle to the panel's edge
	metre     = panelSize / 2.0 / reach
)

// BirdsEye writes the frames side by side in rows of three, each with the
// vehicle in the middle and its front up.
func BirdsEye(file, title string, frames []*Frame) error {
	columns := min(3, len(frames))
	rows := (len(frames) + columns - 1) / columns
	c := newCanvas(3*(panelSize+between)+between, head+rows*(panelSize+between)+foot, night)
	defer c.close()
	c.write(point{24, 30}, title, large, truth)
	for i, f := range frames {
		p := c.part(between+i%columns*(panelSize+between), head+i/columns*(panelSize+between), panelSize, panelSize)
		drawGround(p, f)
		drawBoxes(p, f)
		seconds := f.Sample.KeyTime().Time().Sub(frames[0].Sample.KeyTime().Time()).Seconds()
		p.write(point{16, 30}, fmt.Sprintf("%+.1f s", seconds), large, truth)
		p.write(point{16, 50}, f.Sample.Scene.Name, tiny, words)
		p.close()
	}
	c.legend(float64(head+rows*(panelSize+between)) + 25)
	return c.save(file)
}

// fromAbove is where a point of the ego frame lies in a panel: ahead is up.
func fromAbove(p geom.Vec3) point {
	return point{panelSize/2 - metre*p[1], panelSize/2 - metre*p[0]}
}

// drawGround draws what the lidar saw, the distance rings and the vehicle.
func drawGround(c *canvas, f *Frame) {
	c.fill([]point{{0, 0}, {panelSize, 0}, {panelSize, panelSize}, {0, panelSize}}, panel, 1)
	for _, standing := range []bool{false, true} {
		for _, g := range f.Ground {
			if inside := math.Abs(g[0]) < reach && math.Abs(g[1]) < reach; inside && (g[2] > 0.3) == standing {
				c.dot(fromAbove(g), map[bool]color.RGBA{false: soil, true: solid}[standing])
			}
		}
	}
	center := fromAbove(geom.Vec3{})
	for r := 10.0; r <= 50; r += 10 {
		c.ring(center, r*metre, faint, 0.5)
		c.write(point{center.x + 3, center.y - r*metre - 3}, fmt.Sprintf("%.0f m", r), tiny, words)
	}
	const front, back, side = 3.3, -0.9, 0.95 // of the vehicle, from its rear axle
	c.fill([]point{
		fromAbove(geom.Vec3{front, 0}), fromAbove(geom.Vec3{front - 1, -side}), fromAbove(geom.Vec3{back, -side}),
		fromAbove(geom.Vec3{back, side}), fromAbove(geom.Vec3{front - 1, side}),
	}, silver, 0.95)
}

func drawBoxes(c *canvas, f *Frame) {
	egoFromGlobal := f.GlobalFromEgo.Inv()
	for i := range f.Found {
		b := &f.Found[i]
		ink := classInk[b.Class]
		c.fill(footprint(egoFromGlobal, b), ink, 0.15+0.7*b.Score)
		c.outline(footprint(egoFromGlobal, b), ink, 0.8)
		drawMotion(c, egoFromGlobal, b, ink, 1)
	}
	for i := range f.Truth {
		c.outline(footprint(egoFromGlobal, &f.Truth[i]), truth, 1)
		drawMotion(c, egoFromGlobal, &f.Truth[i], truth, 0.7)
	}
}

// footprint is a box's outline on the ground.
func footprint(egoFromGlobal geom.Pose, b *Box) []point {
	var corners []point
	for _, i := range []int{0, 1, 3, 2} {
		corners = append(corners, fromAbove(egoFromGlobal.Apply(b.corner(i))))
	}
	return corners
}

// standingSpeed is the speed below which no motion is drawn, metres a second.
const standingSpeed = 0.5

// drawMotion draws the way that a box goes in one second.
func drawMotion(c *canvas, egoFromGlobal geom.Pose, b *Box, ink color.RGBA, width float64) {
	v := geom.Vec3{b.Velocity[0], b.Velocity[1]}
	if !v.IsFinite() || v.Norm() < standingSpeed {
		return
	}
	from, to := egoFromGlobal.Apply(b.Pose.T), egoFromGlobal.Apply(b.Pose.T.Add(v))
	c.line(fromAbove(from), fromAbove(to), ink, width)
}
