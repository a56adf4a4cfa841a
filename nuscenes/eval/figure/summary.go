package figure

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/solofusion/solofusion/nuscenes/eval"
)

// summary draws the APs of all classes and the headline.
func summary(m *eval.Metrics, spread *eval.Spread) vgimg.PngCanvas {
	picture, page := newPage()
	middle := 0.6 * (page.Max.X - page.Min.X)
	apPlot(m, spread).Draw(draw.Crop(page, 0, middle-(page.Max.X-page.Min.X), 0, 0))
	drawHeadlines(draw.Crop(page, middle+2*margin, 0, 0, 0), m, spread)
	return picture
}

// apPlot draws a bar for each class, the first one on top.
func apPlot(m *eval.Metrics, spread *eval.Spread) *plot.Plot {
	p := newPlot("AP, mean over "+distances(&m.Config), "")
	lines := newGrid()
	lines.Horizontal.Color = nil
	p.Add(lines, bars(m))
	if spread != nil {
		p.Add(whiskers(spread))
	}
	p.Add(barLabels(m, spread))
	setRange(&p.X, 0, 1)
	p.Y.Min, p.Y.Max = -0.6, float64(len(m.Classes))-0.4
	p.Y.Tick.Marker = classTicks(m)
	p.Y.Tick.Length = 0
	return p
}

func distances(cfg *eval.Config) string {
	var list []string
	for _, d := range cfg.Distances {
		list = append(list, fmt.Sprintf("%g", d))
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last] + " m"
}

// row returns a class's place on the vertical axis.
func row(class, classes int) float64 { return float64(classes - 1 - class) }

func classTicks(m *eval.Metrics) plot.ConstantTicks {
	var list plot.ConstantTicks
	for i := range m.Classes {
		list = append(list, plot.Tick{Value: row(i, len(m.Classes)), Label: m.Classes[i].Class.Words()})
	}
	return list
}

func bars(m *eval.Metrics) *plotter.BarChart {
	chart := &plotter.BarChart{Values: make(plotter.Values, len(m.Classes)), Width: 24, Color: sky, Horizontal: true}
	for i := range m.Classes {
		chart.Values[len(m.Classes)-1-i] = m.Classes[i].MeanAP
	}
	return chart
}

// whiskers reach over the intervals that have a length.
func whiskers(spread *eval.Spread) *plotter.XErrorBars {
	w := &plotter.XErrorBars{LineStyle: draw.LineStyle{Color: dark, Width: 1.5}, CapWidth: 9}
	for i, in := range spread.ClassAP {
		if !(in.Low < in.High) {
			continue
		}
		half := (in.High - in.Low) / 2
		w.XYs = append(w.XYs, plotter.XY{X: in.Low + half, Y: row(i, len(spread.ClassAP))})
		w.XErrors = append(w.XErrors, struct{ Low, High float64 }{half, half})
	}
	return w
}

// barLabels are the APs, to the right of bars and whiskers.
func barLabels(m *eval.Metrics, spread *eval.Spread) *plotter.Labels {
	labels := &plotter.Labels{Offset: vg.Point{X: 6}}
	for i := range m.Classes {
		c := &m.Classes[i]
		x, words := c.MeanAP, fmt.Sprintf("%.3f", c.MeanAP)
		if spread != nil && isKnown(spread.ClassAP[i]) {
			x = max(x, spread.ClassAP[i].High)
		}
		if c.Truth == 0 {
			words += ", no true boxes"
		}
		labels.XYs = append(labels.XYs, plotter.XY{X: min(x, 1), Y: row(i, len(m.Classes))})
		labels.Labels = append(labels.Labels, words)
		labels.TextStyle = append(labels.TextStyle, sans(textSize))
	}
	return labels
}

// headline is a line of the table of numbers.
type headline struct {
	name, meaning, unit string
	value               float64
	interval            eval.Interval
}

func headlines(m *eval.Metrics, spread *eval.Spread) []headline {
	if spread == nil {
		spread = &eval.Spread{}
	}
	list := []headline{
		{"NDS", "nuScenes detection score", "", m.NDS, spread.NDS},
		{"mAP", "mean of the APs", "", m.MeanAP, spread.MeanAP},
	}
	for e, mean := range m.Errors {
		is := measures[e]
		list = append(list, headline{eval.Error(e).String(), "mean " + is.name + " error", is.unit, mean, spread.Errors[e]})
	}
	return list
}

// drawHeadlines writes a table.
func drawHeadlines(c draw.Canvas, m *eval.Metrics, spread *eval.Spread) {
	list := headlines(m, spread)
	line := (c.Max.Y - c.Min.Y) / vg.Length(len(list)+1)
	for i, h := range list {
		h.draw(c, c.Max.Y-line*(vg.Length(i)+0.4), spread != nil)
	}
	if spread != nil {
		note := sans(smallSize)
		note.Color = faint
		at := vg.Point{X: c.Min.X, Y: c.Min.Y + line/2}
		c.FillText(note, at, fmt.Sprintf("Whiskers and ranges: 95 %% of %d resamples of the scenes", spread.Resamples))
	}
}

// draw writes a line at a height.
func (h *headline) draw(c draw.Canvas, y vg.Length, withInterval bool) {
	const value, interval = 140, 190
	number, small := sans(titleSize), sans(smallSize)
	number.XAlign = text.XRight
	small.Color = faint
	c.FillText(bold(titleSize), vg.Point{X: c.Min.X, Y: y}, h.name)
	c.FillText(small, vg.Point{X: c.Min.X, Y: y - titleSize}, h.meaning)
	c.FillText(number, vg.Point{X: c.Min.X + value, Y: y}, decimal(h.value, 3))
	c.FillText(sans(textSize), vg.Point{X: c.Min.X + value + 6, Y: y}, h.unit)
	if withInterval {
		c.FillText(sans(textSize), vg.Point{X: c.Min.X + interval, Y: y}, words(h.interval))
	}
}
