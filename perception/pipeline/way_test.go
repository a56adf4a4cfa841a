package pipeline

import (
	"math"
	"testing"
	"time"

	"github.com/solofusion/solofusion/geom"
)

// place is where a vehicle is said to be at a second.
type place func(t float64) geom.Pose

// driving returns the places of one that drives a circle, changed by edit.
func driving(speed, turn float64, edit func(t float64, p *geom.Pose)) place {
	return func(t float64) geom.Pose {
		at := geom.Vec3{speed * t}
		if turn != 0 {
			r := speed / turn
			at = geom.Vec3{r * math.Sin(turn*t), r * (1 - math.Cos(turn*t))}
		}
		p := geom.NewPose(geom.QuatFromYaw(turn*t), at)
		edit(t, &p)
		return p
	}
}

func TestWay(t *testing.T) {
	same := func(float64, *geom.Pose) {}
	after := func(d geom.Vec3) func(float64, *geom.Pose) {
		return func(t float64, p *geom.Pose) {
			if t > 2 {
				p.T = p.T.Add(d)
			}
		}
	}
	for name, test := range map[string]struct {
		place place
		want  string // at 10 Hz; "" for no jump at any rate
	}{
		"standing":   {driving(0, 0, same), ""},
		"motorway":   {driving(60, 0, same), ""},
		"roundabout": {driving(9, 0.9, same), ""},
		"full brake": {func(t float64) geom.Pose {
			return geom.Pose{R: geom.Identity3(), T: geom.Vec3{-5 * max(0, 8-t) * max(0, 8-t)}}
		}, ""},
		"noise":       {driving(20, 0.1, func(t float64, p *geom.Pose) { p.T[1] += 0.3 * math.Sin(1e4*t) }), ""},
		"correction":  {driving(10, 0, after(geom.Vec3{0, 5})), "the vehicle's pose jumped by 5.0 m in 0.10 s"},
		"back":        {driving(10, 0, after(geom.Vec3{-50})), "the vehicle's pose jumped by 49.0 m in 0.10 s"},
		"another map": {driving(10, 0, after(geom.Vec3{4e4, 1e5})), "the vehicle's pose jumped by 107703.7 m in 0.10 s"},
		"turned": {driving(10, 0, func(t float64, p *geom.Pose) {
			if t > 2 {
				p.R = p.R.Mul(geom.QuatFromYaw(math.Pi).Mat3())
			}
		}), "the vehicle's pose jumped by 180 degrees in 0.10 s"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, rate := range []float64{2, 10, 30} {
				var jumps []string
				w, dt := way{}, time.Duration(float64(time.Second)/rate)
				for k := range int(5 * rate) {
					p := test.place(float64(k) / rate)
					words := w.jump(p, dt)
					if words != "" {
						jumps, w = append(jumps, words), way{}
					}
					w.add(p, dt)
				}
				switch {
				case test.want == "" && len(jumps) > 0:
					t.Errorf("at %v Hz: %q, want no jump", rate, jumps)
				case test.want != "" && rate == 10 && (len(jumps) != 1 || jumps[0] != test.want):
					t.Errorf("at %v Hz: %q, want %q", rate, jumps, test.want)
				}
			}
		})
	}
}
