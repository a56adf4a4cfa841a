package framesync

import (
	"time"

	"github.com/solofusion/solofusion/perception"
)

// line is the time line of one camera: its stamps go on, by no more than the
// arrivals and a tolerance.
type line struct {
	placed  bool      // stamp is known
	stamp   time.Time // of its latest frame
	arrived time.Time // when that came
	came    time.Time // when the latest frame came that was taken or held; kept over restarts
	periods estimate  // of the stamps
	held    *arrival  // a frame off the line, until something confirms or refutes it
	alone   bool      // it left the rig's line by itself

	trial   *moment // of a stamp that may be in seconds or milliseconds
	proven  bool    // the trial was passed
	unit    string  // what is wrong with the latest stamp
	refused int     // frames in a row with a wrong stamp
	repeats int     // frames in a row that repeat one
}

// longestPeriod separates the period of a camera from a pause.
const longestPeriod = 2 * time.Second

// stamp returns the time by which frames are compared.
func stamp(f *perception.Frame) time.Time {
	if f.Key != nil {
		return f.Key.Time
	}
	return f.Captured
}

// follows reports whether the stamp goes on from an earlier one, by no more than the
// arrivals did and tolerance.
func follows(earlier, later time.Time, elapsed, tolerance time.Duration) bool {
	d := later.Sub(earlier)
	return d >= 0 && d <= max(0, elapsed)+tolerance
}

// advance moves the line to a frame that follows.
func (l *line) advance(a *arrival) {
	t := stamp(a.frame)
	if d := t.Sub(l.stamp); l.placed && d > 0 && d <= longestPeriod {
		l.periods.add(d)
	}
	l.placed, l.stamp, l.arrived, l.came = true, t, a.at, a.at
	l.unit, l.refused, l.repeats = "", 0, 0
}
