package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/geom"
)

// randomProjection is one of a camera that moved and turned a little; small maps,
// so that points fall on borders and outside.
func randomProjection(rng *rand.Rand) (Grid, *Projection) {
	g := Grid{Map: geom.Size{Width: 1 + rng.IntN(7), Height: 1 + rng.IntN(5)}, Block: 1 + rng.IntN(5), Channels: 1 + rng.IntN(9)}
	p := &Projection{
		Shift: geom.Vec3{rng.NormFloat64() * 10, rng.NormFloat64() * 10, rng.NormFloat64() * 3},
		Ray:   geom.Identity3(),
	}
	for i := range p.Ray {
		p.Ray[i] += rng.NormFloat64() * 0.02
	}
	return g, p
}

// naiveTaps is the package comment's loop. The weights of a tap are those of the
// map's pixels by their distance.
func naiveTaps(g Grid, p *Projection, x, y int, depths []float64) (points []int32, weights []map[int32]float64) {
	pixels := g.Block * g.Block
	for i := range pixels * len(depths) {
		pixel, d := i%pixels, depths[i/pixels]
		sx, sy := x*g.Block+pixel%g.Block, y*g.Block+pixel/g.Block
		q := p.Ray.Apply(geom.Vec3{float64(sx) + 0.5, float64(sy) + 0.5, 1}).Scale(d).Add(p.Shift)
		u, v := q[0]*(1/q[2]), q[1]*(1/q[2])
		if !(q[2] > MinDepth && u > 0 && u < float64(g.Map.Width) && v > 0 && v < float64(g.Map.Height)) {
			continue
		}
		w := map[int32]float64{}
		for at := range g.Map.Pixels() {
			wx := 1 - math.Abs(u-0.5-float64(at%g.Map.Width))
			wy := 1 - math.Abs(v-0.5-float64(at/g.Map.Width))
			if wx > 0 && wy > 0 {
				w[int32(at*g.Channels)] = wx * wy
			}
		}
		points, weights = append(points, int32(i)), append(weights, w)
	}
	return points, weights
}

// checkTaps returns the number of points that are seen.
func checkTaps(t *testing.T, name string, taps *Taps, p *Projection, x, y int, depths []float64) (seen int) {
	t.Helper()
	g := taps.Grid
	points, weights := naiveTaps(g, p, x, y, depths)
	eachSeen(taps, func(batch, n, point, pixel int) {
		if seen >= len(points) || int(points[seen]) != point {
			t.Fatalf("%s: point %d is seen, want %v", name, point, points)
		}
		own := ((y*g.Block+pixel/g.Block)*g.Map.Width + x*g.Block + pixel%g.Block) * g.Channels
		first, at := taps.Point(batch)
		if first+n != point || taps.First+int(taps.own[at+n]) != own {
			t.Fatalf("%s: point %d at %d, want point %d at %d", name, first+n, taps.First+int(taps.own[at+n]), point, own)
		}
		sum := map[int32]float64{}
		for j, beside := range [4]int{0, taps.Right, taps.Below, taps.Below + taps.Right} {
			o := taps.Offset[batch][n] + int32(beside)
			if o < 0 || int(o) > (g.Map.Pixels()-1)*g.Channels || int(o)%g.Channels != 0 {
				t.Fatalf("%s: offset %d is outside the map", name, o)
			}
			sum[o] += float64(taps.Weight[batch][j][n])
		}
		for o, w := range sum {
			if math.Abs(w-weights[seen][o]) > 1e-6 {
				t.Fatalf("%s: point %d weighs element %d by %v, want %v", name, point, o, w, weights[seen][o])
			}
		}
		seen++
	})
	if seen != len(points) {
		t.Fatalf("%s: %d points are seen, want %d", name, seen, len(points))
	}
	return seen
}

// sameTaps requires what the specification writes, bit by bit.
func sameTaps(t *testing.T, name string, got, want *Taps) {
	t.Helper()
	if !slices.Equal(got.Seen, want.Seen) {
		t.Fatalf("%s: points %b are seen, want %b", name, got.Seen, want.Seen)
	}
	for i := range got.Weight {
		for n := range lanes {
			w := [4]float32{got.Weight[i][0][n], got.Weight[i][1][n], got.Weight[i][2][n], got.Weight[i][3][n]}
			switch v := &want.Weight[i]; {
			case want.Seen[i] == 0:
			case want.Seen[i]>>n&1 == 1 && (got.Offset[i][n] != want.Offset[i][n] || w != [4]float32{v[0][n], v[1][n], v[2][n], v[3][n]}):
				t.Fatalf("%s: point %d of batch %d weighs %v at %d, want %v at %d", name, n, i, w, got.Offset[i][n], v, want.Offset[i][n])
			case w[0]-w[0] != 0 || w[1]-w[1] != 0 || w[2]-w[2] != 0 || w[3]-w[3] != 0:
				t.Fatalf("%s: point %d of batch %d, which is not seen, has weights %v", name, n, i, w)
			}
		}
	}
}

func TestProject(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		seen := 0
		for i := range 1000 {
			g, p := randomProjection(rng)
			depths := make([]float64, 1+rng.IntN(9))
			for j := range depths {
				depths[j] = 1 + 60*rng.Float64()
			}
			x, y := rng.IntN(max(1, g.Map.Width/g.Block)), rng.IntN(max(1, g.Map.Height/g.Block))
			taps, want := NewTaps(g, len(depths)), NewTaps(g, len(depths))
			k.project(taps, p, x, y, depths)
			projectGeneric(want, p, x, y, depths)
			seen += checkTaps(t, fmt.Sprint(i), taps, p, x, y, depths)
			sameTaps(t, fmt.Sprint(i), taps, want)
		}
		if seen < 1000 {
			t.Errorf("%d points are seen, too few to prove anything", seen)
		}
	})
}

// TestProjectOnBorders: points that fall exactly on centres and corners of descriptors.
func TestProjectOnBorders(t *testing.T) {
	each(t, func(t *testing.T, k implementation, _ *rand.Rand) {
		g := Grid{Map: geom.Size{Width: 8, Height: 4}, Block: 4, Channels: 3}
		for _, shift := range []float64{0, 0.5, -0.5, 1, -1, 3.5, -3.5, 4} {
			p := &Projection{Ray: geom.Identity3(), Shift: geom.Vec3{shift, -shift, 0}}
			for x := range 2 {
				taps, want := NewTaps(g, 3), NewTaps(g, 3)
				k.project(taps, p, x, 0, []float64{1, 2, 4})
				projectGeneric(want, p, x, 0, []float64{1, 2, 4})
				checkTaps(t, fmt.Sprint(shift), taps, p, x, 0, []float64{1, 2, 4})
				sameTaps(t, fmt.Sprint(shift), taps, want)
			}
		}
	})
}

// TestProjectIgnoresWhatIsNotFinite: a broken pose makes no tap.
func TestProjectIgnoresWhatIsNotFinite(t *testing.T) {
	each(t, func(t *testing.T, k implementation, rng *rand.Rand) {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for axis := range 3 {
				g, p := randomProjection(rng)
				p.Shift[axis] = bad
				taps := NewTaps(g, 2)
				if k.project(taps, p, 0, 0, []float64{1, 2}); taps.Any() {
					t.Errorf("shift %v: points %b are seen", p.Shift, taps.Seen)
				}
			}
		}
	})
}
