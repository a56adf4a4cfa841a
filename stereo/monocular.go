package stereo

import (
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/stereo/internal/kernel"
	"github.com/solofusion/solofusion/tensor"
)

// Monocular is the depth of a model without stereo.
type Monocular struct {
	kernel  kernel.Kernels
	kernels isa.Set
}

// NewMonocular returns it.
func NewMonocular(with compute.Resources) *Monocular {
	m := &Monocular{}
	m.kernel, m.kernels = kernel.Table.Take(with.Kernels)
	return m
}

// Kernels returns the kernel set that it runs.
func (m *Monocular) Kernels() isa.Set { return m.kernels }

// Step writes the distributions over bins of the monocular logits mono
// [N, h, w, D] to depth, of the same shape. It panics if shapes disagree.
func (m *Monocular) Step(mono, depth *tensor.F32) {
	depth.MustShape("depth", mono.Shape...)
	bins := mono.Shape[len(mono.Shape)-1]
	for i := 0; i < len(mono.Data); i += bins {
		m.kernel.Softmax(depth.Data[i:][:bins], mono.Data[i:][:bins])
	}
}
