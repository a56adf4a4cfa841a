package stereo

import (
	"fmt"
	"math"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/tensor"
)

// The reference's small configuration: ../shared/reference/tiny/config.json.
var tiny = Config{
	Image: geom.Size{Width: 352, Height: 128}, Coarse: geom.Size{Width: 22, Height: 8}, Stereo: geom.Size{Width: 88, Height: 32},
	Channels: 16, Groups: 8, Depth: geom.Bins{Start: 2, Step: 1, Count: 56}, Samples: 7, Sigma: 2,
}

// recordings are the reference's frames, in order; each list begins a sequence.
var recordings = map[string][][]string{
	"reference/tiny/rig": {
		{"frame_000.npz", "frame_001.npz", "frame_002.npz"}, {"frame_003.npz"},
	},
	"reference/tiny/mini": {{"scene-0103/000.npz", "scene-0103/001.npz"}},
}

func tinyWeights(t testing.TB, checkpoint string) (Weights, map[string]*tensor.F32) {
	t.Helper()
	ck := golden.Checkpoint(t, checkpoint)
	const net = "img_view_transformer.similarity_net."
	var w Weights
	w.Weight0, w.Bias0 = golden.Fold(t, ck, net+"0.conv", net+"0.bn", 1e-5)
	w.Weight1, w.Bias1 = golden.Fold(t, ck, net+"1.conv", net+"1.bn", 1e-5)
	w.Weight2, w.Bias2 = ck[net+"2.weight"].Data, ck[net+"2.bias"].Data
	return w, ck
}

// views returns what the reference's cameras saw in a frame.
func views(z *golden.Archive) []View {
	features := golden.Array[float32](z, "stereo_feats")
	n := features.Shape[1]
	last := golden.ChannelsLast(tensor.From(features.Data, features.Shape[1:]...))
	size := len(last.Data) / n
	poses := golden.Array[float64](z, "exact_cam2global")
	intrinsics := golden.Array[float64](z, "intrins")
	rotations, shifts := golden.Array[float64](z, "post_rots"), golden.Array[float64](z, "post_trans")
	out := make([]View, n)
	for i := range out {
		p := poses.Data[16*i:]
		r, s := rotations.Data[9*i:], shifts.Data[3*i:]
		out[i] = View{
			Features: last.Data[i*size:][:size],
			Camera: geom.Camera{Pose: geom.Pose{R: geom.Mat3{p[0], p[1], p[2], p[4], p[5], p[6], p[8], p[9], p[10]}, T: geom.Vec3{p[3], p[7], p[11]}},
				Intrinsics: geom.Mat3(intrinsics.Data[9*i:][:9]),
				Augment: geom.Mat4{
					r[0], r[1], r[2], s[0], r[3], r[4], r[5], s[1], r[6], r[7], r[8], s[2], 0, 0, 0, 1,
				}},
		}
	}
	return out
}

// TestReference runs every frame of the reference's recordings and compares
// each output, given the reference's own inputs.
func TestReference(t *testing.T) {
	for folder, sequences := range recordings {
		eachSet(t, func(t *testing.T, set isa.Set) {
			root := golden.Shared(t, folder)
			w, _ := tinyWeights(t, root+"/checkpoint.pth")
			pool := parallel.New(2)
			defer pool.Close()
			m, err := New(tiny, w, compute.Resources{Pool: pool, Kernels: set})
			if err != nil {
				t.Fatal(err)
			}
			for _, frames := range sequences {
				var previous []View
				for _, name := range frames {
					z := golden.Open(t, root+"/"+name)
					current := views(z)
					if previous == nil {
						previous = current
					}
					compareFrame(t, name, m, z, current, previous)
					previous = current
				}
			}
		})
	}
}

// eachSet runs a test with every kernel set of this build.
func eachSet(t *testing.T, test func(t *testing.T, set isa.Set)) {
	t.Helper()
	for _, set := range sets() {
		t.Run(string(set), func(t *testing.T) { test(t, set) })
	}
}

func compareFrame(t *testing.T, name string, m *Matcher, z *golden.Archive, current, previous []View) {
	t.Helper()
	mono := golden.ChannelsLast(golden.Array[float32](z, "mono_depth_logits"))
	depth := tensor.New[float32](mono.Shape...)
	m.Step(against(previous), Frame{Views: current}, mono, depth)
	logits := tensor.New[float32](mono.Shape...)
	m.Logits(logits)

	wantSamples := golden.ChannelsLast(golden.Array[int32](z, "k_indices"))
	if d := golden.Compare(m.Samples().Data, wantSamples.Data); d.Abs != 0 {
		t.Errorf("%s: sample %d is bin %d, want %d", name, d.Index, m.Samples().Data[d.Index], wantSamples.Data[d.Index])
	}
	bound := golden.Bound{Rel: 4e-4}
	a := golden.Within(t, name+": sample logits", m.SampleLogits().Data, golden.ChannelsLast(golden.Array[float32](z, "stereo_logits")).Data, bound)
	b := golden.Within(t, name+": logits", logits.Data, golden.ChannelsLast(golden.Array[float32](z, "stereo_logits_interp")).Data, bound)
	c := golden.Within(t, name+": depth", depth.Data, golden.ChannelsLast(golden.Array[float32](z, "depth_prob")).Data, bound)
	t.Logf("%s: sample logits %.2g, logits %.2g, depth %.2g of the largest", name, a.Rel, b.Rel, c.Rel)
}

// TestReferencePoints compares the projections with those that the reference
// computed on float64 matrices and stored as float32.
func TestReferencePoints(t *testing.T) {
	root := golden.Shared(t, "reference/tiny/rig")
	z := golden.Open(t, root+"/frame_001.npz")
	previous, current := views(golden.Open(t, root+"/frame_000.npz")), views(z)
	want := golden.Array[float64](z, "prev_meshgrid_xyd1") // previous, current, K, sh, sw, 4
	bins := golden.Array[int32](z, "k_indices")            // current, K, h, w
	c := &tiny
	var pairs [6][6]pair
	for i := range pairs {
		for j := range pairs[i] {
			pairs[i][j] = c.newPair(&current[j], &previous[i], i)
		}
	}
	worst, seen, hidden := 0.0, 0, 0
	for i := range len(want.Data) / 4 {
		x, y := i%88, i/88%32
		k, cur, prev := i/(88*32)%7, i/(88*32*7)%6, i/(88*32*7*6)
		p := &pairs[prev][cur]
		ray := p.Ray.Apply(geom.Vec3{float64(x) + 0.5, float64(y) + 0.5, 1})
		q := ray.Scale(c.Depth.Center(int(bins.Data[((cur*7+k)*8+y/4)*22+x/4]))).Add(p.Shift)
		w := want.Data[4*i:][:4]
		u, v := 4*q[0]/q[2], 4*q[1]/q[2] // pixels of the input
		wantVisible := visible(c.Image, w[0], w[1], w[2])
		if visible(c.Image, u, v, q[2]) != wantVisible {
			t.Fatalf("point %d at %v, want %v: visible %t", i, q, w, wantVisible)
		}
		if !wantVisible {
			hidden++
			continue
		}
		seen++
		worst = max(worst, math.Abs(u-w[0]), math.Abs(v-w[1]), math.Abs(q[2]-w[2]))
	}
	t.Logf("%d points seen, %d not; largest difference %.2g px or m", seen, hidden, worst)
	if seen == 0 || worst > 5e-5 { // an ulp of 352 as a float32 is 3e-5
		t.Errorf("%d points seen, largest difference %g", seen, worst)
	}
}

// visible reports whether a pixel at a depth is in a camera's image.
func visible(image geom.Size, u, v, z float64) bool {
	return z > 1e-5 && u > 0 && u < float64(image.Width) && v > 0 && v < float64(image.Height)
}

// TestReferenceCost compares the correlations of whole maps.
func TestReferenceCost(t *testing.T) { eachSet(t, referenceCost) }

func referenceCost(t *testing.T, set isa.Set) {
	root := golden.Shared(t, "reference/tiny/rig")
	z := golden.Open(t, root+"/frame_001.npz")
	previous, current := views(golden.Open(t, root+"/frame_000.npz")), views(z)
	w, _ := tinyWeights(t, root+"/checkpoint.pth")
	m, err := New(tiny, w, compute.Resources{Kernels: set})
	if err != nil {
		t.Fatal(err)
	}
	want := golden.ChannelsLast(golden.Array[float32](z, "cost_volume")) // N K sh sw G
	bins := golden.ChannelsLast(golden.Array[int32](z, "k_indices"))     // N h w K
	got := tensor.New[float32](want.Shape...)
	m.current, m.previous = interleaved(m, current), interleaved(m, previous)
	m.reserve(len(current))
	b := &m.buffers[0]
	for n := range current {
		m.findPairs(n)
		for y := range 8 {
			for x := range 22 {
				samples := bins.Data[((n*8+y)*22+x)*7:][:7]
				if !m.correlate(samples, n, x, y, b) {
					continue
				}
				for i := range 7 * 16 {
					sx, sy := 4*x+i%4, 4*y+i%16/4
					copy(got.Data[(((n*7+i/16)*32+sy)*88+sx)*8:][:8], b.sums[8*i:])
				}
			}
		}
	}
	d := golden.Within(t, "cost", got.Data, want.Data, golden.Bound{Rel: 1e-4})
	t.Logf("cost %.2g of the largest", d.Rel)
}

// interleaved returns the views as the matcher keeps them.
func interleaved(m *Matcher, views []View) []View { return m.arranged(&against(views).frames[0]) }

func TestReferencePenalties(t *testing.T) {
	_, ck := tinyWeights(t, golden.Shared(t, "reference/tiny/rig/checkpoint.pth"))
	want := ck["img_view_transformer.log_inv_gaussians"]
	p := penalties(56, 2)
	for i := range 56 {
		golden.Within(t, fmt.Sprintf("bin %d", i), p[55-i:][:56], want.Data[56*i:][:56], golden.Bound{Abs: 1e-6})
	}
	centres := ck["img_view_transformer.bin_centers"]
	for i, want := range centres.Data {
		if got := tiny.Depth.Center(i); got != float64(want) {
			t.Errorf("centre of bin %d is %v, want %v", i, got, want)
		}
	}
}
