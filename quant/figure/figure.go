// Package figure draws what quantisation costs.
//
//	err := figure.Steps("steps.png", found, maxLoss)      // boxes lost against milliseconds, for each trial of a search
//	err = figure.Drift("drift.png", title, y, curves...) // errors against frames
package figure

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/solofusion/solofusion/internal/whole"
	"github.com/solofusion/solofusion/quant"
)

// The colours are those of M. Okabe and K. Ito, "Color Universal Design", 2008.
var (
	blue   = color.RGBA{0, 114, 178, 255}
	orange = color.RGBA{213, 94, 0, 255}
	green  = color.RGBA{0, 158, 115, 255}
	grey   = color.Gray{120}
)

var palette = []color.Color{blue, orange, green}

// Steps draws the trials of a search: the share of boxes that each loses against the time
// of a set, with how many layers stay float32, in the order in which they were made; the
// float32 graphs; and the result.
func Steps(file string, f *quant.Found, limit float64) error {
	p := plot.New()
	p.Title.Text = "Trials of the search, and how many layers stay float32 in each"
	p.X.Label.Text, p.Y.Label.Text = "time of a set, ms", "boxes lost, %"
	p.Add(plotter.NewGrid())
	at := func(s quant.Step) plotter.XY {
		return plotter.XY{X: s.Took.Seconds() * 1000, Y: 100 * s.Loss.Share()}
	}
	var tried plotter.XYs
	labels := plotter.XYLabels{}
	for _, s := range f.Steps {
		tried = append(tried, at(s))
		labels.Labels = append(labels.Labels, fmt.Sprint(len(s.Kept)))
	}
	labels.XYs = tried
	line, points, err := plotter.NewLinePoints(tried)
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	line.Color, line.Dashes = grey, []vg.Length{2, 3}
	points.Color, points.Shape, points.Radius = blue, draw.CircleGlyph{}, vg.Points(3)
	words, err := plotter.NewLabels(labels)
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	for i := range words.TextStyle {
		words.TextStyle[i].XAlign, words.TextStyle[i].YAlign = text.XLeft, text.YBottom
	}
	words.Offset = vg.Point{X: 4, Y: 3}
	p.Add(line, points, words)
	p.Legend.Add("trials", points)
	for _, mark := range []struct {
		name  string
		at    plotter.XY
		color color.Color
		shape draw.GlyphDrawer
	}{
		{"result", at(f.Result), orange, draw.RingGlyph{}},
		{"float32", plotter.XY{X: f.Float.Seconds() * 1000}, green, draw.SquareGlyph{}},
	} {
		s, err := plotter.NewScatter(plotter.XYs{mark.at})
		if err != nil {
			return fmt.Errorf("figure: %w", err)
		}
		s.Color, s.Shape, s.Radius = mark.color, mark.shape, vg.Points(6)
		p.Add(s)
		p.Legend.Add(mark.name, s)
	}
	bound := plotter.NewFunction(func(float64) float64 { return 100 * limit })
	bound.Color = grey
	p.Add(bound)
	p.Legend.Add(fmt.Sprintf("largest loss, %g %%", 100*limit), bound)
	p.Legend.Top, p.Legend.XOffs, p.Legend.YOffs = true, -8, -8
	p.X.Min, p.Y.Min = 0, 0
	p.X.Max *= 1.1
	return write(file, p, 900, 560)
}

// Curve is a named series, a value for each frame.
type Curve struct {
	Name   string
	Values []float64
}

// Drift draws curves by frame.
func Drift(file, title, y string, curves ...Curve) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "frame", y
	p.Add(plotter.NewGrid())
	for i, c := range curves {
		var xy plotter.XYs
		for frame, v := range c.Values {
			xy = append(xy, plotter.XY{X: float64(frame), Y: v})
		}
		line, err := plotter.NewLine(xy)
		if err != nil {
			return fmt.Errorf("figure: %s: %w", c.Name, err)
		}
		line.Color, line.Width = palette[i%len(palette)], vg.Points(1.4)
		p.Add(line)
		p.Legend.Add(c.Name, line)
	}
	p.Y.Min = 0
	p.Y.Max *= 1.25
	p.Legend.Top, p.Legend.XOffs, p.Legend.YOffs = true, -8, -8
	return write(file, p, 900, 440)
}

// write writes a picture of that many pixels, whole or not at all.
func write(file string, p *plot.Plot, width, height float64) error {
	const dpi = 110
	size := func(pixels float64) vg.Length { return vg.Length(pixels/dpi) * vg.Inch }
	page := vgimg.NewWith(vgimg.UseWH(size(width), size(height)), vgimg.UseDPI(dpi))
	p.Draw(draw.Crop(draw.New(page), 8, -14, 8, -8))
	return whole.Write(whole.File{Path: file, Write: func(w io.Writer) error {
		_, err := vgimg.PngCanvas{Canvas: page}.WriteTo(w)
		return err
	}})
}
