// Package roofline draws how near computations come to a machine's limits (S. Williams,
// A. Waterman and D. Patterson, "Roofline", 2009).
//
// Along x is a computation's intensity, operations for each byte that it moves; along y
// its rate. A roof is what memory allows at an intensity and, from the ridge on,
// what the arithmetic allows. Both axes are logarithmic.
package roofline

import (
	"cmp"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/solofusion/solofusion/internal/whole"
)

// Picture is what is drawn. There is at least one roof.
type Picture struct {
	Title, Note string
	Roofs       []Roof // the highest first
	Points      []Point
}

// Roof is the limits of some cores.
type Roof struct {
	Name      string
	Bandwidth float64 // bytes a second
	Peak      float64 // operations a second
}

// at returns the limit at an intensity.
func (r *Roof) at(intensity float64) float64 { return min(r.Bandwidth*intensity, r.Peak) }

func (r *Roof) ridge() float64 { return r.Peak / r.Bandwidth }

// Point is a computation.
type Point struct {
	Name      string
	Group     string  // that shares a colour
	Variant   bool    // drawn hollow
	Intensity float64 // operations a byte
	Rate      float64 // operations a second
}

const (
	width, height = 1600, 1000 // pixels
	dpi           = 120
	margin        = vg.Length(18)
	textSize      = vg.Length(12)
	titleSize     = vg.Length(17)
)

// The colours are those of M. Okabe and K. Ito, "Color Universal Design", 2008,
// which colour-blind people tell apart.
var palette = [...]color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255},
	color.RGBA{204, 121, 167, 255}, color.RGBA{230, 159, 0, 255}, color.RGBA{86, 180, 233, 255},
}

var (
	dark  = color.Gray{60}
	faint = color.Gray{130}
	grid  = color.Gray{222}
)

// Draw writes the picture to a PNG file, whole or not at all.
func Draw(file string, p *Picture) error {
	page := vgimg.NewWith(vgimg.UseWH(width*vg.Inch/dpi, height*vg.Inch/dpi), vgimg.UseDPI(dpi))
	drawn, err := p.plot()
	if err != nil {
		return fmt.Errorf("roofline: %w", err)
	}
	drawn.Draw(draw.Crop(draw.New(page), margin, -margin, margin, -margin))
	err = whole.Write(whole.File{Path: file, Write: func(w io.Writer) error {
		_, err := vgimg.PngCanvas{Canvas: page}.WriteTo(w)
		return err
	}})
	if err != nil {
		return fmt.Errorf("roofline: %w", err)
	}
	return nil
}

func sans(size vg.Length) text.Style {
	return text.Style{
		Color:   color.Black,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		YAlign:  -0.35, // the middle of small letters
		Handler: plot.DefaultTextHandler,
	}
}

func (p *Picture) plot() (*plot.Plot, error) {
	drawn := plot.New()
	drawn.Title.Text, drawn.Title.Padding = p.Title+"\n"+p.Note, 10
	drawn.Title.TextStyle.Font = sans(titleSize).Font
	drawn.X.Label.Text, drawn.Y.Label.Text = "intensity, operations a byte", "rate, GFLOP/s"
	for _, axis := range []*plot.Axis{&drawn.X, &drawn.Y} {
		axis.Scale, axis.Tick.Marker = plot.LogScale{}, plot.TickerFunc(decades)
		axis.Padding, axis.Label.Padding = 0, 8
		axis.Label.TextStyle.Font, axis.Tick.Label.Font = sans(textSize).Font, sans(textSize).Font
		axis.LineStyle.Color, axis.Tick.LineStyle.Color = dark, dark
	}
	p.setRange(drawn)
	line := draw.LineStyle{Color: grid, Width: 0.7}
	drawn.Add(&plotter.Grid{Vertical: line, Horizontal: line})
	for i := range p.Roofs {
		if err := p.Roofs[i].add(drawn, i); err != nil {
			return nil, err
		}
	}
	drawn.Add(marks{p})
	return drawn, nil
}

// setRange gives the axes ends that leave room around the points and above the roofs.
func (p *Picture) setRange(drawn *plot.Plot) {
	low, high := math.Inf(1), 0.0
	bottom, top := math.Inf(1), 0.0
	for i := range p.Points {
		low, high = min(low, p.Points[i].Intensity), max(high, p.Points[i].Intensity)
		bottom = min(bottom, p.Points[i].Rate/1e9)
	}
	for i := range p.Roofs {
		low, high = min(low, p.Roofs[i].ridge()), max(high, p.Roofs[i].ridge())
		top = max(top, p.Roofs[i].Peak/1e9)
	}
	drawn.X.Min, drawn.X.Max = low/2, high*5
	drawn.Y.Min, drawn.Y.Max = min(bottom/2, top/100), top*2.5
}

// decades returns labelled ticks at the powers of ten, and others between them.
func decades(low, high float64) (ticks []plot.Tick) {
	for power := math.Floor(math.Log10(low)); power <= math.Log10(high); power++ {
		for digit := 1.0; digit < 10; digit++ {
			tick := plot.Tick{Value: digit * math.Pow(10, power)}
			if digit == 1 {
				tick.Label = strconv.FormatFloat(tick.Value, 'g', 6, 64)
			}
			if tick.Value >= low && tick.Value <= high {
				ticks = append(ticks, tick)
			}
		}
	}
	return ticks
}

// add draws a roof, the first one with a full line.
func (r *Roof) add(drawn *plot.Plot, index int) error {
	var points plotter.XYs
	for _, x := range []float64{drawn.X.Min, r.ridge(), drawn.X.Max} {
		points = append(points, plotter.XY{X: x, Y: max(r.at(x)/1e9, drawn.Y.Min)})
	}
	if x := drawn.Y.Min * 1e9 / r.Bandwidth; x > drawn.X.Min { // where it comes into the picture
		points[0].X = x
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	line.Color, line.Width = dark, vg.Length(2.2)
	if index > 0 {
		line.Color, line.Width, line.Dashes = faint, 1.5, []vg.Length{6, 4}
	}
	drawn.Add(line)
	return nil
}

// marks draws the points and all words inside the axes.
type marks struct{ *Picture }

// Plot implements [plot.Plotter].
func (m marks) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	taken := m.nameRoofs(c, x, y, p.X.Max)
	places, colours := make([]vg.Point, len(m.Points)), m.colours()
	for i := range m.Points {
		at := vg.Point{X: x(m.Points[i].Intensity), Y: y(m.Points[i].Rate / 1e9)}
		places[i], taken = at, append(taken, around(at, 6, 6))
		top := y(m.Roofs[0].at(m.Points[i].Intensity) / 1e9)
		line := draw.LineStyle{Color: colours[m.Points[i].Group], Width: 0.6, Dashes: []vg.Length{1.5, 3}}
		c.StrokeLine2(line, at.X, at.Y, at.X, top)
	}
	m.label(c, places, taken, colours)
	for i, at := range places {
		m.Points[i].draw(c, at, colours[m.Points[i].Group])
	}
}

// label writes the points' names with the shares of the limit, away from what is taken.
func (m marks) label(c draw.Canvas, places []vg.Point, taken []vg.Rectangle, colours map[string]color.Color) {
	words := make([]vg.Rectangle, len(places))
	for _, i := range m.order() {
		p, at := &m.Points[i], places[i]
		words[i] = free(at, p.style(nil).Width(m.words(p)), c.Max.X, taken)
		taken = append(taken, words[i])
		if middle := words[i].Min.Y + lineHeight/2; math.Abs(float64(middle-at.Y)) > 1 {
			end := max(min(at.X, words[i].Max.X), words[i].Min.X)
			c.StrokeLine2(draw.LineStyle{Color: colours[p.Group], Width: 0.6}, at.X, at.Y, end, middle)
		}
	}
	for i, place := range words {
		p := &m.Points[i]
		c.SetColor(color.White)
		c.Fill(place.Path())
		c.FillText(p.style(colours[p.Group]), vg.Point{X: place.Min.X, Y: place.Min.Y + lineHeight/2}, m.words(p))
	}
}

func (m marks) words(p *Point) string {
	return fmt.Sprintf("%s  %.1f %%", p.Name, 100*p.Rate/m.Roofs[0].at(p.Intensity))
}

func (p *Point) style(colour color.Color) text.Style {
	style := sans(textSize)
	style.Color = colour
	if !p.Variant {
		style.Font.Weight = xfont.WeightBold
	}
	return style
}

// draw draws a point's mark.
func (p *Point) draw(c draw.Canvas, at vg.Point, colour color.Color) {
	if !p.Variant {
		c.DrawGlyph(draw.GlyphStyle{Color: colour, Radius: 5, Shape: draw.CircleGlyph{}}, at)
		return
	}
	c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: 4, Shape: draw.CircleGlyph{}}, at)
	c.DrawGlyph(draw.GlyphStyle{Color: colour, Radius: 4, Shape: draw.RingGlyph{}}, at)
}

// nameRoofs writes each roof's name and numbers at its right end, and returns where.
func (m marks) nameRoofs(c draw.Canvas, x, y func(float64) vg.Length, right float64) (taken []vg.Rectangle) {
	for i := range m.Roofs {
		r := &m.Roofs[i]
		style := sans(textSize)
		style.Color, style.XAlign = dark, text.XRight
		words := fmt.Sprintf("%s: %.3g GFLOP/s, %.3g GB/s", r.Name, r.Peak/1e9, r.Bandwidth/1e9)
		at := vg.Point{X: x(right) - 8, Y: y(r.Peak/1e9) + 9}
		if i > 0 {
			at.Y -= 18
		}
		c.FillText(style, at, words)
		taken = append(taken, vg.Rectangle{Min: vg.Point{X: at.X - style.Width(words), Y: at.Y - lineHeight/2}, Max: vg.Point{X: at.X, Y: at.Y + lineHeight/2}})
	}
	return taken
}

// colours returns the groups' colours, in the order in which they come.
func (m marks) colours() map[string]color.Color {
	colours := map[string]color.Color{}
	for i := range m.Points {
		if _, known := colours[m.Points[i].Group]; !known {
			colours[m.Points[i].Group] = palette[len(colours)%len(palette)]
		}
	}
	return colours
}

// order returns the points' indices, those that are no variants first, so that their
// names are the nearest to them; then by falling rate.
func (m marks) order() []int {
	order := make([]int, len(m.Points))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := &m.Points[i], &m.Points[j]
		if a.Variant != b.Variant {
			return map[bool]int{false: -1, true: 1}[a.Variant]
		}
		return cmp.Compare(b.Rate, a.Rate)
	})
	return order
}

const lineHeight = vg.Length(15)

func around(at vg.Point, dx, dy vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: at.X - dx, Y: at.Y - dy}, Max: vg.Point{X: at.X + dx, Y: at.Y + dy}}
}

// free returns a place for words of that width beside a point: the nearest, right or
// left of it, that is not taken.
func free(at vg.Point, width, right vg.Length, taken []vg.Rectangle) vg.Rectangle {
	const gap = 10
	for step := range 60 {
		dy := vg.Length((step+1)/2) * 4
		if step%2 == 1 {
			dy = -dy
		}
		for _, left := range []vg.Length{at.X + gap, at.X - gap - width} {
			corner := vg.Point{X: left, Y: at.Y + dy - lineHeight/2}
			place := vg.Rectangle{Min: corner, Max: vg.Point{X: left + width, Y: corner.Y + lineHeight}}
			isFree := place.Max.X <= right && place.Min.X >= 0
			if isFree && !slices.ContainsFunc(taken, func(r vg.Rectangle) bool { return overlap(r, place) }) {
				return place
			}
		}
	}
	return around(vg.Point{X: at.X + gap + width/2, Y: at.Y}, width/2, lineHeight/2)
}

func overlap(a, b vg.Rectangle) bool {
	return a.Min.X < b.Max.X && b.Min.X < a.Max.X && a.Min.Y < b.Max.Y && b.Min.Y < a.Max.Y
}
