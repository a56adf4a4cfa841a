package kernel

import "math"

// Levels are the network's values of a byte, for R, G and B.
type Levels struct {
	Value [3][256]float32

	mean          [3]float32
	inverse, rest [3]float32 // whose sum is 1/std to 48 bits
	exact         bool       // computing a value gives Value to the bit
}

// The sum of these is 1/255 to 48 bits.
const (
	inverse255 = float32(1. / 255)
	rest255    = float32(1./255 - float64(inverse255))
)

// NewLevels returns (v/255 - mean) / std for each byte v, in float32.
func (k *Kernels) NewLevels(mean, std [3]float32) *Levels {
	l := &Levels{mean: mean}
	for c := range l.Value {
		l.inverse[c] = 1 / std[c]
		l.rest[c] = float32(1/float64(std[c]) - float64(l.inverse[c]))
		for v := range l.Value[c] {
			l.Value[c][v] = (float32(v)/255 - mean[c]) / std[c]
		}
	}
	l.exact = k.computes(*l)
	return l
}

// computes reports whether normalising gives the values of all bytes if it computes
// them.
func (k *Kernels) computes(l Levels) bool {
	var bgr [3 * 256]uint8
	for i := range bgr {
		bgr[i] = uint8(i / 3)
	}
	var got [3][256]float32
	l.exact = true
	k.normalise(got[0][:], got[1][:], got[2][:], bgr[:], &l)
	for c := range got {
		for v, x := range got[c] {
			if math.Float32bits(x) != math.Float32bits(l.Value[c][v]) {
				return false
			}
		}
	}
	return true
}
