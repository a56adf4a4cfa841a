package framesync

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the pictures of the decision anew")

// figure is where the pictures of the timelines are.
const figure = "../../docs/adr/0012-beats.svg"

// TestFigure draws what became of the frames of simulated drives, and compares the
// picture with the one in the decision.
func TestFigure(t *testing.T) {
	loop := func(t float64) float64 {
		if t < 1.9 {
			return t
		}
		return t - 0.6
	}
	panels := []panel{
		{"Five cameras at 10 Hz, b at 30 Hz: one set a beat, with the frame of b nearest to it",
			cars(10, only(1, func(c *source) { c.rate, c.phase = 30, 0.01 })), 1.45, 1.95},
		{"Captures one after the other over 83 ms, sync.spread 60 ms: four cameras a beat, always the same",
			cars(10, func(i int, c *source) { c.phase = float64(i) / 60 }), 1.45, 1.95},
		{"The clock of c is 0.3 s ahead: five cameras, and c is named",
			cars(10, only(2, func(c *source) { c.clock = shifted(0.3, 0, 100) })), 1.45, 1.95},
		{"e stops for 0.3 s: five cameras at the deadline, then six again",
			cars(10, only(4, func(c *source) { c.skips = between(1.55, 1.85) })), 1.45, 2.15},
		{"Time goes back by 0.6 s: the first frames wait for those of most cameras, then a sequence begins",
			vehicle(10, loop), 1.65, 2.15},
	}
	got := draw(panels)
	if *update {
		if err := os.WriteFile(figure, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(figure)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the picture of the decision is another; write it with go test ./perception/framesync -run Figure -update, and look at it")
	}
}

// panel is a simulated drive, drawn from one second of its arrivals to another.
type panel struct {
	title       string
	sources     []source
	from, until float64
}

// Sizes of the picture, pixels.
const (
	pictureWidth = 760
	lane         = 18
	left, right  = 40, 20
	head         = 36
)

func (p *panel) x(t float64) float64 {
	return left + (t-p.from)/(p.until-p.from)*(pictureWidth-left-right)
}

func (p *panel) inside(t float64) bool { return t >= p.from && t <= p.until }

func (p *panel) height() float64 { return head + lane*float64(len(six)) + 34 }

// draw returns the picture of the panels, one below the other.
func draw(panels []panel) []byte {
	var body strings.Builder
	y := 34.0
	for i := range panels {
		fmt.Fprintf(&body, `<g transform="translate(0 %.0f)">`+"\n", y)
		panels[i].draw(&body)
		body.WriteString("</g>\n")
		y += panels[i].height()
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" font-family="sans-serif" font-size="12">`+"\n", pictureWidth, y)
	fmt.Fprintf(&out, `<rect width="%d" height="%.0f" fill="#fff"/>`+"\n", pictureWidth, y)
	legend(&out)
	out.WriteString(body.String())
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// looks are how a frame's fate is drawn; the frames of a set are dots on its line.
var looks = []struct{ fate, shape string }{
	{used, `<circle cx="%.1f" cy="%.1f" r="4.5" fill="#1a6fb5"/>`},
	{"surplus", `<circle cx="%.1f" cy="%.1f" r="3.5" fill="none" stroke="#999"/>`},
	{"spread", `<circle cx="%.1f" cy="%.1f" r="4" fill="#e6a23c"/>`},
	{"clock_offset", `<circle cx="%.1f" cy="%.1f" r="4" fill="#c0392b"/>`},
}

func look(fate string) string {
	for _, l := range looks {
		if l.fate == fate {
			return l.shape
		}
	}
	return `<circle cx="%.1f" cy="%.1f" r="4" fill="#000"/>`
}

func legend(out *bytes.Buffer) {
	x := float64(left)
	for _, l := range looks {
		fmt.Fprintf(out, l.shape+"\n", x, 18.0)
		fmt.Fprintf(out, `<text x="%.0f" y="22">%s</text>`+"\n", x+9, l.fate)
		x += 100
	}
	fmt.Fprintf(out, `<path d="M%.0f 12v12" stroke="#2e8b57" stroke-width="2"/><text x="%.0f" y="22">the set leaves, with so many cameras</text>`+"\n", x, x+9)
}

func (p *panel) draw(out *strings.Builder) {
	p.sources[0].rate = 100 // poses, so that no set waits for them
	d := drive(Options{}, rig(six...), messages(p.until+1, p.sources...))
	fmt.Fprintf(out, `<text x="%d" y="16" font-weight="bold">%s</text>`+"\n", left, p.title)
	for i, name := range six {
		y := p.lane(i)
		fmt.Fprintf(out, `<text x="%d" y="%.0f">%s</text><path d="M%d %.0fH%d" stroke="#ddd"/>`+"\n", left-20, y+4, name, left, y, pictureWidth-right)
	}
	p.axis(out)
	for i := range d.sets {
		p.set(out, d, i)
	}
	for _, f := range d.frames {
		if at := f.arrives; p.inside(at) && f.fate != used {
			fmt.Fprintf(out, look(f.fate)+"\n", p.x(at), p.lane(strings.Index("abcdef", f.camera)))
		}
	}
}

func (p *panel) lane(i int) float64 { return head + lane*(float64(i)+0.5) }

// axis draws the time of the arrivals.
func (p *panel) axis(out *strings.Builder) {
	bottom := p.lane(len(six))
	for k := int(p.from*10) + 1; float64(k)/10 <= p.until; k++ {
		x := p.x(float64(k) / 10)
		fmt.Fprintf(out, `<path d="M%.1f %.0fv5" stroke="#888"/><text x="%.1f" y="%.0f" text-anchor="middle" fill="#666">%.1f s</text>`+"\n", x, bottom-4, x, bottom+14, float64(k)/10)
	}
}

// set draws the frames of a set, the line that joins them, and when it left.
func (p *panel) set(out *strings.Builder, d *seen, n int) {
	path, dots := "", ""
	for i, name := range six {
		for _, f := range d.frames {
			if f.set == n && f.camera == name && p.inside(f.arrives) {
				path += fmt.Sprintf(" %.1f,%.1f", p.x(f.arrives), p.lane(i))
				dots += fmt.Sprintf(look(used)+"\n", p.x(f.arrives), p.lane(i))
			}
		}
	}
	if path != "" {
		fmt.Fprintf(out, `<polyline points="%s" fill="none" stroke="#1a6fb5" opacity="0.35"/>`+"\n", path[1:])
	}
	out.WriteString(dots)
	at := d.left[n].Sub(epoch).Seconds()
	if !p.inside(at) || n+1 < len(d.sets) && d.left[n+1].Equal(d.left[n]) {
		return
	}
	fmt.Fprintf(out, `<path d="M%.1f %dV%.0f" stroke="#2e8b57" stroke-width="1.5"/><text x="%.1f" y="%d" text-anchor="middle" fill="#2e8b57">%s</text>`+"\n",
		p.x(at), head-2, p.lane(len(six))-8, p.x(at), head-4, d.label(n))
}

// label is the number of cameras in a set, with those of the sets that left at the
// same time before it, and why it begins a sequence.
func (d *seen) label(n int) string {
	set := d.sets[n]
	text := fmt.Sprint(len(set.Frames) - len(set.Missing()))
	if set.NewSequence != "" {
		text += ": " + set.NewSequence
	}
	if n > 0 && d.left[n-1].Equal(d.left[n]) {
		return d.label(n-1) + ", " + text
	}
	return text
}
