package stereo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/stereo/internal/kernel"
	"github.com/solofusion/solofusion/tensor"
)

// toy is small enough for a naive computation of everything.
var toy = Config{
	Image: geom.Size{Width: 48, Height: 32}, Coarse: geom.Size{Width: 3, Height: 2}, Stereo: geom.Size{Width: 12, Height: 8},
	Channels: 8, Groups: 4, Depth: geom.Bins{Start: 1, Step: 1, Count: 20}, Samples: 5, Sigma: 1.5,
}

func TestMonocular(t *testing.T) {
	mono := tensor.From([]float32{0, 0, float32(math.Log(2)), 0, 1, 1, 1, 1}, 1, 1, 2, 4)
	want := []float32{0.2, 0.2, 0.4, 0.2, 0.25, 0.25, 0.25, 0.25}
	depth := tensor.New[float32](mono.Shape...)
	NewMonocular(compute.Resources{}).Step(mono, depth)
	for i, v := range depth.Data {
		if math.Abs(float64(v-want[i])) > 1e-6 {
			t.Fatalf("depth %v, want %v", depth.Data, want)
		}
	}
}

// TestKernels: what runs is the set that was asked for.
func TestKernels(t *testing.T) {
	for set := range golden.Runnable(kernel.Table) {
		with := compute.Resources{Kernels: set}
		m, err := New(toy, randomWeights(rand.New(rand.NewPCG(1, 1)), toy.Groups), with)
		if err != nil || m.Kernels() != set || NewMonocular(with).Kernels() != set {
			t.Fatalf("%s: kernels %s, error %v", set, m.Kernels(), err)
		}
		golden.RunsSet(t, kernel.Table, set, m.kernel)
		golden.RunsSet(t, kernel.Table, set, NewMonocular(with).kernel)
	}
}

// mustNew returns a matcher with the generic kernels.
func mustNew(t testing.TB, c Config, w Weights, pool *parallel.Pool) *Matcher {
	t.Helper()
	return mustTake(t, c, w, compute.Resources{Pool: pool})
}

func mustTake(t testing.TB, c Config, w Weights, with compute.Resources) *Matcher {
	t.Helper()
	m, err := New(c, w, with)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// naiveDepth transcribes model spec, section 3, whole arrays at a time, in
// float64, through global coordinates, without culling.
func naiveDepth(c *Config, w *Weights, cur, prev []View, mono *tensor.F32, samples []int32) (logits, depth []float64) {
	block, k := c.block(), c.Samples
	logits, depth = make([]float64, len(mono.Data)), make([]float64, len(mono.Data))
	for n := range cur {
		for i := range c.Coarse.Height * c.Coarse.Width {
			pixel := n*c.Coarse.Height*c.Coarse.Width + i
			picked := samples[pixel*k:][:k]
			mean := make([]float64, k)
			for j, bin := range picked {
				for b := range block * block {
					x, y := i%c.Coarse.Width*block+b%block, i/c.Coarse.Width*block+b/block
					mean[j] += naiveScore(c, w, &cur[n], prev, x, y, c.Depth.Start+c.Depth.Step/2+c.Depth.Step*float64(bin)) / float64(block*block)
				}
			}
			naiveFuse(logits[pixel*c.Depth.Count:][:c.Depth.Count], depth[pixel*c.Depth.Count:][:c.Depth.Count], mono.Data[pixel*c.Depth.Count:], picked, mean)
		}
	}
	return logits, depth
}

// naiveScore is the similarity of one point.
func naiveScore(c *Config, w *Weights, cur *View, prev []View, x, y int, d float64) float64 {
	stride := float64(c.stride())
	a := cur.Camera.Augment
	p := geom.Vec3{(stride*(float64(x)+0.5) - a[3]) / a[0] * d, (stride*(float64(y)+0.5) - a[7]) / a[5] * d, d}
	global := cur.Camera.Pose.Apply(cur.Camera.Intrinsics.Inv().Apply(p))
	sums, seen := make([]float64, c.Groups), 0.0
	for i := range prev {
		v := &prev[i]
		q := v.Camera.Intrinsics.Apply(v.Camera.Pose.Inv().Apply(global))
		z := math.Max(q[2], 1e-5)
		u, w := v.Camera.Augment[0]*q[0]/z+v.Camera.Augment[3], v.Camera.Augment[5]*q[1]/z+v.Camera.Augment[7]
		gx, gy := 2*u/float64(c.Image.Width)-1, 2*w/float64(c.Image.Height)-1
		if !(q[2] > 1e-5 && gx > -1 && gx < 1 && gy > -1 && gy < 1) {
			continue
		}
		seen++
		f := naiveSample(c, v.Features, ((gx+1)*float64(c.Stereo.Width)-1)/2, ((gy+1)*float64(c.Stereo.Height)-1)/2)
		own := cur.Features[(y*c.Stereo.Width+x)*c.Channels:]
		for ch := range f {
			sums[ch/(c.Channels/c.Groups)] += f[ch] * float64(own[ch])
		}
	}
	for g := range sums {
		sums[g] /= max(1, seen)
	}
	return naiveNetwork(w, sums)
}

// naiveSample is bilinear with zeros outside.
func naiveSample(c *Config, features []float32, x, y float64) []float64 {
	out := make([]float64, c.Channels)
	x0, y0 := int(math.Floor(x)), int(math.Floor(y))
	for i := range 4 {
		xi, yi := x0+i&1, y0+i>>1
		if xi < 0 || xi >= c.Stereo.Width || yi < 0 || yi >= c.Stereo.Height {
			continue
		}
		weight := (1 - math.Abs(x-float64(xi))) * (1 - math.Abs(y-float64(yi)))
		for ch := range out {
			out[ch] += weight * float64(features[(yi*c.Stereo.Width+xi)*c.Channels+ch])
		}
	}
	return out
}

func naiveNetwork(w *Weights, x []float64) float64 {
	layer := func(weight, bias []float32, x []float64, rectify bool) []float64 {
		y := make([]float64, len(bias))
		for o := range y {
			y[o] = float64(bias[o])
			for i := range x {
				y[o] += float64(weight[o*len(x)+i]) * x[i]
			}
			if rectify {
				y[o] = max(y[o], 0)
			}
		}
		return y
	}
	h := layer(w.Weight0, w.Bias0, x, true)
	return layer(w.Weight2, w.Bias2, layer(w.Weight1, w.Bias1, h, true), false)[0]
}

// naiveFuse spreads the samples' logits, adds the monocular ones and
// normalises.
func naiveFuse(logits, depth []float64, mono []float32, samples []int32, values []float64) {
	sum := 0.0
	for b := range logits {
		for k := range samples {
			lo := float64(samples[k])
			if b == int(samples[k]) {
				logits[b] = values[k]
			} else if k+1 < len(samples) && b > int(samples[k]) && b < int(samples[k+1]) {
				f := (float64(b) - lo) / (float64(samples[k+1]) - lo)
				logits[b] = (1-f)*values[k] + f*values[k+1]
			}
		}
		depth[b] = math.Exp(float64(mono[b]) + logits[b])
		sum += depth[b]
	}
	for b := range depth {
		depth[b] /= sum
	}
}

// wander moves and turns a view a little, at random, about where it is.
func wander(rng *rand.Rand, v View) View {
	yaw, shift := geom.QuatFromYaw(rng.NormFloat64()*0.1), geom.Vec3{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64() * 0.2}
	v.Camera.Pose.R = yaw.Mat3().Mul(v.Camera.Pose.R)
	v.Camera.Pose.T = v.Camera.Pose.T.Add(shift)
	return v
}

// wide has the shape of the published model's coarse pixels, in small maps: what the fastest
// kernels are made for.
var wide = Config{
	Image: geom.Size{Width: 64, Height: 32}, Coarse: geom.Size{Width: 4, Height: 2}, Stereo: geom.Size{Width: 16, Height: 8},
	Channels: 64, Groups: 8, Depth: geom.Bins{Start: 2, Step: 0.5, Count: 112}, Samples: 7, Sigma: 2,
}

func TestStepAgreesWithTheSpecification(t *testing.T) {
	for name, c := range map[string]Config{"toy": toy, "wide": wide} {
		t.Run(name, func(t *testing.T) {
			eachSet(t, func(t *testing.T, set isa.Set) { agrees(t, c, set) })
		})
	}
}

func agrees(t *testing.T, c Config, set isa.Set) {
	rng := rand.New(rand.NewPCG(7, 1))
	for _, cameras := range [][2]int{{1, 1}, {3, 2}, {2, 0}, {0, 3}, {4, 5}} {
		w := randomWeights(rng, c.Groups)
		m := mustTake(t, c, w, compute.Resources{Kernels: set})
		cur, prev := ring(rng, &c, cameras[0], 0), ring(rng, &c, cameras[1], 0)
		for i := range prev {
			prev[i] = wander(rng, prev[i])
		}
		mono := multimodal(rng, &c, cameras[0])
		got, logits := tensor.New[float32](mono.Shape...), tensor.New[float32](mono.Shape...)
		m.Step(against(prev), Frame{Views: cur}, mono, got)
		m.Logits(logits)
		wantLogits, want := naiveDepth(&c, &w, cur, prev, mono, m.Samples().Data)
		name := fmt.Sprintf("%d cameras against %d", cameras[0], cameras[1])
		golden.Within(t, name+": logits", widen(logits.Data), wantLogits, golden.Bound{Abs: 1e-6, Rel: 1e-5})
		golden.Within(t, name+": depth", widen(got.Data), want, golden.Bound{Abs: 1e-6})
	}
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = float64(x[i])
	}
	return y
}

// TestStepAllowsAliasing checks that the distributions may replace the logits.
func TestStepAllowsAliasing(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 2))
	m := mustNew(t, toy, randomWeights(rng, toy.Groups), nil)
	views, mono := ring(rng, &toy, 3, 0), multimodal(rng, &toy, 3)
	want := tensor.New[float32](mono.Shape...)
	m.Step(against(views), Frame{Views: views}, mono, want)
	m.Step(against(views), Frame{Views: views}, mono, mono)
	golden.Within(t, "depth", mono.Data, want.Data, golden.Bound{})
}

func TestStepIsTheSameForAnyNumberOfGoroutines(t *testing.T) { eachSet(t, sameForGoroutines) }

func sameForGoroutines(t *testing.T, set isa.Set) {
	rng := rand.New(rand.NewPCG(7, 3))
	w := randomWeights(rng, wide.Groups)
	cur, prev, mono := ring(rng, &wide, 5, 1), ring(rng, &wide, 5, 0), multimodal(rng, &wide, 5)
	want := tensor.New[float32](mono.Shape...)
	mustTake(t, wide, w, compute.Resources{Kernels: set}).Step(against(prev), Frame{Views: cur}, mono, want)
	for _, n := range []int{2, 3, 8} {
		pool := parallel.New(n)
		m, got := mustTake(t, wide, w, compute.Resources{Kernels: set, Pool: pool}), tensor.New[float32](mono.Shape...)
		for range 5 {
			m.Step(against(prev), Frame{Views: cur}, mono, got)
			golden.Within(t, fmt.Sprintf("%d goroutines", n), got.Data, want.Data, golden.Bound{})
		}
		pool.Close()
	}
}

func TestStepDoesNotAllocate(t *testing.T) { eachSet(t, doesNotAllocate) }

func doesNotAllocate(t *testing.T, set isa.Set) {
	rng := rand.New(rand.NewPCG(7, 4))
	pool := parallel.New(2)
	defer pool.Close()
	m := mustTake(t, wide, randomWeights(rng, wide.Groups), compute.Resources{Kernels: set, Pool: pool})
	cur, prev, mono := ring(rng, &wide, 5, 1), ring(rng, &wide, 5, 0), multimodal(rng, &wide, 5)
	depth := tensor.New[float32](mono.Shape...)
	past := against(prev)
	if n := testing.AllocsPerRun(10, func() { m.Step(past, Frame{Views: cur}, mono, depth) }); n != 0 {
		t.Errorf("%v allocations a step", n)
	}
}

// TestMissingCameras checks that cameras which come and go leave the others'
// results alone if they see nothing of each other.
func TestMissingCameras(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 5))
	m := mustNew(t, toy, randomWeights(rng, toy.Groups), nil)
	views, mono := ring(rng, &toy, 2, 0), multimodal(rng, &toy, 2) // back to back
	both := tensor.New[float32](mono.Shape...)
	m.Step(against(views), Frame{Views: views}, mono, both)
	size := len(mono.Data) / 2
	for i := range 2 {
		shape := append([]int{1}, mono.Shape[1:]...)
		one := tensor.New[float32](shape...)
		m.Step(against(views[i:i+1]), Frame{Views: views[i : i+1]}, tensor.From(mono.Data[i*size:][:size], shape...), one)
		golden.Within(t, "alone", one.Data, both.Data[i*size:][:size], golden.Bound{})
		m.Samples().MustShape("samples", 1, 2, 3, 5)
		m.SampleLogits().MustShape("sample logits", 1, 2, 3, 5)
	}
}

// TestUnseenPoints checks that what no previous camera saw gets the network's
// answer to zeros.
func TestUnseenPoints(t *testing.T) { eachSet(t, unseenPoints) }

func unseenPoints(t *testing.T, set isa.Set) {
	rng := rand.New(rand.NewPCG(7, 6))
	w := randomWeights(rng, toy.Groups)
	m := mustTake(t, toy, w, compute.Resources{Kernels: set})
	views, mono := ring(rng, &toy, 1, 0), multimodal(rng, &toy, 1)
	broken := views[0]
	broken.Camera.Pose.T[0] = math.NaN()
	for _, prev := range [][]View{nil, {broken}} {
		m.Step(against(prev), Frame{Views: views}, mono, tensor.New[float32](mono.Shape...))
		want := float32(naiveNetwork(&w, make([]float64, toy.Groups)))
		for i, got := range m.SampleLogits().Data {
			if math.Abs(float64(got-want)) > 1e-5 {
				t.Fatalf("logit %d is %v, want %v", i, got, want)
			}
		}
	}
}

// TestMatchFindsTheDepth gives the views descriptors of a textured wall and a
// network that prefers correlation: the wall's bin must win.
func TestMatchFindsTheDepth(t *testing.T) {
	c := Config{
		Image: geom.Size{Width: 128, Height: 64}, Coarse: geom.Size{Width: 16, Height: 8}, Stereo: geom.Size{Width: 32, Height: 16},
		Channels: 8, Groups: 8, Depth: geom.Bins{Start: 1, Step: 1, Count: 30}, Samples: 30, Sigma: 1,
	}
	w := Weights{
		Weight0: make([]float32, 16*8), Bias0: make([]float32, 16),
		Weight1: make([]float32, 8*16), Bias1: make([]float32, 8),
		Weight2: make([]float32, 8), Bias2: []float32{0},
	}
	for g := range 8 {
		w.Weight0[g], w.Weight0[8+g] = 1, 1
	}
	w.Weight1[0], w.Weight2[0] = 1, 20
	const wall = 12.5 // the centre of bin 11
	look := func(x float64) View {
		v := View{
			Features: make([]float32, 32*16*8),
			Camera: geom.Camera{
				Pose:       geom.Pose{R: geom.Identity3(), T: geom.Vec3{x, 0, 0}},
				Intrinsics: geom.Mat3{80, 0, 64, 0, 80, 32, 0, 0, 1},
				Augment:    geom.Mat4{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1},
			},
		}
		for i := range 32 * 16 {
			px, py := x+wall*(4*float64(i%32)+2-64)/80, wall*(4*float64(i/32)+2-32)/80
			for ch := range 4 { // of unit length: pairs of sine and cosine
				s, c := math.Sincos((0.9+0.4*float64(ch))*px + 0.3*py)
				v.Features[8*i+2*ch], v.Features[8*i+2*ch+1] = float32(s/2), float32(c/2)
			}
		}
		return v
	}
	m := mustNew(t, c, w, nil)
	mono := tensor.New[float32](1, 8, 16, 30)
	depth := tensor.New[float32](mono.Shape...)
	m.Step(against([]View{look(0)}), Frame{Views: []View{look(3)}}, mono, depth)
	right, inside := 0, 0
	for y := 1; y < 7; y++ {
		for x := range 11 { // columns beyond look past the previous image
			inside++
			if d := depth.Data[(y*16+x)*30:][:30]; slices.Index(d, slices.Max(d)) == 11 {
				right++
			}
		}
	}
	if right < inside*9/10 {
		t.Errorf("the wall's bin wins at %d of %d pixels", right, inside)
	}
}

func TestPick(t *testing.T) {
	m := mustNew(t, toy, randomWeights(rand.New(rand.NewPCG(1, 1)), toy.Groups), nil)
	samples := make([]int32, toy.Samples)
	pick := func(logits []float32) { m.kernel.Pick(samples, logits, make([]float32, len(logits)), m.penalties) }
	pick(make([]float32, toy.Depth.Count))
	// Equal logits: the first bin, then the first beyond the Gaussian's reach of
	// six bins of all before, where log(1+1e-5) is positive.
	for _, want := range []int32{0, 7, 14} {
		if !slices.Contains(samples, want) {
			t.Errorf("samples %v lack %d", samples, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		logits := rapid.SliceOfN(rapid.Float32Range(-30, 30), toy.Depth.Count, toy.Depth.Count).Draw(t, "logits")
		pick(logits)
		if !slices.IsSorted(samples) || len(slices.Compact(slices.Clone(samples))) != len(samples) {
			t.Fatalf("samples %v of %v are not ascending and distinct", samples, logits)
		}
		if best := slices.Index(logits, slices.Max(logits)); !slices.Contains(samples, int32(best)) {
			t.Fatalf("samples %v lack the largest, %d", samples, best)
		}
	})
}

// TestCullingLosesNothing draws cameras and blocks: where misses says so, no
// point of the block may be visible.
func TestCullingLosesNothing(t *testing.T) {
	missed := 0
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		views := ring(rng, &toy, 5, 0)
		cur, prev := wander(rng, views[rng.IntN(5)]), wander(rng, views[rng.IntN(5)])
		p := toy.newPair(&cur, &prev, 0)
		x, y, near, far := rng.Float64()*10, rng.Float64()*7.5, rng.Float64()*10, rng.Float64()*30
		if r := (region{x + 1, y + 0.25, 1, 0.25}); !p.misses(&r, near, near+far) {
			return
		}
		missed++
		for range 100 {
			d := near + rng.Float64()*far
			q := p.Ray.Apply(geom.Vec3{x + 2*rng.Float64(), y + 0.5*rng.Float64(), 1}).Scale(d).Add(p.Shift)
			if visible(toy.Stereo, q[0]/q[2], q[1]/q[2], q[2]) {
				t.Fatalf("point %v of a culled block is visible", q)
			}
		}
	})
	if missed == 0 {
		t.Error("nothing was culled")
	}
}

func TestPenalties(t *testing.T) {
	p := penalties(20, 1.5)
	if p[19] != -1000 {
		t.Errorf("own penalty %v", p[19])
	}
	for d := 1; d < 20; d++ {
		g := math.Exp(-float64(d*d) / (2 * 1.5 * 1.5))
		if d > 6 {
			g = 0
		}
		if want := float32(math.Log(1 - g + 1e-5)); p[19+d] != want || p[19-d] != want {
			t.Errorf("penalty at distance %d is %v and %v, want %v", d, p[19+d], p[19-d], want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	w := randomWeights(rand.New(rand.NewPCG(1, 1)), toy.Groups)
	for name, change := range map[string]func(c *Config, w *Weights){
		"empty":         func(c *Config, _ *Weights) { c.Coarse = geom.Size{} },
		"block":         func(c *Config, _ *Weights) { c.Stereo.Height = 7 },
		"stride":        func(c *Config, _ *Weights) { c.Image.Width = 50 },
		"groups":        func(c *Config, _ *Weights) { c.Groups = 3 },
		"samples":       func(c *Config, _ *Weights) { c.Samples = 21 },
		"step":          func(c *Config, _ *Weights) { c.Depth.Step = math.NaN() },
		"weights":       func(_ *Config, w *Weights) { w.Weight1 = w.Weight1[1:] },
		"missing bias":  func(_ *Config, w *Weights) { w.Bias2 = nil },
		"coarse larger": func(c *Config, _ *Weights) { c.Stereo = geom.Size{Width: 2, Height: 1} },
	} {
		c, v := toy, w
		change(&c, &v)
		if _, err := New(c, v, compute.Resources{}); err == nil || !strings.HasPrefix(err.Error(), "stereo: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestStepPanicsOnShapes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	m := mustNew(t, toy, randomWeights(rng, toy.Groups), nil)
	mono := multimodal(rng, &toy, 1)
	short := ring(rng, &toy, 1, 0)
	short[0].Features = short[0].Features[1:]
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	m.Step(against(short), Frame{Views: short}, mono, mono)
}
