package stereo

import (
	"fmt"
	"math/bits"
	"slices"

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
	buffers []buffers // of each band

	views, current, previous []View // of the Step under way: as they came, interleaved, and the earlier ones
	mono, depth              *tensor.F32
	take, match, both        func(band int)
}

// buffers are one band's own. Points are sample by sample, each of them at
// the block's descriptors row by row.
type buffers struct {
	left   []float32 // D, what is left of the logits while picking
	depths []float64 // K, of a coarse pixel's samples
	taps   *kernel.Taps
	sums   []float32 // points of a block x G
	seen   []uint16  // points that the first previous camera sees
	count  []float32 // previous cameras that see each point, if there are several
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
	m.take, m.match, m.both = m.takeBand, m.matchBand, m.takeAndMatchBand
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
	m.mustFeatures("current", f.Views)
	newest := past.room(f.Views)
	m.views, m.current, m.mono, m.depth = f.Views, newest.views, mono, depth
	m.previous = m.current
	if f.Before != Itself {
		m.previous = m.arranged(&past.frames[f.Before])
	}
	newest.interleaved = layout{c.Channels, c.Groups}
	m.reserve(n)
	for i := range m.current {
		m.findPairs(i)
	}
	m.run(n*c.bands(), f.Before == Itself)
	m.views, m.current, m.previous, m.mono, m.depth = nil, nil, nil, nil, nil
	past.keep(f.Keep, newest)
}

// run takes the current views and matches them: row by row, while their descriptors
// are in the cache, or one after the other if they are matched against themselves.
func (m *Matcher) run(bands int, itself bool) {
	if !itself {
		m.with.Run(bands, m.both)
		return
	}
	m.with.Run(bands, m.take)
	m.with.Run(bands, m.match)
}

// bandRows are the coarse rows that one goroutine takes in turn: neighbours mostly meet
// the same rows of the earlier views, which then come into one core's cache only.
const bandRows = 4

// bands is the number of a camera's bands.
func (c *Config) bands() int { return (c.Coarse.Height + bandRows - 1) / bandRows }

// rows returns a band's camera and coarse rows.
func (c *Config) rows(band int) (camera, from, to int) {
	from = band % c.bands() * bandRows
	return band / c.bands(), from, min(from+bandRows, c.Coarse.Height)
}

func (m *Matcher) takeBand(band int) {
	for camera, y, to := m.cfg.rows(band); y < to; y++ {
		m.takeRow(camera, y)
	}
}

func (m *Matcher) matchBand(band int) {
	for camera, y, to := m.cfg.rows(band); y < to; y++ {
		m.matchRow(camera, y, &m.buffers[band])
	}
}

func (m *Matcher) takeAndMatchBand(band int) {
	for camera, y, to := m.cfg.rows(band); y < to; y++ {
		m.takeRow(camera, y)
		m.matchRow(camera, y, &m.buffers[band])
	}
}

// takeRow copies one coarse row's descriptors of a current view, interleaved.
func (m *Matcher) takeRow(camera, y int) {
	c := &m.cfg
	size := c.block() * c.Stereo.Width * c.Channels
	m.kernel.Interleave(m.current[camera].Features[y*size:][:size], m.views[camera].Features[y*size:][:size], c.Channels, c.Groups)
}

// arranged returns the views of an earlier frame, interleaved.
func (m *Matcher) arranged(s *sight) []View {
	m.mustFeatures("previous", s.views)
	if want := (layout{m.cfg.Channels, m.cfg.Groups}); s.interleaved != want {
		m.kernel.Interleave(s.features, slices.Clone(s.natural()), want.channels, want.groups)
		s.interleaved = want
	}
	return s.views
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
	for len(m.buffers) < n*c.bands() {
		m.buffers = append(m.buffers, m.newBuffers())
	}
}

func (m *Matcher) newBuffers() buffers {
	c := &m.cfg
	points := c.block() * c.block() * c.Samples
	taps := kernel.NewTaps(kernel.Grid{Map: c.Stereo, Block: c.block(), Channels: c.Channels}, c.Samples)
	return buffers{
		left:   make([]float32, c.Depth.Count),
		depths: make([]float64, c.Samples),
		taps:   taps,
		seen:   make([]uint16, len(taps.Seen)),
		sums:   make([]float32, points*c.Groups),
		count:  make([]float32, points),
		scores: make([]float32, points),
	}
}

// findPairs keeps the previous cameras that see any point of current view i.
func (m *Matcher) findPairs(i int) {
	c := &m.cfg
	near, far := c.Depth.Center(0), c.Depth.Center(c.Depth.Count-1)
	m.pairs[i] = m.pairs[i][:0]
	for j := range m.previous {
		p := c.newPair(&m.current[i], &m.previous[j], j)
		if whole := c.region(0, 0, c.Stereo.Width, c.Stereo.Height); !p.misses(&whole, near, far) {
			m.pairs[i] = append(m.pairs[i], p)
		}
	}
}

// matchRow fuses one coarse row of one camera.
func (m *Matcher) matchRow(camera, y int, b *buffers) {
	c := &m.cfg
	index, width := camera*c.Coarse.Height+y, c.Coarse.Width
	samples := m.samples[index*width*c.Samples:][:width*c.Samples]
	logits := m.logits[index*width*c.Samples:][:width*c.Samples]
	mono := m.mono.Data[index*width*c.Depth.Count:][:width*c.Depth.Count]
	fused := m.depth.Data[index*width*c.Depth.Count:][:width*c.Depth.Count]
	// The model picks from the log softmax: the logits moved by a constant.
	m.kernel.Pick(samples, mono, b.left, m.penalties)
	for x := range width {
		s, l := samples[x*c.Samples:][:c.Samples], logits[x*c.Samples:][:c.Samples]
		m.score(l, s, camera, x, y, b)
		from, to := x*c.Depth.Count, (x+1)*c.Depth.Count
		m.kernel.Spread(fused[from:to], mono[from:to], s, l)
		m.kernel.Softmax(fused[from:to], fused[from:to])
	}
}

// score writes the logits of the samples of coarse pixel (x, y): the mean of
// the similarity over its block of stereo pixels.
func (m *Matcher) score(logits []float32, samples []int32, camera, x, y int, b *buffers) {
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
// previous cameras, and reports whether any of these sees any of its points;
// b.sums is valid if so.
func (m *Matcher) correlate(samples []int32, camera, x, y int, b *buffers) bool {
	for k, bin := range samples {
		b.depths[k] = m.cfg.Depth.Center(int(bin))
	}
	near, far := b.depths[0], b.depths[len(b.depths)-1]
	block := m.cfg.region(x*m.cfg.block(), y*m.cfg.block(), m.cfg.block(), m.cfg.block())
	cameras := 0
	for i := range m.pairs[camera] {
		p := &m.pairs[camera][i]
		if p.misses(&block, near, far) {
			continue
		}
		m.kernel.Project(b.taps, &p.Projection, x, y, b.depths)
		if !b.taps.Any() {
			continue
		}
		b.see(cameras)
		cameras++
		m.kernel.Correlate(b.sums, m.current[camera].Features, m.previous[p.prev].Features, b.taps, m.cfg.Groups)
	}
	if cameras > 1 {
		average(b.sums, b.count, m.cfg.Groups)
	}
	return cameras > 0
}

// see counts the points that one more camera sees, after so many others. Most blocks are
// seen by one, whose points need no counting.
func (b *buffers) see(others int) {
	switch others {
	case 0:
		clear(b.sums)
		copy(b.seen, b.taps.Seen)
		return
	case 1:
		clear(b.count)
		b.add(b.seen)
	}
	b.add(b.taps.Seen)
}

// add counts points.
func (b *buffers) add(seen []uint16) {
	for batch, s := range seen {
		point, _ := b.taps.Point(batch)
		for ; s != 0; s &= s - 1 {
			b.count[point+bits.TrailingZeros16(s)]++
		}
	}
}

// average divides the sums of each point by the number of cameras that see it, as a
// multiplication.
func average(sums, count []float32, groups int) {
	for p, n := range count {
		if n < 2 {
			continue
		}
		part := 1 / n
		for g := range groups {
			sums[p*groups+g] *= part
		}
	}
}

// blockMean writes the mean score of each sample over the block's pixels.
func blockMean(logits, scores []float32) {
	pixels := len(scores) / len(logits)
	for k := range logits {
		var sum float32
		for _, s := range scores[k*pixels:][:pixels] {
			sum += s
		}
		logits[k] = sum / float32(pixels)
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
		logits := dst.Data[i*c.Depth.Count:][:c.Depth.Count]
		m.kernel.Spread(logits, logits, m.samples[at:][:c.Samples], m.logits[at:][:c.Samples])
	}
}
