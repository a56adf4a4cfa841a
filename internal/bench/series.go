package bench

import (
	"runtime"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/solofusion/solofusion/internal/isa"
)

// WarmUp is the number of frames that are not counted: buffers grow in them.
const WarmUp = 2

// series is what was measured of a stage, a number for each frame.
type series struct {
	name    string
	kernels isa.Set // that it ran; "" if it has none
	cost    *cost   // nil if it is not known
	beside  bool    // no stage of the frame, but a part or a variant of one
	ms      []float64
	allocs  []float64
}

func (s *series) add(ms, allocs float64) {
	s.ms, s.allocs = append(s.ms, ms), append(s.allocs, allocs)
}

// row is the report's line of a stage. What is not known is nil.
type row struct {
	name       string
	MS         float64  `json:"ms"`
	FrameShare *float64 `json:"frame_share,omitempty"` // of the frame's time
	Bytes      *int64   `json:"bytes,omitempty"`
	FLOPs      *int64   `json:"flops,omitempty"`
	Limit      string   `json:"limit,omitempty"` // that binds: Copy or FMA
	Share      *float64 `json:"share,omitempty"` // of that limit
	Allocs     float64  `json:"allocs"`
	Kernels    isa.Set  `json:"kernels,omitempty"`
}

// row returns the medians, in a frame of that many milliseconds.
func (s *series) row(frame float64, limits *Limits) row {
	r := row{name: s.name, MS: median(s.ms), Allocs: median(s.allocs), Kernels: s.kernels}
	if !s.beside {
		share := r.MS / frame
		r.FrameShare = &share
	}
	if s.cost != nil && r.MS > 0 {
		limit, seconds := s.cost.bound(limits)
		share := 1000 * seconds / r.MS
		r.Bytes, r.FLOPs, r.Limit, r.Share = &s.cost.bytes, &s.cost.flops, limit, &share
	}
	return r
}

// bound returns the limit that binds, and the seconds that the cost takes there.
func (c *cost) bound(l *Limits) (limit string, seconds float64) {
	moving, computing := float64(c.bytes)/l.Copy.All, float64(c.flops)/l.FMA.All
	if moving >= computing {
		return Copy, moving
	}
	return FMA, computing
}

// median returns the middle value, the lower of two.
func median(values []float64) float64 {
	return stat.Quantile(0.5, stat.Empirical, slices.Sorted(slices.Values(values)), nil)
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
