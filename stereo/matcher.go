package stereo

import (
	"fmt"
	"math"

	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/stereo/internal/kernel"
	"github.com/solofusion/solofusion/tensor"
)

// Matcher holds the model's numbers and the buffers of a frame. It serves any
// number of rigs, one Step at a time.
type Matcher struct {
	cfg       Config
	net       *kernel.Network
	kernel    kernel.Kernels
	kernels   isa.Set
	with      compute.Resources
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
	depths []float64 // K, of a coarse pixel's samples
	taps   []kernel.Tap
	sums   []float32 // points of a block x G
	count  []float32 // previous cameras that see each point
	scores []float32 // of each point
}

// New returns a matcher, or an error that names the number that is out of range.
// The weights are kept, not copied.
func New(cfg Config, w Weights, with compute.Resources) (*Matcher, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	net, err := w.network(cfg.Groups)
	if err != nil {
		return nil, err
	}
	m := &Matcher{cfg: cfg, net: net, with: with, penalties: penalties(cfg.Depth.Count, cfg.Sigma)}
	m.kernel, m.kernels = kernel.Table.Take(with.Kernels)
	m.part = m.row
	var score [1]float32
	m.kernel.Similarity(score[:], make([]float32, cfg.Groups), net)
	m.unmatched = score[0]
	return m, nil
}

// Kernels returns the kernel set that the matcher runs.
func (m *Matcher) Kernels() isa.Set { return m.kernels }

// Frame is the current frame. Indices are of the past's frames, newest first.
type Frame struct {
	Views  []View // one for each camera with an image; read during Step
	Before int    // that it is matched against, or Itself
	Keep   []int  // that stay in the past, ascending
}

// Itself is the [Frame.Before] of a frame without an earlier one.
const Itself = -1

// Step fuses mono, the monocular logits [N, h, w, D], with what matching the
// current frame's N views against those of an earlier one finds, and writes the
// distribution over bins to depth, of the same shape; depth may be mono itself. The
// earlier views need not be of the same cameras. The current ones then become the
// newest of the past, copied. It panics if shapes or indices disagree.
func (m *Matcher) Step(past *Past, f Frame, mono, depth *tensor.F32) {
	n, c := len(f.Views), &m.cfg
	mono.MustShape("monocular logits", n, c.Coarse.Height, c.Coarse.Width, c.Depth.Count)
	depth.MustShape("depth", n, c.Coarse.Height, c.Coarse.Width, c.Depth.Count)
	m.current, m.previous, m.mono, m.depth = f.Views, past.before(f), mono, depth
	m.mustFeatures("current", m.current)
	m.mustFeatures("previous", m.previous)
	m.reserve(n)
	for i := range f.Views {
		m.findPairs(i)
	}
	m.with.Run(n*c.Coarse.Height, m.part)
	m.current, m.previous, m.mono, m.depth = nil, nil, nil, nil
	past.take(f)
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
			left:   make([]float32, c.Depth.Count),
			depths: make([]float64, c.Samples),
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
	near, far := c.Depth.Center(0), c.Depth.Center(c.Depth.Count-1)
	m.pairs[i] = m.pairs[i][:0]
	for j := range m.previous {
		p := c.newPair(&m.current[i], &m.previous[j], j)
		if !p.misses(0, 0, w, h, near, far) {
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
		mono := m.mono.Data[pixel*c.Depth.Count:][:c.Depth.Count]
		m.pick(samples, mono, b.left)
		m.match(logits, samples, camera, x, y, b)
		fused := m.depth.Data[pixel*c.Depth.Count:][:c.Depth.Count]
		copy(fused, mono)
		m.kernel.Spread(fused, samples, logits)
		m.kernel.Softmax(fused, fused)
	}
}

// pick writes the K bins to test, ascending. The model takes them from the log
// softmax of the logits, which is the logits moved by a constant.
func (m *Matcher) pick(samples []int32, logits, left []float32) {
	copy(left, logits)
	best, bins := argmax(left), m.cfg.Depth.Count
	samples[0] = int32(best)
	for k := 1; k < len(samples); k++ {
		best = m.kernel.Suppress(left, m.penalties[bins-1-best:][:bins])
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
	m.kernel.Similarity(b.scores, b.sums, m.net)
	blockMean(logits, b.scores)
}

// correlate leaves the block's correlations in b.sums, averaged over the
// previous cameras, and reports whether any of these sees any of its points.
func (m *Matcher) correlate(samples []int32, camera, x, y int, b *rowBuffers) bool {
	clear(b.sums)
	clear(b.count)
	for k, bin := range samples {
		b.depths[k] = m.cfg.Depth.Center(int(bin))
	}
	seen := false
	for i := range m.pairs[camera] {
		p := &m.pairs[camera][i]
		if m.blockMisses(p, b.depths, x, y) {
			continue
		}
		taps := b.taps[:m.kernel.Project(b.taps, &p.Projection, x, y, b.depths)]
		for i := range taps {
			b.count[taps[i].Point]++
		}
		m.kernel.Correlate(b.sums, m.current[camera].Features, m.previous[p.prev].Features, taps, m.cfg.Channels, m.cfg.Groups)
		seen = seen || len(taps) > 0
	}
	average(b.sums, b.count, m.cfg.Groups)
	return seen
}

func (m *Matcher) blockMisses(p *pair, depths []float64, x, y int) bool {
	c := &m.cfg
	side := float64(c.block() * c.stride())
	x0, y0 := float64(x)*side, float64(y)*side
	return p.misses(x0, y0, x0+side, y0+side, depths[0], depths[len(depths)-1])
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
	dst.MustShape("stereo logits", len(m.samples)/(c.Coarse.Height*c.Coarse.Width*c.Samples), c.Coarse.Height, c.Coarse.Width, c.Depth.Count)
	clear(dst.Data)
	for i := range len(m.samples) / c.Samples {
		at := i * c.Samples
		m.kernel.Spread(dst.Data[i*c.Depth.Count:][:c.Depth.Count], m.samples[at:][:c.Samples], m.logits[at:][:c.Samples])
	}
}
