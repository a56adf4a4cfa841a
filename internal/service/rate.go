package service

import (
	"errors"
	"time"
)

// beats chooses the sets of a lower rate than the stream's: of each beat the nearest.
// The zero value takes every set.
type beats struct {
	interval time.Duration // between beats; 0 if every set is one
	next     time.Time     // beat
	last     time.Time     // set
}

// every returns the beats of a rate in Hz, 0 for the stream's.
func every(hz float64) beats {
	if hz == 0 {
		return beats{}
	}
	return beats{interval: time.Duration(float64(time.Second) / hz)}
}

// take reports whether a set at t is of a beat: whether the next set, as far after it as
// it is after the last, is not nearer. The first set of a sequence is a beat, and so is
// one after beats without sets, or of a time that went back; further beats follow from
// there.
func (b *beats) take(t time.Time, first bool) bool {
	step := t.Sub(b.last)
	b.last = t
	switch {
	case b.interval == 0:
	case first || step <= 0 || t.Sub(b.next) > b.interval/2:
		b.next = t.Add(b.interval)
	case b.next.Sub(t) > step/2:
		return false
	default:
		b.next = b.next.Add(b.interval)
	}
	return true
}

var errSurplus = errors.New("results are asked for at a lower rate than the sets', service.rate")
