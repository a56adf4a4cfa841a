package picture

import (
	"image/color"

	"github.com/solofusion/solofusion/perception"
)

// The pictures' colours.
var (
	night  = color.RGBA{17, 20, 26, 255}
	panel  = color.RGBA{24, 28, 36, 255}
	faint  = color.RGBA{58, 66, 80, 255}
	soil   = color.RGBA{42, 49, 60, 255}
	solid  = color.RGBA{96, 108, 126, 255}
	words  = color.RGBA{196, 204, 216, 255}
	truth  = color.RGBA{255, 255, 255, 255}
	silver = color.RGBA{210, 216, 226, 255}
)

// classInk has a colour for each of perception's classes.
var classInk = [len(perception.Classes)]color.RGBA{
	{255, 158, 27, 255},  // car
	{0, 204, 150, 255},   // truck
	{240, 220, 40, 255},  // construction vehicle
	{255, 84, 64, 255},   // bus
	{150, 108, 255, 255}, // trailer
	{190, 132, 84, 255},  // barrier
	{255, 70, 140, 255},  // motorcycle
	{226, 96, 255, 255},  // bicycle
	{64, 160, 255, 255},  // pedestrian
	{172, 232, 64, 255},  // traffic cone
}

// legend writes what the colours mean in a line at y.
func (c *canvas) legend(y float64) {
	x := 24.0
	c.outline([]point{{x, y - 11}, {x + 22, y - 11}, {x + 22, y}, {x, y}}, truth, 1.2)
	x += 32 + c.write(point{x + 30, y}, "truth", normal, words) + 20
	for class := range perception.Classes {
		ink := classInk[class]
		swatch := []point{{x, y - 11}, {x + 22, y - 11}, {x + 22, y}, {x, y}}
		c.fill(swatch, ink, 0.7)
		c.outline(swatch, ink, 1.2)
		x += 32 + c.write(point{x + 30, y}, perception.Class(class).Words(), normal, words) + 20
	}
}
