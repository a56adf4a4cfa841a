package kernel

import (
	"math"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/f32"
)

func suppressGeneric(logits, penalty []float32) int {
	best, at := float32(math.Inf(-1)), 0
	penalty = penalty[:len(logits)]
	for i, x := range logits {
		x += penalty[i]
		logits[i] = x
		if x > best {
			best, at = x, i
		}
	}
	return at
}

func projectGeneric(taps []Tap, p *Projection, x, y int, depths []float64) int {
	stride, n := float64(p.Stride), 0
	for i := range p.Block * p.Block {
		sx, sy := x*p.Block+i%p.Block, y*p.Block+i/p.Block
		ray := p.Ray.Apply(geom.Vec3{(float64(sx) + 0.5) * stride, (float64(sy) + 0.5) * stride, 1})
		for k, d := range depths {
			z := float64(ray[2]*d) + p.Shift[2]
			u, v := (float64(ray[0]*d)+p.Shift[0])/z, (float64(ray[1]*d)+p.Shift[1])/z
			if !p.sees(u, v, z) {
				continue
			}
			t := &taps[n]
			t.Point, t.Pixel = int32(i*len(depths)+k), int32((sy*p.Map.Width+sx)*p.Channels)
			p.bilinear(t, u/stride, v/stride)
			n++
		}
	}
	return n
}

// MinDepth is the depth in a previous camera beyond which a point is in front
// of it, metres.
const MinDepth = 1e-5

// sees reports whether the network pixel (u, v) at depth z is in front of the
// camera and inside its image; what is not finite is not.
func (p *Projection) sees(u, v, z float64) bool {
	return z > MinDepth && u > 0 && u < float64(p.Image.Width) && v > 0 && v < float64(p.Image.Height)
}

// bilinear places the four descriptors around (u, v), which is inside the map:
// there pixel i covers [i, i+1) and has its centre at i + 1/2 (align_corners
// false).
func (p *Projection) bilinear(t *Tap, u, v float64) {
	x, wx := neighbours(u, p.Map.Width)
	y, wy := neighbours(v, p.Map.Height)
	for i := range 4 {
		t.Offset[i] = int32((y[i>>1]*p.Map.Width + x[i&1]) * p.Channels)
		t.Weight[i] = wx[i&1] * wy[i>>1]
	}
}

// neighbours returns the two of n pixels whose centres enclose u, and their
// weights. A neighbour beyond the border has weight zero and the other's index.
func neighbours(u float64, n int) (index [2]int, weight [2]float32) {
	g := u + 0.5
	i := int(g)
	f := float32(g - float64(i))
	index, weight = [2]int{i - 1, i}, [2]float32{1 - f, f}
	if i == 0 {
		index[0], weight[0] = 0, 0
	}
	if i == n {
		index[1], weight[1] = n-1, 0
	}
	return index, weight
}

func correlateGeneric(sums, cur, prev []float32, taps []Tap, channels, groups int) {
	width := channels / groups
	for i := range taps {
		t := &taps[i]
		c := cur[t.Pixel:][:channels]
		p0 := prev[t.Offset[0]:][:channels]
		p1 := prev[t.Offset[1]:][:channels]
		p2 := prev[t.Offset[2]:][:channels]
		p3 := prev[t.Offset[3]:][:channels]
		w0, w1, w2, w3 := t.Weight[0], t.Weight[1], t.Weight[2], t.Weight[3]
		out := sums[int(t.Point)*groups:][:groups]
		for g := range out {
			var s float32
			for j := g * width; j < (g+1)*width; j++ {
				f := float32(float32(w0*p0[j])+float32(w1*p1[j])) + float32(float32(w2*p2[j])+float32(w3*p3[j]))
				s += float32(c[j] * f)
			}
			out[g] += s
		}
	}
}

func similarityGeneric(dst, x []float32, n *Network) {
	var h [Hidden0]float32
	var k [Hidden1]float32
	g := n.Groups
	for i := range dst {
		denseRelu(h[:], n.Weight0, n.Bias0, x[i*g:][:g])
		denseRelu(k[:], n.Weight1, n.Bias1, h[:])
		dst[i] = f32.Dot(n.Weight2, k[:]) + n.Bias2
	}
}

// denseRelu computes y = relu(w x + b).
func denseRelu(y, w, b, x []float32) {
	for i := range y {
		y[i] = max(f32.Dot(w[i*len(x):][:len(x)], x)+b[i], 0)
	}
}

// spreadGeneric leaves what lies outside the samples alone.
func spreadGeneric(dst []float32, samples []int32, logits []float32) {
	last := len(samples) - 1
	for k := range last {
		from, to := samples[k], samples[k+1]
		slope := (logits[k+1] - logits[k]) / float32(to-from)
		for b := from; b < to; b++ {
			dst[b] += logits[k] + float32(slope*float32(b-from))
		}
	}
	dst[samples[last]] += logits[last]
}

func softmaxGeneric(dst, x []float32) {
	m := float32(math.Inf(-1))
	for _, v := range x {
		m = max(m, v)
	}
	var sum float32
	for i, v := range x {
		e := float32(math.Exp(float64(v - m)))
		dst[i] = e
		sum += e
	}
	for i := range dst {
		dst[i] /= sum
	}
}
