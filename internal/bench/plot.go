package bench

import (
	"fmt"
	"strings"

	"github.com/solofusion/solofusion/internal/bench/internal/roofline"
)

// WritePlot writes a roofline picture of the stages whose costs are known, a PNG file.
func (r *Report) WritePlot(file string) error {
	m, l := &r.Machine, &r.Machine.Limits
	p := &roofline.Picture{
		Title: fmt.Sprintf("%s, %d cameras", r.Model, r.Cameras),
		Note:  fmt.Sprintf("%s, %d threads, %s kernels", m.Processor, m.Threads, m.Kernels),
		Roofs: []roofline.Roof{
			{Name: fmt.Sprintf("%d threads", m.Threads), Bandwidth: l.Copy.All, Peak: l.FMA.All},
			{Name: "1 core", Bandwidth: l.Copy.One, Peak: l.FMA.One},
		},
	}
	for _, s := range r.rows() {
		if s.Share == nil {
			continue
		}
		group, _, _ := strings.Cut(s.name, "/")
		p.Points = append(p.Points, roofline.Point{
			Name: s.name, Group: group, Variant: s.FrameShare == nil,
			Intensity: float64(*s.FLOPs) / float64(*s.Bytes),
			Rate:      1000 * float64(*s.FLOPs) / s.MS,
		})
	}
	return roofline.Draw(file, p)
}
