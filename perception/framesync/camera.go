package framesync

import (
	"slices"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// patience is how long a rig's start waits for cameras that have sent nothing or a
// single frame: a little more than the period of the slowest.
const patience = 1200 * time.Millisecond

// arrival is a frame and when it came.
type arrival struct {
	frame *perception.Frame
	from  perception.Delivery
	at    time.Time

	number uint64 // of the frame, counted from New
}

// camera is the state of one camera.
type camera struct {
	tally
	line

	waiting []arrival // frames for sets to come, by capture
	used    time.Time // capture of its frame of the latest set that has one
	missing int       // sets since then

	recent  []moment  // its latest frames, for the comparison of clocks; at most recentFrames
	sampled time.Time // arrival of the latest of them that was compared
	offsets estimate  // of its clock, against the rig's median
	off     bool      // its clock differs from the rig's: none of its frames is used

	late  time.Duration // by which its latest frame missed its set
	early bool          // that set did not wait for it until the deadline
	apart time.Duration // of its latest frame that was too far from its set, see departure.apart
}

// tally is what is counted of a camera. It outlives resets.
type tally struct {
	frames, gaps uint64
	dropped      [reasons]uint64
	sequence     uint64    // number of its latest frame
	heard        time.Time // when that came, whether it could be used or not
}

// moment is when a frame was captured and when it came.
type moment struct{ captured, arrived time.Time }

const recentFrames = 16

// gapLimit separates lost frames from a numbering that began anew.
const gapLimit = 1 << 20

// count counts a frame that came at now, and those that its number says are lost.
func (t *tally) count(sequence uint64, now time.Time) {
	t.frames++
	t.heard = now
	if lost := sequence - t.sequence - 1; t.sequence != 0 && sequence > t.sequence && lost < gapLimit {
		t.gaps += lost
	}
	t.sequence = sequence
}

// note records when a frame came, for the comparison of clocks.
func (c *camera) note(a *arrival) {
	if len(c.recent) == recentFrames {
		c.recent = append(c.recent[:0], c.recent[1:]...)
	}
	c.recent = append(c.recent, moment{a.frame.Captured, a.at})
}

// put adds a frame to those that wait.
func (c *camera) put(a arrival) {
	i, _ := slices.BinarySearchFunc(c.waiting, a, func(b, a arrival) int {
		return b.frame.Captured.Compare(a.frame.Captured)
	})
	c.waiting = slices.Insert(c.waiting, i, a)
}

// has reports whether the camera has sent a frame of that capture time.
func (c *camera) has(t time.Time) bool {
	return c.placed && c.stamp.Equal(t) || c.used.Equal(t) || c.held != nil && c.held.frame.Captured.Equal(t) ||
		slices.ContainsFunc(c.waiting, func(a arrival) bool { return a.frame.Captured.Equal(t) })
}

// silence returns how long a camera that sends may send nothing: two periods, its own or
// the rig's, and the deadline.
func (c *camera) silence(beat, deadline time.Duration) time.Duration {
	if c.periods.n == 0 {
		return patience
	}
	return 2*max(c.periods.median(), beat) + deadline
}

// fast reports whether the camera has frames between beats.
func (c *camera) fast(beat time.Duration) bool {
	p := c.periods.median()
	return p > 0 && 4*p < 3*beat
}

// slow reports whether there are beats without a frame of the camera. One whose frames
// are as far apart as the beat was, some of the time, is not: the beat changes with every
// camera's, one after the other. Two frames do not tell.
func (c *camera) slow(beat time.Duration) bool {
	return c.periods.n > 1 && 4*c.periods.least() > 5*beat
}

// restart forgets where the camera's time line was, and what waits on it.
func (c *camera) restart() {
	c.placed, c.used, c.recent, c.off, c.alone, c.missing = false, time.Time{}, c.recent[:0], false, false, 0
	c.offsets = estimate{}
	c.late, c.apart, c.early = 0, 0, false
}
