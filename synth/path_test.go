package synth

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func drawPath(t *rapid.T) path {
	p := path{}.extend(point{
		rapid.Float64Range(-100, 100).Draw(t, "x"), rapid.Float64Range(-100, 100).Draw(t, "y"), rapid.Float64Range(-3, 3).Draw(t, "heading"),
	}, 0, 10)
	for range rapid.IntRange(0, 4).Draw(t, "pieces") {
		bend := rapid.SampledFrom([]float64{-1, 0, 1}).Draw(t, "bend") / rapid.Float64Range(50, 400).Draw(t, "radius")
		p = p.extend(point{}, bend, rapid.Float64Range(5, 60).Draw(t, "length"))
	}
	return p
}

func gap(a, b point) float64 { return math.Hypot(a.x-b.x, a.y-b.y) }

func TestPathIsMeasuredByArcLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPath(t)
		s := rapid.Float64Range(-5, p.length()+5).Draw(t, "s")
		a, b := p.at(s), p.at(s+0.01)
		if d := gap(a, b); math.Abs(d-0.01) > 1e-5 {
			t.Fatalf("0.01 m along the path at %g is %g m", s, d)
		}
		if h := math.Atan2(b.y-a.y, b.x-a.x) - a.heading; math.Abs(math.Remainder(h, 2*math.Pi)) > 1e-3 {
			t.Fatalf("the path at %g leaves its heading by %g", s, h)
		}
	})
}

func TestPathOffsetIsParallel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPath(t)
		d := rapid.Float64Range(-12, 12).Draw(t, "d")
		q := p.offset(d)
		s, r := 0.0, 0.0
		for i := range p {
			if g := gap(q.at(r), p.side(s, d)); g > 1e-9 {
				t.Fatalf("piece %d of the offset path starts %g m off", i, g)
			}
			s, r = s+p[i].length, r+q[i].length
		}
	})
}

func TestPathReverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPath(t)
		s := rapid.Float64Range(0, p.length()).Draw(t, "s")
		a, b := p.at(s), p.reverse().at(p.length()-s)
		if gap(a, b) > 1e-9 || math.Abs(math.Remainder(a.heading+math.Pi-b.heading, 2*math.Pi)) > 1e-9 {
			t.Fatalf("at %g the path is at %v, its reverse at %v", s, a, b)
		}
	})
}

func TestPathUntil(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPath(t)
		s := rapid.Float64Range(1, p.length()).Draw(t, "s")
		if l := p.until(s).length(); math.Abs(l-s) > 1e-9 {
			t.Fatalf("the first %g m are %g m long", s, l)
		}
	})
}

func TestProfileDistanceIntegratesSpeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := profile(rapid.SliceOfN(rapid.Float64Range(0, 14), 1, 12).Draw(t, "speeds"))
		end := rapid.Float64Range(0, 8).Draw(t, "end")
		const n = 4000
		sum := 0.0
		for i := range n {
			sum += p.at((float64(i)+0.5)/n*end) * end / n
		}
		if d := p.distance(end); math.Abs(d-sum) > 1e-3 {
			t.Fatalf("distance(%g) = %g, the speeds' sum is %g", end, d, sum)
		}
	})
}

func TestRectOverlaps(t *testing.T) {
	a := rect{point{0, 0, 0}, 2, 1}
	for _, tt := range []struct {
		b      rect
		margin float64
		want   bool
	}{
		{rect{point{0, 0, 1}, 2, 1}, 0, true},
		{rect{point{3.9, 0, 0}, 2, 1}, 0, true},
		{rect{point{4.1, 0, 0}, 2, 1}, 0, false},
		{rect{point{4.1, 0, 0}, 2, 1}, 0.2, true},
		{rect{point{0, 2.1, 0}, 2, 1}, 0, false},
		{rect{point{3.1, 0, math.Pi / 2}, 2, 1}, 0, false},
		{rect{point{2.9, 0, math.Pi / 2}, 2, 1}, 0, true},
		{rect{point{3, 2, math.Pi / 4}, 2, 0.1}, 0, true},
		{rect{point{3, 2, -math.Pi / 4}, 2, 0.1}, 0, false},
	} {
		if a.overlaps(tt.b, tt.margin) != tt.want || tt.b.overlaps(a, tt.margin) != tt.want {
			t.Errorf("%v and %v with margin %g: overlap is not %v", a, tt.b, tt.margin, tt.want)
		}
	}
}
