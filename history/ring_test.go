package history

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history/internal/kernel"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/tensor"
)

// toy is small enough for a naive computation; neither grid nor cells are
// square.
var toy = Config{
	Grid:     geom.Grid{X: geom.Axis{-9, 9, 2}, Y: geom.Axis{-14, 14, 4}},
	Channels: 5, Frames: 3, Period: 0.5,
}

// memory is a convolution with one ring, in which every frame counts.
type memory struct {
	*Convolution
	ring *Ring
}

// shot is a frame that may begin a sequence.
type shot struct {
	Frame
	First bool
}

var counting = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

func (m *memory) Step(s shot, out Stack) Reach {
	if !s.First {
		n := min(m.ring.Len(), m.cfg.Frames)
		s.Earlier, s.Keep = counting[:n], counting[:min(n, max(0, m.cfg.Frames-1))]
	}
	return m.Convolution.Step(m.ring, s.Frame, out)
}

func mustNew(t testing.TB, c Config, w Weights, pool *parallel.Pool) *memory {
	t.Helper()
	return mustNewWith(t, c, w, compute.Resources{Pool: pool})
}

func mustNewWith(t testing.TB, c Config, w Weights, with compute.Resources) *memory {
	t.Helper()
	conv, err := New(c, w, with)
	if err != nil {
		t.Fatal(err)
	}
	return &memory{conv, conv.NewRing()}
}

// past is a frame of the naive history.
type past struct {
	plane []float64 // Y X C, raw features
	from  geom.Pose // whose grid the plane is in
	time  time.Time
	steps float64
}

// naiveRing transcribes model spec, section 5 in its own order: raw features are
// stored and resampled, the time convolution comes last. All in float64.
type naiveRing struct {
	cfg   Config
	w     Weights
	slots []past
}

// step returns the stack [Y, X, (T+1)·C].
func (r *naiveRing) step(f shot) []float64 {
	c := &r.cfg
	now := past{plane: widen(f.Feature.Data), from: f.GlobalFromGrid, time: f.Time}
	if f.First || r.slots == nil {
		r.slots = slices.Repeat([]past{now}, c.Frames)
	} else {
		for i := range r.slots {
			r.slots[i].steps++
		}
	}
	frames := []past{now}
	for i := range r.slots {
		aligned := r.slots[i]
		aligned.plane = r.resample(aligned, f.GlobalFromGrid)
		aligned.from = f.GlobalFromGrid
		if c.Mode == Recursive {
			r.slots[i] = aligned
		}
		frames = append(frames, aligned)
	}
	r.slots = append([]past{now}, r.slots[:c.Frames-1]...)
	return r.timeConv(frames, f.Time)
}

func (r *naiveRing) resample(p past, now geom.Pose) []float64 {
	c := &r.cfg
	toPast := p.from.Inv().Mul(now)
	out := make([]float64, len(p.plane))
	for cell := range c.width() * c.height() {
		q := toPast.Apply(geom.Vec3{float64(cell%c.width())*c.Grid.X.Step() + c.Grid.X.Min(), float64(cell/c.width())*c.Grid.Y.Step() + c.Grid.Y.Min(), 1})
		x, y := (q[0]-c.Grid.X.Min())/c.Grid.X.Step(), (q[1]-c.Grid.Y.Min())/c.Grid.Y.Step()
		for other := range c.width() * c.height() {
			wx, wy := 1-math.Abs(x-float64(other%c.width())), 1-math.Abs(y-float64(other/c.width()))
			if !(wx > 0 && wy > 0) {
				continue
			}
			for ch := range c.Channels {
				out[cell*c.Channels+ch] += wx * wy * p.plane[other*c.Channels+ch]
			}
		}
	}
	return out
}

func (r *naiveRing) timeConv(frames []past, now time.Time) []float64 {
	c := &r.cfg
	n := c.Channels
	var out []float64
	for cell := range c.width() * c.height() {
		for _, p := range frames {
			age := p.steps * c.Period
			if c.Clock == Measured {
				age = now.Sub(p.time).Seconds()
			}
			for o := range n {
				v := float64(r.w.Bias[o]) + age*float64(r.w.Age[o])
				for i := range n {
					v += float64(r.w.Weight[o*n+i]) * p.plane[cell*n+i]
				}
				out = append(out, max(v, 0))
			}
		}
	}
	return out
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = float64(x[i])
	}
	return y
}

// journey is a drive with a scene change at its fifth frame, at uneven times.
func journey(rng *rand.Rand, c *Config, frames int) []shot {
	out := make([]shot, frames)
	pose, now := geom.Pose{R: geom.Identity3(), T: geom.Vec3{600, 1600, 3}}, time.Unix(1_700_000_000, 0)
	for i := range out {
		now = now.Add(time.Duration(400+rng.IntN(200)) * time.Millisecond)
		turn := geom.Quat{W: 1, X: rng.NormFloat64() * 0.02, Y: rng.NormFloat64() * 0.02, Z: rng.NormFloat64() * 0.1}
		pose = pose.Mul(geom.NewPose(turn, geom.Vec3{rng.NormFloat64(), 2 + rng.NormFloat64(), 0.1}))
		out[i] = shot{Frame{Feature: randomPlane(rng, c), GlobalFromGrid: pose, Time: now}, i == 0 || i == 5}
	}
	return out
}

// TestStepAgreesWithTheSpecification proves the identity that the ring rests
// on, too: the naive one convolves after resampling.
func TestStepAgreesWithTheSpecification(t *testing.T) {
	for set := range golden.Runnable(kernel.Table) {
		for _, mode := range []Mode{Recursive, Direct} {
			for _, clock := range []Clock{Counted, Measured} {
				rng := rand.New(rand.NewPCG(8, 1))
				c := toy
				c.Mode, c.Clock = mode, clock
				w := randomWeights(rng, c.Channels)
				r, naive := mustNewWith(t, c, w, compute.Resources{Kernels: set}), &naiveRing{cfg: c, w: w}
				for i, f := range journey(rng, &c, 10) {
					got := tensor.New[float32](1, c.height(), c.width(), (c.Frames+1)*c.Channels)
					r.Step(f, Stack{F32: got})
					name := fmt.Sprintf("%s, %v, %v, frame %d", set, mode, clock, i)
					golden.Within(t, name, widen(got.Data), naive.step(f), golden.Bound{Abs: 1e-6, Rel: 1e-6})
				}
			}
		}
	}
}

// TestFasterStream: a stream with five frames for each of the model's gives each of
// its five combs of frames to the bit what the comb would get alone, in every mode.
func TestFasterStream(t *testing.T) {
	const combs = 5
	for _, mode := range []Mode{Recursive, Direct} {
		for _, clock := range []Clock{Counted, Measured} {
			rng := rand.New(rand.NewPCG(8, 7))
			c := toy
			c.Mode, c.Clock, c.KeepFeatures = mode, clock, true
			w := randomWeights(rng, c.Channels)
			all := mustNew(t, c, w, nil)
			var alone [combs]*memory
			for i := range alone {
				alone[i] = mustNew(t, c, w, nil)
			}
			got := Stack{F32: tensor.New[float32](1, c.height(), c.width(), (c.Frames+1)*c.Channels)}
			want := Stack{F32: tensor.New[float32](got.F32.Shape...)}
			for i, f := range journey(rng, &c, 6*combs) {
				for back := combs; back <= all.ring.Len() && len(f.Earlier) < c.Frames; back += combs {
					f.Earlier = append(f.Earlier, back-1)
				}
				f.Keep = counting[:min(all.ring.Len(), combs*c.Frames-1)]
				reach := all.Convolution.Step(all.ring, f.Frame, got)
				f.First = i < combs
				name := fmt.Sprintf("%v, %v, frame %d", mode, clock, i)
				if own := alone[i%combs].Step(f, want); reach != own {
					t.Errorf("%s: reach %v, want %v", name, reach, own)
				}
				golden.Within(t, name, got.F32.Data, want.F32.Data, golden.Bound{})
				golden.Within(t, name+": features", all.Features().Data, alone[i%combs].Features().Data, golden.Bound{})
			}
		}
	}
}

// TestResamplings: recursively, a plane that several frames see equally far back is
// replaced for the first of them only.
func TestResamplings(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	r := mustNew(t, toy, randomWeights(rng, toy.Channels), nil)
	stack := Stack{F32: tensor.New[float32](1, toy.height(), toy.width(), (toy.Frames+1)*toy.Channels)}
	for i, test := range []struct{ earlier, keep, want []int }{
		{nil, nil, []int{0}},
		{[]int{0}, []int{0}, []int{0, 1}},
		{[]int{1}, []int{1}, []int{0, 1}},
		{[]int{1}, []int{0, 1}, []int{0, 0, 1}},
		{[]int{0, 2}, []int{0, 1, 2}, []int{0, 1, 0, 2}},
		{[]int{1, 3}, []int{1, 3}, []int{0, 1, 2}},
	} {
		r.Convolution.Step(r.ring, Frame{
			Feature: randomPlane(rng, &toy), GlobalFromGrid: drive(i), Time: second(i), Earlier: test.earlier, Keep: test.keep,
		}, stack)
		var got []int
		for _, p := range r.ring.planes {
			got = append(got, p.resampled)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("frame %d: planes resampled %v times, want %v", i, got, test.want)
		}
	}
}

// TestQuantisedStack checks that the uint8 stack is the float32 one, quantised.
func TestQuantisedStack(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 2))
	w := randomWeights(rng, toy.Channels)
	f32, u8 := mustNew(t, toy, w, nil), mustNew(t, toy, w, nil)
	floats := tensor.New[float32](1, toy.height(), toy.width(), (toy.Frames+1)*toy.Channels)
	bytes := tensor.New[uint8](floats.Shape...)
	for i, f := range journey(rng, &toy, 7) {
		f32.Step(f, Stack{F32: floats})
		u8.Step(f, Stack{U8: bytes, Scales: []float32{0.013}, Zero: 5})
		want := make([]uint8, len(floats.Data))
		for i, v := range floats.Data {
			want[i] = uint8(min(math.RoundToEven(float64(v/0.013))+5, 255))
		}
		golden.Within(t, fmt.Sprintf("frame %d", i), bytes.Data, want, golden.Bound{})
	}
}

// TestScalesOfSlotsAndChannels checks that the stack is that of one scale for what has
// that scale, with and without history and resampled or not.
func TestScalesOfSlotsAndChannels(t *testing.T) {
	for _, mode := range []Mode{Recursive, Direct} {
		for _, frames := range []int{0, toy.Frames} {
			cfg := toy
			cfg.Mode, cfg.Frames = mode, frames
			depth := (frames + 1) * cfg.Channels
			for _, n := range []int{frames + 1, depth} {
				scales := make([]float32, n)
				for i := range scales {
					scales[i] = 0.01 * float32(i%7+1)
				}
				checkScales(t, cfg, scales)
			}
		}
	}
}

// checkScales compares a stack of those scales with stacks that have one of them each.
func checkScales(t *testing.T, cfg Config, scales []float32) {
	t.Helper()
	rng := rand.New(rand.NewPCG(8, 9))
	w := randomWeights(rng, cfg.Channels)
	depth := (cfg.Frames + 1) * cfg.Channels
	stack := func(scales ...float32) Stack {
		return Stack{U8: tensor.New[uint8](1, cfg.height(), cfg.width(), depth), Scales: scales, Zero: 3}
	}
	many, got := mustNew(t, cfg, w, nil), stack(scales...)
	single, ones := map[float32]*memory{}, map[float32]Stack{}
	for _, s := range scales {
		single[s], ones[s] = mustNew(t, cfg, w, nil), stack(s)
	}
	for k, f := range journey(rng, &cfg, 5) {
		many.Step(f, got)
		for s, m := range single {
			m.Step(f, ones[s])
		}
		want := make([]uint8, len(got.U8.Data))
		for i := range want {
			own := scales[i%depth/cfg.Channels]
			if len(scales) == depth {
				own = scales[i%depth]
			}
			want[i] = ones[own].U8.Data[i]
		}
		golden.Within(t, fmt.Sprintf("%v, %d scales, frame %d", cfg.Mode, len(scales), k), got.U8.Data, want, golden.Bound{})
	}
}

func TestFeatures(t *testing.T) {
	for _, mode := range []Mode{Recursive, Direct} {
		rng := rand.New(rand.NewPCG(8, 3))
		c := toy
		c.Mode, c.KeepFeatures = mode, true
		identity := Weights{Weight: make([]float32, 25), Age: make([]float32, 5), Bias: make([]float32, 5)}
		for i := range 5 {
			identity.Weight[6*i] = 1
		}
		w := randomWeights(rng, c.Channels)
		r, naive := mustNew(t, c, w, nil), &naiveRing{cfg: c, w: identity}
		stack := Stack{F32: tensor.New[float32](1, c.height(), c.width(), (c.Frames+1)*c.Channels)}
		for i, f := range journey(rng, &c, 8) {
			r.Step(f, stack)
			want := naive.step(f) // the features, rectified
			got := make([]float64, len(want))
			for at := range got {
				cell, slot, ch := at/(c.Channels*(c.Frames+1)), at/c.Channels%(c.Frames+1), at%c.Channels
				v := f.Feature.Data[cell*c.Channels+ch]
				if slot > 0 {
					v = r.Features().Data[((slot-1)*c.height()*c.width()+cell)*c.Channels+ch]
				}
				got[at] = max(float64(v), 0)
			}
			golden.Within(t, fmt.Sprintf("%v, frame %d", mode, i), got, want, golden.Bound{Abs: 1e-6})
		}
	}
	if r := mustNew(t, toy, randomWeights(rand.New(rand.NewPCG(1, 1)), 5), nil); r.Features() != nil {
		t.Error("features are kept unasked")
	}
}

func TestReach(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 4))
	for _, clock := range []Clock{Counted, Measured} {
		c := toy
		c.Clock = clock
		r := mustNew(t, c, randomWeights(rng, c.Channels), nil)
		stack := Stack{F32: tensor.New[float32](1, c.height(), c.width(), (c.Frames+1)*c.Channels)}
		feature, start := randomPlane(rng, &c), time.Unix(1_700_000_000, 0)
		step := func(i int, first bool) Reach {
			return r.Step(shot{Frame{Feature: feature, GlobalFromGrid: geom.IdentityPose(), Time: start.Add(time.Duration(i) * 700 * time.Millisecond)}, first}, stack)
		}
		for i, want := range []int{0, 1, 2, 3, 3, 3} {
			if got := step(i, false); got != (Reach{want, time.Duration(want) * 700 * time.Millisecond}) {
				t.Errorf("%v: frame %d reaches %+v, want %d frames", clock, i, got, want)
			}
		}
		if got := step(6, true); got != (Reach{}) {
			t.Errorf("%v: the first of a sequence reaches %+v", clock, got)
		}
		if got := step(7, false); got.Frames != 1 {
			t.Errorf("%v: the second of a sequence reaches %+v", clock, got)
		}
	}
}

// TestKernels: what runs is the set that was asked for.
func TestKernels(t *testing.T) {
	for set := range golden.Runnable(kernel.Table) {
		c, err := New(toy, randomWeights(rand.New(rand.NewPCG(1, 1)), toy.Channels), compute.Resources{Kernels: set})
		if err != nil || c.Kernels() != set {
			t.Fatalf("%s: kernels %s, error %v", set, c.Kernels(), err)
		}
		golden.RunsSet(t, kernel.Table, set, c.kernel)
	}
}

func TestNames(t *testing.T) {
	for _, m := range []Mode{Recursive, Direct} {
		if got, err := ParseMode(m.String()); got != m || err != nil {
			t.Errorf("ParseMode(%q) = %v, %v", m, got, err)
		}
	}
	for _, c := range []Clock{Counted, Measured} {
		if got, err := ParseClock(c.String()); got != c || err != nil {
			t.Errorf("ParseClock(%q) = %v, %v", c, got, err)
		}
	}
	for _, x := range []Storage{Float32, BFloat16, Int8} {
		if got, err := ParseStorage(x.String()); got != x || err != nil {
			t.Errorf("ParseStorage(%q) = %v, %v", x, got, err)
		}
	}
	if _, err := ParseStorage("float16"); err == nil {
		t.Error("storage float16 is accepted")
	}
	if _, err := ParseMode("both"); err == nil {
		t.Error("mode both is accepted")
	}
	if _, err := ParseClock(""); err == nil {
		t.Error("an empty time is accepted")
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(c *Config, w *Weights){
		"plane":  func(c *Config, _ *Weights) { c.Grid.Y = geom.Axis{} },
		"frames": func(c *Config, _ *Weights) { c.Frames = -1 },
		"cell":   func(c *Config, _ *Weights) { c.Grid.X[2] = math.NaN() },
		"period": func(c *Config, _ *Weights) { c.Period = 0 },
		"matrix": func(_ *Config, w *Weights) { w.Weight = w.Weight[1:] },
		"age":    func(_ *Config, w *Weights) { w.Age = nil },
	} {
		c, w := toy, randomWeights(rand.New(rand.NewPCG(1, 1)), toy.Channels)
		change(&c, &w)
		if _, err := New(c, w, compute.Resources{}); err == nil || !strings.HasPrefix(err.Error(), "history: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestWithoutFramesTheStackIsThePlane: nothing is rectified or convolved; negative
// values reach the head, in uint8 as far as its zero point lets them.
func TestWithoutFramesTheStackIsThePlane(t *testing.T) {
	c := toy
	c.Frames = 0
	r := mustNew(t, c, Weights{}, nil)
	floats := tensor.New[float32](1, c.height(), c.width(), c.Channels)
	bytes := tensor.New[uint8](floats.Shape...)
	for _, f := range journey(rand.New(rand.NewPCG(5, 5)), &c, 3) {
		if slices.Min(f.Feature.Data) >= 0 {
			t.Fatal("the plane has no negative value")
		}
		for _, stack := range []Stack{{F32: floats}, {U8: bytes, Scales: []float32{0.02}, Zero: 100}} {
			if reach := r.Step(f, stack); reach != (Reach{}) {
				t.Fatalf("reach %v", reach)
			}
		}
		if !slices.Equal(floats.Data, f.Feature.Data) {
			t.Fatal("the float32 stack is not the plane")
		}
		want := make([]uint8, len(bytes.Data))
		for i, v := range f.Feature.Data {
			want[i] = uint8(min(max(math.RoundToEven(float64(v/0.02))+100, 0), 255))
		}
		golden.Within(t, "uint8 stack", bytes.Data, want, golden.Bound{})
	}
}

func TestStepPanicsOnShapes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	r := mustNew(t, toy, randomWeights(rng, toy.Channels), nil)
	f := shot{Frame: Frame{Feature: randomPlane(rng, &toy), GlobalFromGrid: geom.IdentityPose()}}
	shape := []int{1, toy.height(), toy.width(), (toy.Frames + 1) * toy.Channels}
	f32, u8 := tensor.New[float32](shape...), tensor.New[uint8](shape...)
	for name, s := range map[string]Stack{
		"none": {}, "both": {F32: f32, U8: u8, Scales: []float32{1}}, "no scale": {U8: u8}, "a scale of zero": {U8: u8, Scales: []float32{0}},
		"two scales": {U8: u8, Scales: []float32{1, 1}}, "NaN": {U8: u8, Scales: []float32{float32(math.NaN())}},
		"shape": {F32: tensor.New[float32](1, 2, 3, 4)},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			r.Step(f, s)
		}()
	}
}

// TestLostCellsTakeTheNewestPlane: they are what the newest plane has at their place, in
// the stack and for later frames, and the other cells are as they come.
func TestLostCellsTakeTheNewestPlane(t *testing.T) {
	pool := parallel.New(2)
	defer pool.Close()
	for _, mode := range []Mode{Recursive, Direct} {
		cfg := toy
		cfg.Mode, cfg.KeepFeatures = mode, true
		w := randomWeights(rand.New(rand.NewPCG(1, 2)), cfg.Channels)
		clear(w.Age) // so that places in the stack do not differ
		whole, lossy := mustNew(t, cfg, w, pool), mustNew(t, cfg, w, pool)
		frames := journey(rand.New(rand.NewPCG(3, 4)), &cfg, 3)
		lost := make([]bool, cfg.height()*cfg.width())
		for i := range lost {
			lost[i] = i%3 == 1
		}
		depth := (cfg.Frames + 1) * cfg.Channels
		newStack := func() Stack { return Stack{F32: tensor.New[float32](1, cfg.height(), cfg.width(), depth)} }
		a, b := newStack(), newStack()
		whole.Step(frames[0], a)
		lossy.Step(frames[0], b)
		whole.Step(frames[1], a)
		frames[1].Lost = lost
		lossy.Step(frames[1], b)
		for i, isLost := range lost {
			slot := func(s Stack, n int) []float32 { return s.F32.Data[i*depth+n*cfg.Channels:][:cfg.Channels] }
			want := slot(a, 0)
			if isLost {
				want = slot(a, 1)
			}
			if !slices.Equal(slot(b, 0), want) || !slices.Equal(slot(b, 1), slot(a, 1)) {
				t.Fatalf("%v, cell %d (lost %v): %v, want %v", mode, i, isLost, slot(b, 0), want)
			}
		}
		next := frames[1]
		next.Lost, next.Time = nil, frames[2].Time // where it was
		c := newStack()
		lossy.Step(next, c)
		for i := range lost {
			for ch := range cfg.Channels {
				was, is := b.F32.Data[i*depth+ch], c.F32.Data[i*depth+cfg.Channels+ch]
				if math.Abs(float64(was-is)) > 1e-4 {
					t.Fatalf("%v, cell %d: the ring has %v, the stack had %v", mode, i, is, was)
				}
			}
		}
	}
}
