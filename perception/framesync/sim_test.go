package framesync

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"
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
	sync     *Sync
	frames   []sent
	sets     []Set
	left     []time.Time
	begun    []string // why sets began a sequence, without the first
	troubles []string // every trouble of the health, as "who: cause: words", once each
}

// used is the fate of a frame in a set.
const used = "in a set"

// sent is a simulated frame and what became of it.
type sent struct {
	camera  string
	arrives float64
	fate    string // used, or the reason of its drop
	set     int    // the one that it is in, or -1
}

// deliver returns the delivery of a message.
func (d *seen) deliver(m *sends) perception.Delivery {
	f, isFrame := m.event.(*perception.Frame)
	if !isFrame {
		return perception.Delivery{Event: m.event}
	}
	i := len(d.frames)
	d.frames = append(d.frames, sent{f.Camera, m.arrives, "", -1})
	return perception.Delivery{Event: f, Done: func(err error) {
		var drop *Drop
		if errors.As(err, &drop) {
			d.frames[i].fate = drop.Reason.String()
			return
		}
		d.frames[i].fate, d.frames[i].set = used, len(d.sets)
	}}
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
		d.take(d.sync.Push(d.deliver(&m), now), now)
		d.watch()
	}
	return d
}

func (d *seen) take(sets []Set, now time.Time) {
	for _, set := range sets {
		if set.NewSequence != "" && len(d.sets) > 0 {
			d.begun = append(d.begun, set.NewSequence)
		}
		set.Settle(nil)
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

// cars returns the localisation at 20 Hz and six cameras of a rate with 5 ms delay,
// changed by edit.
func cars(rate float64, edit func(i int, c *source)) []source {
	out := []source{{name: "pose", rate: 20, delay: 0.001, phase: -0.2}}
	for i, name := range six {
		c := source{name: name, rate: rate, delay: 0.005}
		if edit != nil {
			edit(i, &c)
		}
		out = append(out, c)
	}
	return out
}

// vehicle returns the sources of cars, all with one clock.
func vehicle(rate float64, clock func(t float64) float64) []source {
	all := cars(rate, nil)
	for i := range all {
		all[i].clock = clock
	}
	return all
}

// localised returns the sources of cars with another localisation.
func localised(rate float64, edit func(p *source)) []source {
	all := cars(rate, nil)
	edit(&all[0])
	return all
}

// only returns an edit of one camera, a being 0.
func only(camera int, edit func(c *source)) func(i int, c *source) {
	return func(i int, c *source) {
		if i == camera {
			edit(c)
		}
	}
}

// shifted returns a clock that is ahead by d from one second until another.
func shifted(d, from, until float64) func(t float64) float64 {
	return func(t float64) float64 {
		if t < from || t >= until {
			return t
		}
		return t + d
	}
}

// unit returns a clock in another unit or with another zero: f of microseconds since
// 1970.
func unit(f func(us int64) int64) func(t float64) float64 {
	zero := epoch.UnixMicro()
	return func(t float64) float64 { return float64(f(zero+int64(math.Round(t*1e6)))-zero) / 1e6 }
}

// between returns whether a time is in an interval.
func between(from, until float64) func(t float64) bool {
	return func(t float64) bool { return t >= from && t < until }
}
