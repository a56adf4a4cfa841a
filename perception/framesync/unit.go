package framesync

import (
	"fmt"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// Stamps of these years, in seconds since 1970, are recognised in other units than
// microseconds.
const (
	year2000 = 946_684_800
	year2100 = 4_102_444_800
)

// endOfTime is the year 2200: differences of stamps before it fit a duration.
const endOfTime = 7_258_118_400_000_000

// wrongTime returns what is wrong with a stamp whatever the others are, "" if it
// can be right.
func wrongTime(t time.Time) string {
	us := t.UnixMicro()
	switch {
	case us == 0 || t.IsZero():
		return "is missing"
	case us < 0:
		return fmt.Sprintf("%s us is the year %d, before 1970", number(us), t.UTC().Year())
	case us >= endOfTime && isTime(us/1_000_000_000):
		return fmt.Sprintf("%s us is the year %d: nanoseconds?", number(us), t.UTC().Year())
	case us >= endOfTime:
		return fmt.Sprintf("%s us is the year %d", number(us), t.UTC().Year())
	}
	return ""
}

// number writes a large number of microseconds.
func number(us int64) string {
	if us > -1e6 && us < 1e6 {
		return fmt.Sprint(us)
	}
	return fmt.Sprintf("%.4g", float64(us))
}

func isTime(seconds int64) bool { return seconds >= year2000 && seconds < year2100 }

// ambiguous returns the unit in which the stamp would be a time of this century; ""
// if there is none. A time since boot may look the same.
func ambiguous(t time.Time) string {
	switch us := t.UnixMicro(); {
	case isTime(us):
		return "seconds"
	case isTime(us / 1000):
		return "milliseconds"
	}
	return ""
}

// prove returns what is wrong with the unit of a stamp, "" if nothing is. A stamp that
// may be in another unit must first go on as fast as a clock does, and one that goes
// on at a thousandth or the thousandfold of the arrivals is in another unit.
func (l *line) prove(t, now time.Time) string {
	if l.placed {
		return paceOfUnit(t.Sub(l.stamp), now.Sub(l.arrived))
	}
	unit := ambiguous(t)
	if unit == "" || l.proven {
		return ""
	}
	if l.trial == nil {
		l.trial = &moment{t, now}
	}
	gone := t.Sub(l.trial.captured)
	if l.proven = gone >= 10*time.Millisecond && gone >= now.Sub(l.trial.arrived)/10; l.proven {
		return ""
	}
	return fmt.Sprintf("%s us is %s after 1970: %s?", number(t.UnixMicro()), length(time.Duration(t.UnixNano())), unit)
}

// paceOfUnit names the unit of a clock that went on by d while the arrivals went on
// by elapsed, "" if it can be microseconds.
func paceOfUnit(d, elapsed time.Duration) string {
	unit := ""
	switch {
	case elapsed < 10*time.Millisecond || d <= 0:
		return ""
	case d >= elapsed/5*4*1000 && d <= elapsed/4*5*1000:
		unit = "nanoseconds"
	case elapsed < 50*time.Millisecond:
		return ""
	case d >= elapsed/1250 && d <= elapsed/800:
		unit = "milliseconds"
	case d <= elapsed/100_000:
		unit = "seconds"
	}
	if unit == "" {
		return ""
	}
	return fmt.Sprintf("goes on by %v while %v pass: %s?", d, elapsed.Round(time.Millisecond), unit)
}

// misdated returns what is wrong with a frame's times, "" if nothing is. Those of a
// key frame with an identity, and of a recording, are as they are.
func (s *Sync) misdated(c *camera, a *arrival) string {
	f := a.frame
	if s.options.StreamTime || f.Key != nil && f.Key.ID != "" {
		return ""
	}
	if words := wrongTime(f.Captured); words != "" {
		return "captured " + words
	}
	if f.Key == nil {
		if words := c.prove(f.Captured, a.at); words != "" {
			return "captured " + words
		}
		return ""
	}
	if words := wrongTime(f.Key.Time); words != "" {
		return "key time " + words
	}
	return ""
}

// misdatedPose returns what is wrong with a pose's time, "" if nothing is.
func (s *Sync) misdatedPose(p *perception.EgoPose) string {
	if words := wrongTime(p.Time); words != "" && !s.options.StreamTime {
		return "time " + words
	}
	return ""
}
