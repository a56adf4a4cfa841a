package figure

import (
	"image/color"
	"math"
	"strconv"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/solofusion/solofusion/nuscenes/eval"
)

const (
	width, height = 1600, 900 // pixels
	dpi           = 120

	margin    = vg.Length(16)
	smallSize = vg.Length(12)
	textSize  = vg.Length(13)
	titleSize = vg.Length(18)
)

// The colours are those of M. Okabe and K. Ito, "Color Universal Design", 2008,
// which colour-blind people tell apart.
var (
	blue       = color.RGBA{0, 114, 178, 255}
	vermillion = color.RGBA{213, 94, 0, 255}
	green      = color.RGBA{0, 158, 115, 255}
	purple     = color.RGBA{204, 121, 167, 255}
	orange     = color.RGBA{230, 159, 0, 255}
	sky        = color.RGBA{86, 180, 233, 255}

	dark  = color.Gray{60}
	faint = color.Gray{100}
	grid  = color.Gray{205}
	shade = color.Gray{234}
)

// curveStyle returns the look of a panel's curve. Dashes tell curves apart in
// print, too.
func curveStyle(curve int) draw.LineStyle {
	style := []draw.LineStyle{
		{Color: blue},
		{Color: vermillion, Dashes: []vg.Length{8, 3}},
		{Color: green, Dashes: []vg.Length{3, 2}},
		{Color: purple, Dashes: []vg.Length{9, 3, 2, 3}},
		{Color: orange, Dashes: []vg.Length{14, 3}},
	}[curve]
	style.Width = 2
	return style
}

// digitsMiddle puts the middle of digits at the given height; text.YCenter puts
// that of the line there, with its room for accents.
const digitsMiddle text.YAlignment = -0.39

// sans returns a text style that starts at the given place.
func sans(size vg.Length) text.Style {
	return text.Style{
		Color:   color.Black,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		YAlign:  digitsMiddle,
		Handler: plot.DefaultTextHandler,
	}
}

func bold(size vg.Length) text.Style {
	style := sans(size)
	style.Font.Weight = xfont.WeightBold
	return style
}

// newPage returns an empty picture, and the part of it within the margins.
func newPage() (vgimg.PngCanvas, draw.Canvas) {
	page := vgimg.NewWith(vgimg.UseWH(width*vg.Inch/dpi, height*vg.Inch/dpi), vgimg.UseDPI(dpi))
	return vgimg.PngCanvas{Canvas: page}, draw.Crop(draw.New(page), margin, -margin, margin, -margin)
}

// newPlot returns a plot with a grid, whose data fill the space within the axes.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Padding = 0
		axis.LineStyle.Color = dark
		axis.Label.Padding = 6
		axis.Label.TextStyle.Font = sans(textSize).Font
		axis.Tick.Label.Font = sans(textSize).Font
		axis.Tick.LineStyle.Color = dark
		axis.Tick.Length = 4
	}
	return p
}

// newGrid returns thin lines at the ticks.
func newGrid() *plotter.Grid {
	line := draw.LineStyle{Color: grid, Width: 0.5}
	return &plotter.Grid{Vertical: line, Horizontal: line}
}

// setRange gives an axis its ends and its ticks.
func setRange(axis *plot.Axis, low, high float64) {
	axis.Min, axis.Max = low, high
	axis.Tick.Marker = plot.TickerFunc(ticks)
}

// ticks returns labelled ticks at the multiples of a round step.
func ticks(low, high float64) (list []plot.Tick) {
	step := roundStep(high - low)
	digits := max(0, int(math.Ceil(-math.Log10(step))))
	const rounding = 1e-6
	for i := int(math.Ceil(low/step - rounding)); float64(i) <= high/step+rounding; i++ {
		value := float64(i) * step
		list = append(list, plot.Tick{Value: value, Label: decimal(value, digits)})
	}
	return list
}

// roundStep returns the least of ..., 0.5, 1, 2, 5, 10, ... of which at most ten
// make up a positive span.
func roundStep(span float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(span/10)))
	for _, step := range []float64{1, 2, 5} {
		if span <= 10*step*power {
			return step * power
		}
	}
	return 10 * power
}

// decimal returns a number with digits after its point, and a very large one in
// few letters.
func decimal(x float64, digits int) string {
	if math.Abs(x) >= 1e5 {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	return strconv.FormatFloat(x, 'f', digits, 64)
}

// isKnown reports whether there is an interval.
func isKnown(i eval.Interval) bool { return !math.IsNaN(i.Low) && !math.IsNaN(i.High) }

func words(i eval.Interval) string { return decimal(i.Low, 3) + " to " + decimal(i.High, 3) }
