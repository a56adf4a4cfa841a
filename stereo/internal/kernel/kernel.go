package kernel

import (
	"fmt"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/isa"
)

// Kernels are one implementation of each loop. Lengths are checked here, once
// for all implementations.
type Kernels struct {
	suppress   func(logits, penalty []float32) int
	project    func(taps []Tap, p *Projection, x, y int, depths []float64) int
	correlate  func(sums, cur, prev []float32, taps []Tap, channels, groups int)
	similarity func(dst, x []float32, n *Network)
	spread     func(dst []float32, samples []int32, logits []float32)
	softmax    func(dst, x []float32)
}

// Table is what this build has.
var Table = isa.Table[Kernels]{
	isa.Generic: {
		suppress:   suppressGeneric,
		project:    projectGeneric,
		correlate:  correlateGeneric,
		similarity: similarityGeneric,
		spread:     spreadGeneric,
		softmax:    softmaxGeneric,
	},
}

// Projection maps the points of a current camera into a previous one: the
// homogeneous network pixel there of (x, y) here at depth d is
// Ray·(x, y, 1)·d + Shift, and its third component the depth there.
type Projection struct {
	Ray   geom.Mat3
	Shift geom.Vec3

	Image    geom.Size // of both cameras, network pixels
	Map      geom.Size // of the descriptors
	Stride   int       // network pixels to a descriptor
	Block    int       // descriptors to the side of a coarse pixel
	Channels int       // of a descriptor
}

// Tap is where a point falls in a previous camera's features.
type Tap struct {
	Point  int32      // whose sums it adds to
	Pixel  int32      // first element of the current descriptor
	Offset [4]int32   // first elements of the four descriptors around it
	Weight [4]float32 // their bilinear weights, zero outside the map
}

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
}

// Suppress adds penalty to logits and returns the index of the largest.
func (k *Kernels) Suppress(logits, penalty []float32) int {
	if len(logits) != len(penalty) {
		panic(fmt.Sprintf("stereo: %d penalties for %d logits", len(penalty), len(logits)))
	}
	return k.suppress(logits, penalty)
}

// Project writes the taps of the points of coarse pixel (x, y) at the depths
// that the previous camera sees, and returns their number.
func (k *Kernels) Project(taps []Tap, p *Projection, x, y int, depths []float64) int {
	if points := p.Block * p.Block * len(depths); len(taps) < points {
		panic(fmt.Sprintf("stereo: room for %d taps of %d points", len(taps), points))
	}
	return k.project(taps, p, x, y, depths)
}

// Correlate adds the correlations of taps to sums.
func (k *Kernels) Correlate(sums, cur, prev []float32, taps []Tap, channels, groups int) {
	if groups <= 0 || channels%groups != 0 {
		panic(fmt.Sprintf("stereo: %d channels in %d groups", channels, groups))
	}
	k.correlate(sums, cur, prev, taps, channels, groups)
}

// Similarity writes the logits of len(dst) points with their groups'
// correlations in x.
func (k *Kernels) Similarity(dst, x []float32, n *Network) {
	if len(x) != len(dst)*n.Groups {
		panic(fmt.Sprintf("stereo: %d correlations for %d points of %d groups", len(x), len(dst), n.Groups))
	}
	k.similarity(dst, x, n)
}

// Spread adds the logits of ascending samples, and what lies between them, to
// dst.
func (k *Kernels) Spread(dst []float32, samples []int32, logits []float32) {
	if len(samples) != len(logits) || len(samples) == 0 || int(samples[len(samples)-1]) >= len(dst) {
		panic(fmt.Sprintf("stereo: %d logits at bins %v of %d", len(logits), samples, len(dst)))
	}
	k.spread(dst, samples, logits)
}

// Softmax writes the probabilities of logits x to dst.
func (k *Kernels) Softmax(dst, x []float32) {
	if len(dst) != len(x) {
		panic(fmt.Sprintf("stereo: %d probabilities for %d logits", len(dst), len(x)))
	}
	k.softmax(dst, x)
}
