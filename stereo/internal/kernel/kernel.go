package kernel

import (
	"fmt"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/isa"
)

// Kernels are one implementation of each loop. Lengths are checked here, once
// for all implementations.
type Kernels struct {
	interleave func(dst, src []float32, channels, groups int)
	pick       func(samples []int32, logits, left, penalties []float32)
	project    func(t *Taps, p *Projection, x, y int, depths []float64)
	correlate  func(sums, cur, prev []float32, t *Taps, groups int)
	similarity func(dst, x []float32, n *Network)
	spread     func(dst, x []float32, samples []int32, logits []float32)
	softmax    func(dst, x []float32)
}

var generic = Kernels{
	interleave: interleaveGeneric,
	pick:       pickGeneric,
	project:    projectGeneric,
	correlate:  correlateGeneric,
	similarity: similarityGeneric,
	spread:     spreadGeneric,
	softmax:    softmaxGeneric,
}

// Table is what this build has.
var Table = isa.NewTable(generic, portable, avx512)

// Grid is the layout of a camera's descriptors.
type Grid struct {
	Map      geom.Size
	Block    int // descriptors to the side of a coarse pixel
	Channels int
}

// Projection maps the points of a current camera into a previous one: the
// homogeneous descriptor there of (x, y) here at depth d is
// Ray·(x, y, 1)·d + Shift, and its third component the depth there. Descriptor i
// covers [i, i+1).
type Projection struct {
	Ray   geom.Mat3
	Shift geom.Vec3
}

// Taps are where the points of a coarse pixel fall in a previous camera's
// descriptors: for each sample a number of batches, one for each 16 pixels of the block.
// What Offset and Weight have for a point that is not seen is open; weights are finite.
type Taps struct {
	Grid
	First        int                 // element of the current descriptors: that of the coarse pixel
	Seen         []uint16            // of each batch, a bit for each point
	Offset       [][lanes]int32      // first element of the first of the four descriptors around it
	Weight       [][4][lanes]float32 // of that one, the one to its right, the one below, the one right of that
	Right, Below int                 // elements from a descriptor to the one beside it and the one below

	column, row []float64    // of the pixels of a block, their centres in it
	own         []int32      // of the pixels of a block, their elements after the first
	ray         [3][]float64 // of the pixels of the block under way
	products    []float32    // of the channels of the point under way
}

// lanes are the points of a batch.
const lanes = 16

// NewTaps returns room for the taps of a coarse pixel with that many samples.
func NewTaps(g Grid, samples int) *Taps {
	pixels := g.Block * g.Block
	padded := (pixels + lanes - 1) / lanes * lanes
	batches := samples * padded / lanes
	t := &Taps{
		Grid: g,
		Seen: make([]uint16, batches), Offset: make([][lanes]int32, batches), Weight: make([][4][lanes]float32, batches),
		Right: min(1, g.Map.Width-1) * g.Channels, Below: min(1, g.Map.Height-1) * g.Map.Width * g.Channels,
		column: make([]float64, padded), row: make([]float64, padded), own: make([]int32, padded),
		products: make([]float32, g.Channels),
	}
	for i := range t.ray {
		t.ray[i] = make([]float64, padded)
	}
	for i := range pixels {
		x, y := i%g.Block, i/g.Block
		t.column[i], t.row[i] = float64(x)+0.5, float64(y)+0.5
		t.own[i] = int32((y*g.Map.Width + x) * g.Channels)
	}
	return t
}

// Any reports whether any point is seen.
func (t *Taps) Any() bool {
	for _, seen := range t.Seen {
		if seen != 0 {
			return true
		}
	}
	return false
}

// Point returns the number of the first point of a batch, and of its pixel in the block.
func (t *Taps) Point(batch int) (point, pixel int) {
	pixels, each := t.Block*t.Block, len(t.own)/lanes
	pixel = batch % each * lanes
	return batch/each*pixels + pixel, pixel
}

// place leaves the first element of coarse pixel (x, y).
func (t *Taps) place(x, y int) { t.First = (y*t.Map.Width + x) * t.Block * t.Channels }

// Layer sizes of the similarity network after its G inputs.
const (
	Hidden0 = 16
	Hidden1 = 8
)

// Network is the similarity network, batch norms folded; matrices are row
// major, [out][in].
type Network struct {
	Groups         int
	Weight0, Bias0 []float32 // Hidden0 x Groups
	Weight1, Bias1 []float32 // Hidden1 x Hidden0
	Weight2        []float32 // 1 x Hidden1
	Bias2          float32

	wide [][lanes]float32 // each number as often as points are in a vector, in the order of their use
}

// NewNetwork returns a network of so many groups with these numbers.
func NewNetwork(groups int, weight0, bias0, weight1, bias1, weight2 []float32, bias2 float32) *Network {
	n := &Network{
		Groups: groups, Weight0: weight0, Bias0: bias0, Weight1: weight1, Bias1: bias1, Weight2: weight2, Bias2: bias2,
	}
	n.repeat(bias1...)
	for o, bias := range bias0 {
		n.repeat(bias)
		n.repeat(weight0[o*groups:][:groups]...)
		for k := range bias1 {
			n.repeat(weight1[k*Hidden0+o])
		}
	}
	n.repeat(bias2)
	n.repeat(weight2...)
	return n
}

func (n *Network) repeat(numbers ...float32) {
	for _, v := range numbers {
		var row [lanes]float32
		for i := range row {
			row[i] = v
		}
		n.wide = append(n.wide, row)
	}
}

// Interleave copies descriptors of so many channels to dst, their groups
// interleaved.
func (k *Kernels) Interleave(dst, src []float32, channels, groups int) {
	mustGroups(channels, groups)
	if len(dst) != len(src) || len(src)%channels != 0 {
		panic(fmt.Sprintf("stereo: %d numbers of descriptors with %d channels for %d", len(src), channels, len(dst)))
	}
	k.interleave(dst, src, channels, groups)
}

// Pick writes the most promising bins of each pixel to its samples, ascending: as many
// as there is room for. left has room for a pixel's logits, penalties those at all
// distances of bins.
func (k *Kernels) Pick(samples []int32, logits, left, penalties []float32) {
	bins := len(left)
	if bins == 0 || len(logits)%bins != 0 || len(penalties) != 2*bins-1 {
		panic(fmt.Sprintf("stereo: %d penalties for %d logits of %d bins", len(penalties), len(logits), bins))
	}
	if pixels := len(logits) / bins; pixels > 0 && (len(samples) == 0 || len(samples)%pixels != 0) {
		panic(fmt.Sprintf("stereo: %d samples of %d pixels", len(samples), pixels))
	}
	for each := len(samples) / max(len(logits)/bins, 1); len(logits) > 0; logits, samples = logits[bins:], samples[each:] {
		k.pick(samples[:each], logits[:bins], left, penalties)
	}
}

// Project finds the taps of the points of coarse pixel (x, y) at the depths
// that the previous camera sees: as many depths as there is room for.
func (k *Kernels) Project(t *Taps, p *Projection, x, y int, depths []float64) {
	if len(depths)*len(t.own) != len(t.Seen)*lanes {
		panic(fmt.Sprintf("stereo: %d depths for taps of %d", len(depths), len(t.Seen)*lanes/len(t.own)))
	}
	k.project(t, p, x, y, depths)
}

// Correlate adds the correlations of taps to sums.
func (k *Kernels) Correlate(sums, cur, prev []float32, t *Taps, groups int) {
	mustGroups(t.Channels, groups)
	points := len(t.Seen) * lanes / len(t.own) * t.Block * t.Block
	if size := t.Map.Pixels() * t.Channels; len(sums) != points*groups || len(cur) != size || len(prev) != size {
		panic(fmt.Sprintf("stereo: %d sums of %d points, of maps with %d and %d numbers for %d", len(sums), points, len(cur), len(prev), size))
	}
	k.correlate(sums, cur, prev, t, groups)
}

func mustGroups(channels, groups int) {
	if groups <= 0 || channels%groups != 0 {
		panic(fmt.Sprintf("stereo: %d channels in %d groups", channels, groups))
	}
}

// Similarity writes the logits of len(dst) points with their groups'
// correlations in x.
func (k *Kernels) Similarity(dst, x []float32, n *Network) {
	if len(x) != len(dst)*n.Groups {
		panic(fmt.Sprintf("stereo: %d correlations for %d points of %d groups", len(x), len(dst), n.Groups))
	}
	k.similarity(dst, x, n)
}

// Spread writes x and the logits of ascending samples, with what lies between
// them, to dst.
func (k *Kernels) Spread(dst, x []float32, samples []int32, logits []float32) {
	if len(samples) != len(logits) || len(samples) == 0 || int(samples[len(samples)-1]) >= len(dst) || len(dst) != len(x) {
		panic(fmt.Sprintf("stereo: %d logits at bins %v of %d, to %d", len(logits), samples, len(x), len(dst)))
	}
	k.spread(dst, x, samples, logits)
}

// Softmax writes the probabilities of logits x to dst.
func (k *Kernels) Softmax(dst, x []float32) {
	if len(dst) != len(x) {
		panic(fmt.Sprintf("stereo: %d probabilities for %d logits", len(dst), len(x)))
	}
	k.softmax(dst, x)
}
