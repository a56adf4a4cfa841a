package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"sync"
)

// Encodings keep what the image encoder made of images. A detector that has them does
// not encode an image again that it was given before, of the same camera in the same
// place: an experiment shows it the same drive many times, each time with other images
// missing. They grow without a limit, half a megabyte for each image of the default
// bundle, and are for detectors of one bundle. The zero value is ready; several
// detectors may share it.
type Encodings struct {
	lock sync.Mutex
	rows map[[sha256.Size]byte]map[string][]float32 // the encoder's outputs, by its inputs
}

// recall fills in the first n rows of the encoder's outputs, and reports whether all
// were known.
func (k *Encodings) recall(e *encoder, n int) bool {
	if k == nil {
		return false
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	for i := range n {
		known := k.rows[e.identity(i)]
		if known == nil {
			return false
		}
		for name, values := range known {
			copy(row(e.outputs[name], i), values)
		}
	}
	return true
}

// keep takes in the first n rows of the encoder's outputs.
func (k *Encodings) keep(e *encoder, n int) {
	if k == nil {
		return
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	if k.rows == nil {
		k.rows = map[[sha256.Size]byte]map[string][]float32{}
	}
	for i := range n {
		made := map[string][]float32{}
		for name, t := range e.outputs {
			made[name] = append([]float32(nil), row(t, i)...)
		}
		k.rows[e.identity(i)] = made
	}
}

// identity is the digest of all that the encoder is given in a row.
func (e *encoder) identity(i int) [sha256.Size]byte {
	var b []byte
	for _, input := range []string{"images", "cameras"} {
		for _, x := range row(e.inputs[input], i) {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
	}
	return sha256.Sum256(b)
}
