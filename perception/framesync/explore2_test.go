package framesync

import (
	"fmt"
	"testing"
)

func withPose(s []source, edit func(p *source)) []source { edit(&s[0]); return s }

func TestExplore2(t *testing.T) {
	base := 1.7778e9 // seconds of the epoch
	_ = base
	us := epoch.UnixMicro()
	unit := func(f func(us int64) int64) func(t float64) float64 {
		return func(t float64) float64 { return float64(f(us+int64(t*1e6))-us) / 1e6 }
	}
	all := func(rate float64, f func(us int64) int64) []source {
		s := cars(rate, func(i int, c *source) { c.clock = unit(f) })
		s[0].clock = unit(f)
		return s
	}
	for _, x := range []struct {
		name string
		s    []source
		sec  float64
	}{
		{"no poses", cars(10, nil)[1:], 5},
		{"pose 100 late", withPose(cars(10, nil), func(p *source) { p.delay = .1 }), 5},
		{"pose 300 late", withPose(cars(10, nil), func(p *source) { p.delay = .3 }), 5},
		{"pose 300 late 1Hz", withPose(cars(1, nil), func(p *source) { p.delay = .3 }), 5},
		{"pose 2 Hz", withPose(cars(10, nil), func(p *source) { p.rate = 2 }), 5},
		{"pose 2 Hz, 1 Hz", withPose(cars(1, nil), func(p *source) { p.rate = 2 }), 5},
		{"pose 3 ahead", withPose(cars(10, nil), func(p *source) { p.clock = func(t float64) float64 { return t + 3 } }), 8},
		{"pose 3 ahead 1 Hz", withPose(cars(1, nil), func(p *source) { p.clock = func(t float64) float64 { return t + 3 } }), 8},
		{"pose 1 behind", withPose(cars(10, nil), func(p *source) { p.clock = func(t float64) float64 { return t - 1 } }), 5},
		{"pose stops", withPose(cars(10, nil), func(p *source) { p.until = 2 }), 6},
		{"pose stops 1.5 s", withPose(cars(10, nil), func(p *source) { p.skips = func(t float64) bool { return t > 2 && t < 3.5 } }), 6},
		{"pose clock steps back 5", withPose(cars(10, nil), func(p *source) {
			p.clock = func(t float64) float64 {
				if t > 3 {
					return t - 5
				}
				return t
			}
		}), 6},
		{"pose clock steps and returns", withPose(cars(10, nil), func(p *source) {
			p.clock = func(t float64) float64 {
				if t > 3 && t < 5 {
					return t - 5
				}
				return t
			}
		}), 8},
		{"all ns", all(10, func(us int64) int64 { return us * 1000 }), 3},
		{"all ms", all(10, func(us int64) int64 { return us / 1000 }), 3},
		{"all s", all(10, func(us int64) int64 { return us / 1e6 }), 3},
		{"all s at 1 Hz", all(1, func(us int64) int64 { return us / 1e6 }), 5},
		{"zero", all(10, func(us int64) int64 { return 0 }), 3},
		{"negative", all(10, func(us int64) int64 { return -us }), 3},
		{"boot", all(10, func(us int64) int64 { return us - epoch.UnixMicro() + 36e9 }), 3},
		{"boot in window", all(10, func(us int64) int64 { return us - epoch.UnixMicro() + 1.8e9 }), 3},
		{"boot ns", all(10, func(us int64) int64 { return (us - epoch.UnixMicro() + 36e9) * 1000 }), 3},
		{"boot ms", all(10, func(us int64) int64 { return (us - epoch.UnixMicro() + 36e9) / 1000 }), 3},
		{"float32", all(10, func(us int64) int64 { return int64(float64(float32(float64(us)/1e6)) * 1e6) }), 3},
		{"boot one", cars(10, func(i int, c *source) {
			if i == 4 {
				c.clock = unit(func(us int64) int64 { return us - epoch.UnixMicro() + 36e9 })
			}
		}), 3},
		{"ns one", cars(10, func(i int, c *source) {
			if i == 4 {
				c.clock = unit(func(us int64) int64 { return us * 1000 })
			}
		}), 3},
		{"ms one", cars(10, func(i int, c *source) {
			if i == 4 {
				c.clock = unit(func(us int64) int64 { return us / 1000 })
			}
		}), 3},
		{"s one", cars(10, func(i int, c *source) {
			if i == 4 {
				c.clock = unit(func(us int64) int64 { return us / 1000000 })
			}
		}), 3},
		{"one steps back 9", cars(10, func(i int, c *source) {
			if i == 4 {
				c.clock = func(t float64) float64 {
					if t > 2 {
						return t - 9
					}
					return t
				}
			}
		}), 5},
		{"one steps ahead 0.3 at 2 returns at 4", cars(10, func(i int, c *source) {
			if i == 4 {
				c.clock = func(t float64) float64 {
					if t > 2 && t < 4 {
						return t + .3
					}
					return t
				}
			}
		}), 7},
		{"forward 1 h", cars(10, func(i int, c *source) {
			c.clock = func(t float64) float64 {
				if t > 2 {
					return t + 3600
				}
				return t
			}
		}), 5},
		{"forward 2 min", cars(10, func(i int, c *source) {
			c.clock = func(t float64) float64 {
				if t > 2 {
					return t + 120
				}
				return t
			}
		}), 5},
		{"forward 5", cars(10, func(i int, c *source) {
			c.clock = func(t float64) float64 {
				if t > 2 {
					return t + 5
				}
				return t
			}
		}), 5},
		{"back .15", cars(10, func(i int, c *source) {
			c.clock = func(t float64) float64 {
				if t > 2 {
					return t - .15
				}
				return t
			}
		}), 5},
		{"back .25", cars(10, func(i int, c *source) {
			c.clock = func(t float64) float64 {
				if t > 2 {
					return t - .25
				}
				return t
			}
		}), 5},
		{"back .75", cars(10, func(i int, c *source) {
			c.clock = func(t float64) float64 {
				if t > 2 {
					return t - .75
				}
				return t
			}
		}), 5},
		{"loop 1s at 10", cars(10, func(i int, c *source) { c.clock = func(t float64) float64 { return t - float64(int(t)) } }), 5},
		{"loop 3s at 1", cars(1, func(i int, c *source) { c.clock = func(t float64) float64 { return t - 3*float64(int(t/3)) } }), 12},
		{"loop 3s at 2", cars(2, func(i int, c *source) { c.clock = func(t float64) float64 { return t - 3*float64(int(t/3)) } }), 12},
		{"same stamp", cars(10, func(i int, c *source) {
			if i == 1 {
				c.clock = func(t float64) float64 { return 0 }
			}
		}), 3},
		{"60 Hz", cars(60, nil), 3},
		{"60 Hz phases", cars(60, func(i int, c *source) { c.phase = float64(i) * .003 }), 3},
		{"jitter 30", cars(30, func(i int, c *source) {
			c.clock = func(t float64) float64 { return t + .004*float64(int(t*1000)*7919%3-1) }
		}), 5},
		{"gap all 2 s", cars(10, func(i int, c *source) { c.skips = func(t float64) bool { return t > 2 && t < 4 } }), 6},
		{"stall five .5", cars(10, func(i int, c *source) {
			if i > 0 {
				c.skips = func(t float64) bool { return t > 2 && t < 2.5 }
			}
		}), 6},
	} {
		d := drive(Options{}, rig(six...), messages(x.sec, x.s...))
		drops := map[string]uint64{}
		for r, n := range d.sync.counters.Drops {
			if n > 0 {
				drops[r] = n
			}
		}
		lat := map[int]int{}
		for i := range d.sets {
			lat[int(d.left[i].Sub(d.sets[i].Time).Milliseconds())]++
		}
		fmt.Println("==", x.name, d.sizes(), drops, d.sequences, "T", d.sync.beat.period)
		if len(lat) < 8 {
			fmt.Println("   lat", lat)
		}
		for i, w := range d.troubles {
			if i < 5 {
				fmt.Println("     ", w)
			}
		}
	}
}
