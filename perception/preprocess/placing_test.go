package preprocess

import (
	"math"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/perception"
)

// trained is a configuration whose cameras had 160 x 90 pixels, focal lengths about
// 127 and 81, the principal point about column 81 and the horizon about row 49.
func trained() Config {
	c := plain(72, 25, 0.05, 0)
	c.Source = geom.Size{Width: 160, Height: 90}
	c.Seen = Seen{
		Focal:   geom.Spans{{80, 82}, {126, 128}},
		CenterX: geom.Spans{{80, 82}},
		CenterY: geom.Spans{{49, 49.5}},
		Horizon: geom.Spans{{48, 50}},
	}
	return c
}

// picture is that of a camera which looks ahead.
func picture(width, height int, focal, centerX, horizon float64) Picture {
	return Picture{Size: geom.Size{Width: width, Height: height}, Focal: focal, CenterX: centerX, CenterY: horizon, Horizon: horizon}
}

// pitched is a picture of training's size that looks up or down.
func pitched(centerY, horizon float64) Picture {
	p := picture(160, 90, 127, 81, horizon)
	p.CenterY = centerY
	return p
}

func TestPlace(t *testing.T) {
	c := trained()
	for name, test := range map[string]struct {
		of   Picture
		want Placing
	}{
		"a camera of training":         {picture(160, 90, 127, 81, 49), Placing{Scale: 1}},
		"half its size":                {picture(80, 45, 63.5, 40.5, 24.5), Placing{Scale: 2}},
		"4/5 of its size":              {picture(128, 72, 101.6, 64.8, 39.2), Placing{Scale: 1.25}},
		"12/5 of its size":             {picture(384, 216, 304.8, 194.4, 117.6), Placing{Scale: 160. / 384}},
		"columns cut at both sides":    {picture(120, 90, 127, 61, 49), Placing{Scale: 1, Left: 20}},
		"columns cut at the left":      {picture(120, 90, 127, 41, 49), Placing{Scale: 1, Left: 40}},
		"columns cut at the right":     {picture(120, 90, 127, 81, 49), Placing{Scale: 1}},
		"rows cut below":               {picture(160, 80, 127, 81, 49), Placing{Scale: 1}},
		"half its size, columns added": {picture(100, 45, 63.5, 50.5, 24.5), Placing{Scale: 2, Left: -20}},
		"rows added above":             {picture(160, 120, 127, 81, 79), Placing{Scale: 1, Top: -30}},
		"rows added below":             {picture(160, 120, 127, 81, 49), Placing{Scale: 1}},
		"looking up a little":          {pitched(48.5, 49.5), Placing{Scale: 1, Top: 0.5}},
		"looking up more":              {pitched(48, 50), Placing{Scale: 1}},
		"looking down far":             {pitched(49, 30), Placing{Scale: 1, Top: 18}},
		"rows cut above":               {picture(160, 70, 127, 81, 29), Placing{Scale: 1, Top: 20}},
		"both cut":                     {picture(140, 70, 127, 71, 29), Placing{Scale: 1, Left: 10, Top: 20}},
		"a longer focal length":        {picture(160, 90, 256, 81, 49), Placing{Scale: 0.5, Left: 40, Top: 45 - 20}},
		"a wide angle":                 {picture(160, 90, 40, 81, 49), Placing{Scale: 2, Left: -80, Top: -49}},
		"without a horizon":            {pitched(45, math.NaN()), Placing{Scale: 1, Top: 4}},
	} {
		if got := c.Place(test.of); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// A focal length at the end of the range stays there at every size, whatever rounding
// makes of it.
func TestRoundingIsNotAnotherCamera(t *testing.T) {
	c := trained()
	for width := 16; width <= 1600; width++ {
		s := float64(width) / 160
		for _, focal := range c.Seen.Focal[0] {
			p := picture(width, 90*width/160, s*focal, s*81, s*49)
			if got := c.Place(p).Scale; got != 160/float64(width) {
				t.Errorf("focal length %g at width %d: scale %g, want %g", focal, width, got, 160/float64(width))
			}
		}
	}
}

// A scene, photographed at any size, cut, padded or zoomed, is the same image for the
// network, where the picture covers it: what the numbers say is what the pixels show.
func TestPicturesOfOneScene(t *testing.T) {
	for name, test := range map[string]struct{ width, height, scale, left, top float64 }{
		"as training":  {160, 90, 1, 0, 0},
		"half":         {80, 45, 0.5, 0, 0},
		"4/5":          {128, 72, 0.8, 0, 0},
		"12/5":         {384, 216, 2.4, 0, 0},
		"cut sides":    {140, 90, 1, -10, 0},
		"padded sides": {200, 90, 1, 20, 0},
		"padded above": {160, 130, 1, 0, 40},
		"cut above":    {160, 80, 1, 0, -10},
		"half and cut": {70, 45, 0.5, -5, 0},
	} {
		// A picture shows the scene's point (x, y), in pixels of training's camera, at
		// scale (x, y) + (left, top).
		w, h := int(test.width), int(test.height)
		bgr := make([]uint8, 3*w*h)
		for i := range w * h {
			x := (float64(i%w) + 0.5 - test.left) / test.scale
			y := (float64(i/w) + 0.5 - test.top) / test.scale
			bgr[3*i], bgr[3*i+1], bgr[3*i+2] = scene(x, y)
		}
		cam, err := NewCamera(trained(), Picture{
			Size: geom.Size{Width: w, Height: h}, Focal: 127 * test.scale,
			CenterX: 81*test.scale + test.left, CenterY: 49*test.scale + test.top, Horizon: 49*test.scale + test.top,
		}, compute.Resources{})
		if err != nil {
			t.Fatal(err)
		}
		c := trained()
		plane := c.Size.Pixels()
		got := make([]float32, 3*plane)
		cam.Pixels(got, bgr, &Scratch{})
		k := cam.Placing.Intrinsics(geom.Mat3{
			127 * test.scale, 0, 81*test.scale + test.left, 0, 127 * test.scale, 49*test.scale + test.top, 0, 0, 1,
		})
		worst, covered := 0.0, 0
		for i := range plane {
			// Where the equivalent camera sees this pixel's middle.
			x := (float64(i%c.Size.Width+cam.Crop.Left)+0.5)/cam.Crop.Scale - k[2]
			y := (float64(i/c.Size.Width+cam.Crop.Top)+0.5)/cam.Crop.Scale - k[5]
			b, g, r := scene(x*127/k[0]+81, y*127/k[4]+49)
			if got[i] == 0 && got[plane+i] == 0 && got[2*plane+i] == 0 {
				continue // black, beyond the picture
			}
			covered++
			for ch, want := range []uint8{r, g, b} {
				worst = max(worst, math.Abs(float64(got[ch*plane+i])-float64(want)))
			}
		}
		if worst > 3 || covered < plane*8/10 {
			t.Errorf("%s: %d of %d pixels covered, values differ by up to %g", name, covered, plane, worst)
		}
	}
}

// scene is a smooth picture without black.
func scene(x, y float64) (b, g, r uint8) {
	wave := func(phase float64) uint8 { return uint8(128 + 60*math.Sin(x/17+phase)*math.Cos(y/13-phase)) }
	return wave(0), wave(1), wave(2)
}

// Numbers without sense end in an image, black or not, and never in a panic.
// An image that the network sees in part is told by its share of the view, and one that
// it does not see at all is refused.
func TestView(t *testing.T) {
	c := trained()
	for _, test := range []struct {
		focal, centerX, horizon float64
		want                    float64
	}{
		{127, 81, 49, 1}, {127, 140, 49, 0.65}, {127, 300, 49, 0}, {127, 81, 500, 0}, {1e300, 81, 49, 0},
	} {
		cam, err := NewCamera(c, picture(160, 90, test.focal, test.centerX, test.horizon), compute.Resources{})
		if err != nil {
			t.Fatal(err)
		}
		if got := cam.View(); math.Abs(got-test.want) > 0.01 {
			t.Errorf("%+v: view %.3f, want %.2f", test, got, test.want)
		}
		_, err = cam.Image(make([]float32, 3*c.Size.Pixels()), encode(t, gocv.JPEGFileExt, 160, 90), perception.Layout{}, &Scratch{})
		if hidden := err != nil && strings.Contains(err.Error(), "no part of the image is in the network's view"); hidden != (test.want == 0) {
			t.Errorf("%+v: error %v", test, err)
		}
	}
}

func TestPlaceAnything(t *testing.T) {
	for _, size := range []geom.Size{{Width: 1, Height: 1}, {Width: 7, Height: 300}, {Width: 3000, Height: 2}} {
		for _, focal := range []float64{1e-300, 1e-9, 1, 1e9, 1e300} {
			for _, at := range []float64{-1e300, -1e6, 0, 1e6, 1e300} {
				cam, err := NewCamera(trained(), Picture{Size: size, Focal: focal, CenterX: at, Horizon: -at}, compute.Resources{})
				if err != nil {
					t.Fatal(err)
				}
				c := trained()
				cam.Pixels(make([]float32, 3*c.Size.Pixels()), make([]uint8, 3*size.Pixels()), &Scratch{})
			}
		}
	}
}
