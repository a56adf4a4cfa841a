package figure

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/solofusion/solofusion/nuscenes/eval"
)

// classPicture draws a class of the configuration.
func classPicture(m *eval.Metrics, spread *eval.Spread, class int) vgimg.PngCanvas {
	picture, page := newPage()
	drawTitle(page, m, spread, class)
	page = draw.Crop(page, 0, 0, 0, -2*titleSize)
	middle := (page.Max.X - page.Min.X) / 2
	precisionPanel(&m.Config, &m.Classes[class]).draw(draw.Crop(page, 0, -middle-margin, 0, 0))
	errorPanel(&m.Config, &m.Classes[class]).draw(draw.Crop(page, middle+margin, 0, 0, 0))
	return picture
}

// drawTitle writes a class's name and its numbers along the top.
func drawTitle(page draw.Canvas, m *eval.Metrics, spread *eval.Spread, class int) {
	c := &m.Classes[class]
	name, numbers := c.Class.Words(), fmt.Sprintf("AP %.3f", c.MeanAP)
	if spread != nil && isKnown(spread.ClassAP[class]) {
		numbers += fmt.Sprintf("  (95 %%: %s)", words(spread.ClassAP[class]))
	}
	at := vg.Point{X: page.Min.X, Y: page.Max.Y - titleSize/2}
	page.FillText(bold(titleSize), at, name)
	at.X += bold(titleSize).Width(name) + titleSize
	page.FillText(sans(titleSize), at, numbers)
	style := sans(titleSize)
	style.XAlign = text.XRight
	page.FillText(style, vg.Point{X: page.Max.X, Y: at.Y}, fmt.Sprintf("%d true boxes, %d found", c.Truth, c.Found))
}

// panel is a plot above the key to it.
type panel struct {
	*plot.Plot
	key  []keyEntry
	note string // in the place of curves
}

type keyEntry struct {
	words string
	look  plot.Thumbnailer
}

// addCurve adds a curve in one of the styles. Points that are not finite cannot
// be drawn and are left out.
func (p *panel) addCurve(style int, name string, points plotter.XYs) {
	points = slices.DeleteFunc(points, func(at plotter.XY) bool { return math.IsInf(at.Y, 0) || math.IsNaN(at.Y) })
	curve := &plotter.Line{XYs: points, LineStyle: curveStyle(style)}
	p.Add(curve)
	p.key = append(p.key, keyEntry{name, curve})
}

const (
	keyRows     = 3
	keyColumns  = 2
	keyLine     = 1.6 * textSize
	keyHeight   = (keyRows + 0.5) * keyLine
	swatchWidth = 36
)

func (p *panel) draw(c draw.Canvas) {
	upper := draw.Crop(c, 0, 0, keyHeight, 0)
	p.Draw(upper)
	data := p.DataCanvas(upper)
	if p.note != "" {
		style := sans(textSize)
		style.XAlign = text.XCenter
		data.FillText(style, data.Center(), p.note)
	}
	p.drawKey(draw.Crop(c, data.Min.X-c.Min.X, 0, 0, 0))
}

// drawKey fills the lower edge of a canvas, column by column.
func (p *panel) drawKey(c draw.Canvas) {
	column := (c.Max.X - c.Min.X) / keyColumns
	for i, entry := range p.key {
		x := c.Min.X + column*vg.Length(i/keyRows)
		y := c.Min.Y + keyLine*(keyRows-0.5-vg.Length(i%keyRows))
		swatch := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: x, Y: y - textSize/2},
			Max: vg.Point{X: x + swatchWidth, Y: y + textSize/2},
		}}
		entry.look.Thumbnail(&swatch)
		c.FillText(sans(textSize), vg.Point{X: x + swatchWidth + textSize/2, Y: y}, entry.words)
	}
}

// precisionPanel draws precision over recall at each matching distance.
func precisionPanel(cfg *eval.Config, class *eval.ClassMetrics) *panel {
	p := &panel{Plot: newPlot("recall", "precision")}
	ignored := notCounted(cfg)
	p.Add(ignored, newGrid())
	for i, distance := range cfg.Distances {
		name := fmt.Sprintf("%g m  AP %.3f", distance, class.AP[i])
		p.addCurve(i, name, precisions(&class.Curves[i]))
	}
	p.key = append(p.key, keyEntry{"not counted", ignored})
	setRange(&p.X, 0, 1)
	setRange(&p.Y, 0, 1)
	return p
}

// notCounted returns the area that adds nothing to the AP.
func notCounted(cfg *eval.Config) *plotter.Polygon {
	r, p := cfg.MinRecall, cfg.MinPrecision
	return &plotter.Polygon{
		XYs:   []plotter.XYs{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: p}, {X: r, Y: p}, {X: r, Y: 1}, {X: 0, Y: 1}}},
		Color: shade,
	}
}

// precisions returns a curve up to where it has fallen to zero for good.
func precisions(c *eval.Curve) plotter.XYs {
	end := eval.Points
	for end > 0 && c.Precision[end-1] == 0 {
		end--
	}
	if 0 < end && end < eval.Points {
		end++
	}
	return points(c.Precision[:end], 0)
}

// points returns values over the recalls from that of the first point.
func points(values []float64, first int) plotter.XYs {
	xys := make(plotter.XYs, len(values))
	for i, y := range values {
		xys[i] = plotter.XY{X: eval.Recall(first + i), Y: y}
	}
	return xys
}

// measures are the names and units of errors.
var measures = [...]struct{ name, unit string }{
	eval.Translation: {"translation", "m"},
	eval.Scale:       {"scale", ""},
	eval.Orientation: {"orientation", "rad"},
	eval.Velocity:    {"velocity", "m/s"},
	eval.Attribute:   {"attribute", ""},
}

// errorPanel draws the errors that count for a class over the recalls that
// their means are taken of.
func errorPanel(cfg *eval.Config, class *eval.ClassMetrics) *panel {
	p := &panel{Plot: newPlot("recall", fmt.Sprintf("cumulative mean error at %g m", cfg.ErrorDistance))}
	curve := &class.Curves[slices.Index(cfg.Distances[:], cfg.ErrorDistance)]
	first, end := counted(cfg, curve)
	if first < end {
		p.Add(newGrid())
	}
	for e, mean := range class.Errors {
		if !math.IsNaN(mean) {
			name := strings.TrimSpace(measures[e].name + " " + decimal(mean, 2) + " " + measures[e].unit)
			p.addCurve(e, name, points(curve.Errors[e][first:end], first))
		}
	}
	if first == end {
		p.note = fmt.Sprintf("Recall does not exceed %g: each error counts as 1.", cfg.MinRecall)
		setRange(&p.X, eval.Recall(first), 1)
		setRange(&p.Y, 0, 1)
		return p
	}
	setRange(&p.X, eval.Recall(first), eval.Recall(end-1))
	setRange(&p.Y, 0, roundUp(max(leastTop, p.Y.Max)))
	return p
}

// leastTop keeps errors that are zero but for rounding on the ground.
const leastTop = 0.1

// counted returns the points from the least recall to the last one reached;
// none if that is not beyond it.
func counted(cfg *eval.Config, c *eval.Curve) (first, end int) {
	first = int(math.RoundToEven(cfg.MinRecall * (eval.Points - 1)))
	if last := c.Reached(); last > first {
		return first, last + 1
	}
	return first, first
}

// roundUp returns the next multiple of a round step.
func roundUp(x float64) float64 {
	step := roundStep(x)
	return step * math.Ceil(x/step)
}
