package kernel

import "fmt"

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
func Suppress(logits, penalty []float32) int {
	if len(logits) != len(penalty) {
		panic(fmt.Sprintf("stereo: %d penalties for %d logits", len(penalty), len(logits)))
	}
	return suppressGeneric(logits, penalty)
}

// Correlate adds the correlations of taps to sums.
func Correlate(sums, cur, prev []float32, taps []Tap, channels, groups int) {
	if groups <= 0 || channels%groups != 0 {
		panic(fmt.Sprintf("stereo: %d channels in %d groups", channels, groups))
	}
	correlateGeneric(sums, cur, prev, taps, channels, groups)
}

// Similarity writes the logits of len(dst) points with their groups'
// correlations in x.
func Similarity(dst, x []float32, n *Network) {
	if len(x) != len(dst)*n.Groups {
		panic(fmt.Sprintf("stereo: %d correlations for %d points of %d groups", len(x), len(dst), n.Groups))
	}
	similarityGeneric(dst, x, n)
}

// Softmax writes the probabilities of logits x to dst.
func Softmax(dst, x []float32) {
	if len(dst) != len(x) {
		panic(fmt.Sprintf("stereo: %d probabilities for %d logits", len(dst), len(x)))
	}
	softmaxGeneric(dst, x)
}
