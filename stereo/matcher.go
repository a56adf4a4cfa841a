package stereo

import (
	"fmt"
	"math"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/stereo/internal/kernel"
	"github.com/solofusion/solofusion/tensor"
)

// Matcher holds the model's numbers and the buffers of a frame. One Step at a
// time.
type Matcher struct {
	cfg       Config
	net       *kernel.Network
	pool      *parallel.Pool
	penalties []float32
	unmatched float32 // the network's logit for points that no previous camera saw

	samples []int32   // N h w K, ascending bins
	logits  []float32 // N h w K, of the samples
	pairs   [][]pair  // for each current camera, the previous ones that it may meet
	rows    []rowBuffers

	current, previous []View // of the Step under way
	mono, depth       *tensor.F32
	part              func(row int)
}

// rowBuffers are one coarse row's own.
type rowBuffers struct {
	left   []float32 // D, what is left of the logits while picking
	taps   []kernel.Tap
	sums   []float32 // points of a block x G
	count  []float32 // previous cameras that see each point
	scores []float32 // of each point
}

// New returns a matcher, or an error that says which number cannot be. The
// weights are kept, not copied. pool may be nil.
func New(cfg Config, w Weights, pool *parallel.Pool) (*Matcher, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	net, err := w.network(cfg.Groups)
	if err != nil {
		return nil, err
	}
	m := &Matcher{cfg: cfg, net: net, pool: pool, penalties: penalties(cfg.Bins, cfg.Sigma)}
	m.part = m.row
	var score [1]float32
	kernel.Similarity(score[:], make([]float32, cfg.Groups), net)
	m.unmatched = score[0]
	return m, nil
}

// Step fuses mono, the monocular logits [N, h, w, D], with what matching the
// N current views against the previous ones says, and writes the distribution
// over bins to depth, of the same shape; depth may be mono itself. The views
// hold one entry for each camera with an image; previous ones need not be of
// the same cameras. It panics where shapes disagree.
func (m *Matcher) Step(current, previous []View, mono, depth *tensor.F32) {
	n, c := len(current), &m.cfg
	mono.MustShape("monocular logits", n, c.Coarse.Height, c.Coarse.Width, c.Bins)
	depth.MustShape("depth", n, c.Coarse.Height, c.Coarse.Width, c.Bins)
	m.mustFeatures("current", current)
	m.mustFeatures("previous", previous)
	m.reserve(n)
	m.current, m.previous, m.mono, m.depth = current, previous, mono, depth
	for i := range current {
		m.findPairs(i)
	}
	m.pool.Run(n*c.Coarse.Height, m.part)
	m.current, m.previous, m.mono, m.depth = nil, nil, nil, nil
}

// Monocular writes the distributions over bins of the monocular logits mono
// [N, h, w, D] to depth, of the same shape: the depth of a model without stereo.
// It panics where shapes disagree.
func Monocular(mono, depth *tensor.F32) {
	depth.MustShape("depth", mono.Shape...)
	bins := mono.Shape[len(mono.Shape)-1]
	for i := 0; i < len(mono.Data); i += bins {
		kernel.Softmax(depth.Data[i:][:bins], mono.Data[i:][:bins])
	}
}

func (m *Matcher) mustFeatures(which string, views []View) {
	want := m.cfg.Stereo.Width * m.cfg.Stereo.Height * m.cfg.Channels
	for i := range views {
		if n := len(views[i].Features); n != want {
			panic(fmt.Sprintf("stereo: %s view %d has %d feature numbers, want %d", which, i, n, want))
		}
	}
}

// reserve makes the buffers fit n cameras.
func (m *Matcher) reserve(n int) {
	c := &m.cfg
	size := n * c.Coarse.Height * c.Coarse.Width * c.Samples
	if cap(m.samples) < size {
		m.samples, m.logits = make([]int32, size), make([]float32, size)
	}
	m.samples, m.logits = m.samples[:size], m.logits[:size]
	for len(m.pairs) < n {
		m.pairs = append(m.pairs, nil)
	}
	points := c.block() * c.block() * c.Samples
	for len(m.rows) < n*c.Coarse.Height {
		m.rows = append(m.rows, rowBuffers{
			left:   make([]float32, c.Bins),
			taps:   make([]kernel.Tap, points),
			sums:   make([]float32, points*c.Groups),
			count:  make([]float32, points),
			scores: make([]float32, points),
		})
	}
}

// findPairs keeps the previous cameras that see any point of current view i.
func (m *Matcher) findPairs(i int) {
	c := &m.cfg
	w, h := float64(c.Image.Width), float64(c.Image.Height)
	near, far := c.depth(0), c.depth(int32(c.Bins-1))
	m.pairs[i] = m.pairs[i][:0]
	for j := range m.previous {
		p := newPair(&m.current[i], &m.previous[j], j)
		if !p.misses(0, 0, w, h, near, far, c.Image) {
			m.pairs[i] = append(m.pairs[i], p)
		}
	}
}

// row fuses one coarse row of one camera.
func (m *Matcher) row(index int) {
	c, b := &m.cfg, &m.rows[index]
	camera, y := index/c.Coarse.Height, index%c.Coarse.Height
	for x := range c.Coarse.Width {
		pixel := index*c.Coarse.Width + x
		samples := m.samples[pixel*c.Samples:][:c.Samples]
		logits := m.logits[pixel*c.Samples:][:c.Samples]
		mono := m.mono.Data[pixel*c.Bins:][:c.Bins]
		m.pick(samples, mono, b.left)
		m.match(logits, samples, camera, x, y, b)
		fused := m.depth.Data[pixel*c.Bins:][:c.Bins]
		copy(fused, mono)
		spread(fused, samples, logits)
		kernel.Softmax(fused, fused)
	}
}

// pick writes the K bins to test, ascending. The model takes them from the log
// softmax of the logits, which is the logits moved by a constant.
func (m *Matcher) pick(samples []int32, logits, left []float32) {
	copy(left, logits)
	best, bins := argmax(left), m.cfg.Bins
	samples[0] = int32(best)
	for k := 1; k < len(samples); k++ {
		best = kernel.Suppress(left, m.penalties[bins-1-best:][:bins])
		i := k
		for ; i > 0 && samples[i-1] > int32(best); i-- {
			samples[i] = samples[i-1]
		}
		samples[i] = int32(best)
	}
}

// argmax returns the first index of the largest element.
func argmax(x []float32) int {
	best, at := float32(math.Inf(-1)), 0
	for i, v := range x {
		if v > best {
			best, at = v, i
		}
	}
	return at
}

// match writes the logits of the samples of coarse pixel (x, y): the mean of
// the similarity over its block of stereo pixels.
func (m *Matcher) match(logits []float32, samples []int32, camera, x, y int, b *rowBuffers) {
	if !m.correlate(samples, camera, x, y, b) {
		for k := range logits {
			logits[k] = m.unmatched
		}
		return
	}
	kernel.Similarity(b.scores, b.sums, m.net)
	blockMean(logits, b.scores)
}

// correlate leaves the block's correlations in b.sums, averaged over the
// previous cameras, and reports whether any of these sees any of its points.
func (m *Matcher) correlate(samples []int32, camera, x, y int, b *rowBuffers) bool {
	clear(b.sums)
	clear(b.count)
	seen := false
	for i := range m.pairs[camera] {
		p := &m.pairs[camera][i]
		if m.blockMisses(p, samples, x, y) {
			continue
		}
		taps := b.taps[:m.project(b.taps, p, samples, x, y)]
		for i := range taps {
			b.count[taps[i].Point]++
		}
		kernel.Correlate(b.sums, m.current[camera].Features, m.previous[p.prev].Features, taps, m.cfg.Channels, m.cfg.Groups)
		seen = seen || len(taps) > 0
	}
	average(b.sums, b.count, m.cfg.Groups)
	return seen
}

func (m *Matcher) blockMisses(p *pair, samples []int32, x, y int) bool {
	c := &m.cfg
	side := float64(c.block() * c.stride())
	x0, y0 := float64(x)*side, float64(y)*side
	return p.misses(x0, y0, x0+side, y0+side, c.depth(samples[0]), c.depth(samples[len(samples)-1]), c.Image)
}

// project writes the taps of the points of coarse pixel (x, y) that fall into
// the pair's previous image and returns their number. Point i·K + k is sample k
// of the block's pixel i.
func (m *Matcher) project(taps []kernel.Tap, p *pair, samples []int32, x, y int) int {
	c := &m.cfg
	block, stride := c.block(), float64(c.stride())
	n := 0
	for i := range block * block {
		sx, sy := x*block+i%block, y*block+i/block
		ray := p.ray.Apply(geom.Vec3{(float64(sx) + 0.5) * stride, (float64(sy) + 0.5) * stride, 1})
		pixel := int32((sy*c.Stereo.Width + sx) * c.Channels)
		for k, bin := range samples {
			d := c.depth(bin)
			z := float64(ray[2]*d) + p.shift[2]
			u, v := (float64(ray[0]*d)+p.shift[0])/z, (float64(ray[1]*d)+p.shift[1])/z
			if !c.visible(u, v, z) {
				continue
			}
			t := &taps[n]
			t.Point, t.Pixel = int32(i*c.Samples+k), pixel
			c.bilinear(t, u/stride, v/stride)
			n++
		}
	}
	return n
}

// visible reports whether the network pixel (u, v) at depth z is in front of
// the camera and inside its image; what is not finite is not.
func (c *Config) visible(u, v, z float64) bool {
	return z > minDepth && u > 0 && u < float64(c.Image.Width) && v > 0 && v < float64(c.Image.Height)
}

// bilinear places the four descriptors around (u, v), which is inside the
// stereo map: there pixel i covers [i, i+1) and has its centre at i + 1/2
// (align_corners false).
func (c *Config) bilinear(t *kernel.Tap, u, v float64) {
	x, wx := neighbours(u, c.Stereo.Width)
	y, wy := neighbours(v, c.Stereo.Height)
	for i := range 4 {
		t.Offset[i] = int32((y[i>>1]*c.Stereo.Width + x[i&1]) * c.Channels)
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

// average divides the sums of each point by the number of cameras that see it.
func average(sums, count []float32, groups int) {
	for p, n := range count {
		if n < 2 {
			continue
		}
		for g := range groups {
			sums[p*groups+g] /= n
		}
	}
}

// blockMean writes the mean score of each sample over the block's pixels.
func blockMean(logits, scores []float32) {
	clear(logits)
	for i, s := range scores {
		logits[i%len(logits)] += s
	}
	pixels := float32(len(scores) / len(logits))
	for k := range logits {
		logits[k] /= pixels
	}
}

// spread adds to dst the samples' logits, interpolated linearly over the bins
// between them; beyond the first and the last there is nothing to add.
func spread(dst []float32, samples []int32, logits []float32) {
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

// Samples returns the bins [N, h, w, K] that the last Step tested, ascending
// for each pixel. They are valid until the next Step.
func (m *Matcher) Samples() *tensor.Dense[int32] {
	c := &m.cfg
	n := len(m.samples) / (c.Coarse.Height * c.Coarse.Width * c.Samples)
	return tensor.From(m.samples, n, c.Coarse.Height, c.Coarse.Width, c.Samples)
}

// SampleLogits returns the logits [N, h, w, K] of the last Step's samples. They
// are valid until the next Step.
func (m *Matcher) SampleLogits() *tensor.F32 {
	return tensor.From(m.logits, m.Samples().Shape...)
}

// Logits writes to dst [N, h, w, D] what the last Step added to the monocular
// logits: those of the samples, spread over the bins.
func (m *Matcher) Logits(dst *tensor.F32) {
	c := &m.cfg
	dst.MustShape("stereo logits", len(m.samples)/(c.Coarse.Height*c.Coarse.Width*c.Samples), c.Coarse.Height, c.Coarse.Width, c.Bins)
	clear(dst.Data)
	for i := range len(m.samples) / c.Samples {
		at := i * c.Samples
		spread(dst.Data[i*c.Bins:][:c.Bins], m.samples[at:][:c.Samples], m.logits[at:][:c.Samples])
	}
}
