package history

import (
	"fmt"

	"github.com/solofusion/solofusion/history/internal/kernel"
)

// Storage selects how a ring keeps planes. In recursive mode they are rounded anew at
// every frame, in direct mode once.
type Storage int

const (
	Float32  Storage = iota // as they are
	BFloat16                // in half the memory, to 8 bits of precision
	Int8                    // in a quarter, with a scale for each channel of each plane
)

var storages = [...]string{Float32: "float32", BFloat16: "bfloat16", Int8: "int8"}

// String returns the storage's name.
func (s Storage) String() string { return storages[s] }

// Bytes returns how many a value takes.
func (s Storage) Bytes() int { return [...]int{Float32: 4, BFloat16: 2, Int8: 1}[s] }

// ParseStorage returns the storage of that name.
func ParseStorage(name string) (Storage, error) {
	for i, n := range storages {
		if n == name {
			return Storage(i), nil
		}
	}
	return 0, fmt.Errorf("history: storage %q, want float32, bfloat16 or int8", name)
}

// cells are the values of a plane, Y X C, as they are stored.
type cells struct {
	f32   []float32
	bf16  []uint16
	int8  []int8
	scale []float32 // C, of int8
}

// room returns cells for a plane of that many values.
func (s Storage) room(size, channels int) (c cells) {
	switch s {
	case BFloat16:
		c.bf16 = make([]uint16, size)
	case Int8:
		c.int8, c.scale = make([]int8, size), make([]float32, channels)
	default:
		c.f32 = make([]float32, size)
	}
	return c
}

// arrays returns what is saved of the cells.
func (c *cells) arrays() []any { return []any{c.f32, c.bf16, c.int8, c.scale} }

// levels is how many steps int8 has on each side of zero.
const levels = 127

// packer turns rows of float32 into cells.
type packer struct {
	to      cells
	inverse []float32   // C, of the scale of int8
	most    [][]float32 // for each block of rows the largest magnitude of each channel
}

// newPacker returns a packer for planes of that many blocks of rows.
func newPacker(channels, blocks int) packer {
	p := packer{inverse: make([]float32, channels), most: make([][]float32, blocks)}
	for i := range p.most {
		p.most[i] = make([]float32, channels)
	}
	return p
}

// fit sets the scale by the largest magnitudes of all blocks.
func (p *packer) fit() {
	for c := range p.to.scale {
		most := float32(0)
		for _, block := range p.most {
			most = max(most, block[c])
		}
		p.to.scale[c] = most / levels
	}
	p.invert()
}

// like takes over the scale of other cells: what is resampled is never larger.
func (p *packer) like(other *cells) {
	copy(p.to.scale, other.scale)
	p.invert()
}

func (p *packer) invert() {
	for c, s := range p.to.scale {
		p.inverse[c] = 0
		if s > 0 {
			p.inverse[c] = 1 / s
		}
	}
}

// pack writes the values that begin with number at.
func (p *packer) pack(k *kernel.Kernels, at int, row []float32) {
	switch {
	case p.to.bf16 != nil:
		k.PackBF16(p.to.bf16[at:][:len(row)], row)
	case p.to.int8 != nil:
		k.PackInt8(p.to.int8[at:][:len(row)], row, p.inverse)
	}
}
