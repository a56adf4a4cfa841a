package reliability

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/solofusion/solofusion/internal/whole"
)

// The colours are those of M. Okabe and K. Ito, "Color Universal Design", 2008,
// which colour-blind people tell apart.
var palette = [...]color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255},
	color.RGBA{204, 121, 167, 255}, color.RGBA{230, 159, 0, 255},
}

// Curve is a line of a picture.
type Curve struct {
	Name   string
	X      []float64
	Y      []Share
	Dashed bool
	Colour int // of the palette; below 0 for grey
}

// Panel is one of the plots of a picture, side by side.
type Panel struct {
	Title, X, Y string
	Curves      []Curve
}

// Draw writes a picture of panels, the file whole or not at all.
func Draw(file string, panels ...Panel) error {
	const width, height, dpi = 1500, 620, 110
	page := vgimg.NewWith(vgimg.UseWH(width*vg.Inch/dpi, height*vg.Inch/dpi), vgimg.UseDPI(dpi))
	canvas := draw.Crop(draw.New(page), 10, -10, 10, -10)
	each := (canvas.Max.X - canvas.Min.X) / vg.Length(len(panels))
	for i, p := range panels {
		drawn, err := p.plot()
		if err != nil {
			return fmt.Errorf("reliability: %w", err)
		}
		left := each * vg.Length(i)
		drawn.Draw(draw.Crop(canvas, left+6, left+each-(canvas.Max.X-canvas.Min.X)-6, 0, 0))
	}
	return whole.Write(whole.File{Path: file, Write: func(w io.Writer) error {
		_, err := vgimg.PngCanvas{Canvas: page}.WriteTo(w)
		return err
	}})
}

func (p *Panel) plot() (*plot.Plot, error) {
	drawn := plot.New()
	drawn.Title.Text, drawn.X.Label.Text, drawn.Y.Label.Text = p.Title, p.X, p.Y
	drawn.Add(plotter.NewGrid())
	drawn.Legend.Top, drawn.Legend.YOffs = true, -4
	drawn.Legend.ThumbnailWidth = 30
	drawn.Y.Min, drawn.Y.Max = 0, 1.05
	for i := range p.Curves {
		if err := p.Curves[i].add(drawn); err != nil {
			return nil, err
		}
	}
	return drawn, nil
}

// add draws a curve, its points with their intervals.
func (c *Curve) add(p *plot.Plot) error {
	var points plotter.XYs
	var reach plotter.YErrors
	known := false
	for i, x := range c.X {
		y := c.Y[i]
		points = append(points, plotter.XY{X: x, Y: y.Value})
		reach = append(reach, struct{ Low, High float64 }{y.Value - y.Low, y.High - y.Value})
		known = known || y.Low < y.High
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	line.Color, line.Width = color.Gray{120}, vg.Length(2)
	if c.Colour >= 0 {
		line.Color = palette[c.Colour]
	}
	if c.Dashed {
		line.Dashes = []vg.Length{6, 3}
	}
	p.Add(line)
	p.Legend.Add(c.Name, line)
	if !known {
		return nil
	}
	bars, err := plotter.NewYErrorBars(struct {
		plotter.XYs
		plotter.YErrors
	}{points, reach})
	if err != nil {
		return err
	}
	bars.Color = line.Color
	p.Add(bars)
	return nil
}
