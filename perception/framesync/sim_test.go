package framesync

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// source is a simulated camera or, with the name "pose", the localisation.
type source struct {
	name  string
	rate  float64                 // Hz
	phase float64                 // of the first, seconds
	delay float64                 // from capture to arrival, seconds
	clock func(t float64) float64 // stamp of an instant, both in seconds; nil for true
	skips func(t float64) bool    // whether what is due at t is lost; nil for never
	from  float64                 // the first second in which it sends
	until float64                 // and the last; 0 for the end
}

// sends is one message of a simulated source.
type sends struct {
	arrives float64
	event   perception.Event
}

// messages returns what the sources send in a time, in the order of arrival.
func messages(seconds float64, sources ...source) (all []sends) {
	for _, c := range sources {
		number := uint64(0)
		for k := 0; ; k++ {
			t := c.from + c.phase + float64(k)/c.rate
			if t >= seconds || c.until > 0 && t >= c.until {
				break
			}
			number++
			if c.skips != nil && c.skips(t) {
				continue
			}
			stamp := t
			if c.clock != nil {
				stamp = c.clock(t)
			}
			all = append(all, sends{t + c.delay, c.event(stamp, t, number)})
		}
	}
	slices.SortStableFunc(all, func(a, b sends) int { return cmp.Compare(a.arrives, b.arrives) })
	return all
}

func (c *source) event(stamp, t float64, number uint64) perception.Event {
	if c.name == "pose" {
		pose := geom.IdentityTransform()
		pose.Translation[0] = 10 * t
		return perception.EgoPose{Time: second(stamp), GlobalFromEgo: pose}
	}
	return &perception.Frame{Camera: c.name, Captured: second(stamp), Sequence: number}
}

// second returns an instant by its seconds since the epoch of the tests.
func second(t float64) time.Time {
	return time.UnixMicro(epoch.UnixMicro() + int64(math.Round(t*1e6))).UTC()
}

// seen is what a simulated drive led to.
type seen struct {
	sync      *Sync
	sets      []Set
	left      []time.Time
	sequences []string // why sets began one, without the first
	troubles  []string // every trouble of the health, as "who: cause: words", once each
}

// drive runs messages through a Sync that is woken at its deadlines.
func drive(o Options, r *perception.Rig, all []sends) *seen {
	d := &seen{sync: New(o)}
	d.take(d.sync.Push(perception.Delivery{Event: r}, epoch), epoch)
	for _, m := range all {
		now := second(m.arrives)
		for {
			at, ok := d.sync.Deadline()
			if !ok || at.After(now) {
				break
			}
			d.take(d.sync.Advance(at), at)
		}
		d.take(d.sync.Push(perception.Delivery{Event: m.event}, now), now)
		d.watch()
	}
	return d
}

func (d *seen) take(sets []Set, now time.Time) {
	for _, set := range sets {
		if set.NewSequence != "" && len(d.sets) > 0 {
			d.sequences = append(d.sequences, set.NewSequence)
		}
		d.sets, d.left = append(d.sets, set), append(d.left, now)
	}
}

func (d *seen) watch() {
	h := d.sync.Health()
	note := func(who string, t Trouble) {
		if t.Cause == "" {
			return
		}
		text := who + ": " + t.Cause + ": " + t.Words
		if !slices.Contains(d.troubles, text) {
			d.troubles = append(d.troubles, text)
		}
	}
	note("rig", h.Trouble)
	note("poses", h.Poses.Trouble)
	for _, c := range h.Cameras {
		note(c.Name, c.Trouble)
	}
}

// sizes counts the sets by their number of cameras.
func (d *seen) sizes() map[int]int {
	n := map[int]int{}
	for _, s := range d.sets {
		n[len(s.Frames)-len(s.Missing())]++
	}
	return n
}

// told reports whether a trouble holds all the parts.
func (d *seen) told(parts ...string) bool {
	return slices.ContainsFunc(d.troubles, func(t string) bool {
		return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(t, p) })
	})
}

var six = []string{"a", "b", "c", "d", "e", "f"}

// cars returns six cameras of a rate with 5 ms delay and the localisation at 20 Hz,
// changed by edit.
func cars(rate float64, edit func(i int, c *source)) []source {
	out := []source{{name: "pose", rate: 20, delay: 0.001, phase: -0.2}}
	for i, name := range six {
		c := source{name: name, rate: rate, delay: 0.005}
		if edit != nil {
			edit(i, &c)
		}
		if i == 0 && c.clock != nil && c.clock(100) != 100.3 && c.clock(100) != 99.7 {
			out[0].clock = c.clock
		}
		out = append(out, c)
	}
	return out
}

func TestExplore(t *testing.T) {
	for _, x := range []struct {
		name string
		s    []source
		sec  float64
	}{
		{"10 Hz", cars(10, nil), 5},
		{"mixed 10/30", cars(10, func(i int, c *source) {
			if i == 1 {
				c.rate = 30
			}
		}), 5},
		{"mixed 10/30 phase", cars(10, func(i int, c *source) {
			if i == 1 {
				c.rate = 30
				c.phase = 0.012
			}
		}), 5},
		{"mixed 1/3", cars(1, func(i int, c *source) {
			if i == 1 {
				c.rate = 3
			}
		}), 10},
		{"mixed 1/3 phase", cars(1, func(i int, c *source) {
			if i == 1 {
				c.rate = 3
				c.phase = 0.1
			}
		}), 10},
		{"mixed 60/1", cars(1, func(i int, c *source) {
			if i == 1 {
				c.rate = 60
				c.phase = 0.003
			}
		}), 10},
		{"spread 83", cars(10, func(i int, c *source) { c.phase = float64(i) * 0.0167 }), 5},
		{"drift", cars(10, func(i int, c *source) {
			if i == 2 {
				c.rate = 10.1
			}
		}), 20},
		{"one 0.3 ahead 1Hz", cars(1, func(i int, c *source) {
			if i == 0 {
				c.clock = func(t float64) float64 { return t + .3 }
			}
		}), 10},
		{"one 0.3 ahead 10Hz", cars(10, func(i int, c *source) {
			if i == 0 {
				c.clock = func(t float64) float64 { return t + .3 }
			}
		}), 5},
		{"one 0.3 behind 1Hz", cars(1, func(i int, c *source) {
			if i == 0 {
				c.clock = func(t float64) float64 { return t - .3 }
			}
		}), 10},
		{"one 0.3 behind 10Hz", cars(10, func(i int, c *source) {
			if i == 0 {
				c.clock = func(t float64) float64 { return t - .3 }
			}
		}), 5},
		{"late 250 1Hz", cars(1, func(i int, c *source) {
			if i == 4 {
				c.delay = 0.25
			}
		}), 10},
		{"late 250 10Hz", cars(10, func(i int, c *source) {
			if i == 4 {
				c.delay = 0.25
			}
		}), 5},
		{"stops and returns", cars(10, func(i int, c *source) {
			if i == 4 {
				c.skips = func(t float64) bool { return t > 2 && t < 5 }
			}
		}), 8},
		{"stops and returns 1Hz", cars(1, func(i int, c *source) {
			if i == 4 {
				c.skips = func(t float64) bool { return t > 3 && t < 8 }
			}
		}), 12},
		{"never", cars(10, func(i int, c *source) {
			if i == 4 {
				c.from = 100
			}
		}), 5},
		{"five die", cars(10, func(i int, c *source) {
			if i != 4 {
				c.until = 2
			}
		}), 5},
		{"one only", cars(10, func(i int, c *source) {
			if i != 4 {
				c.from = 100
			}
		}), 5},
		{"slow one 5", cars(10, func(i int, c *source) {
			if i == 4 {
				c.rate = 5
			}
		}), 5},
		{"slow one 7", cars(10, func(i int, c *source) {
			if i == 4 {
				c.rate = 7
			}
		}), 5},
		{"clock back 9", cars(10, func(i int, c *source) {
			c.clock = func(t float64) float64 {
				if t > 10 {
					return t - 9
				}
				return t
			}
		}), 15},
		{"loop 3", cars(10, func(i int, c *source) { c.clock = func(t float64) float64 { return t - 3*float64(int(t/3)) } }), 12},
		{"mixed loop 3", cars(10, func(i int, c *source) {
			if i == 1 {
				c.rate = 30
			}
			c.clock = func(t float64) float64 { return t - 3*float64(int(t/3)) }
		}), 12},
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
		fmt.Println("==", x.name, d.sizes(), drops, d.sequences, "T", d.sync.beat.period, "\n  latency", lat)
		for i, w := range d.troubles {
			if i < 8 {
				fmt.Println("     ", w)
			}
		}
	}
}
