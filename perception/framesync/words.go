package framesync

import (
	"fmt"
	"time"
)

const year = 365 * 24 * time.Hour

// length writes a positive or negative duration for people, without its sign.
func length(d time.Duration) string {
	d = d.Abs()
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d < 100*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 48*time.Hour:
		return d.Round(time.Second).String()
	case d < 2*year:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return fmt.Sprintf("%d years", d/year)
}

// rate writes the rate of a period.
func rate(period time.Duration) string { return fmt.Sprintf("%.3g Hz", 1/period.Seconds()) }

// clockTime writes the time of the day.
func clockTime(t time.Time) string { return t.UTC().Format("15:04:05") }

// step returns the trouble that time jumped by d.
func step(d time.Duration) Trouble {
	if d < 0 {
		return Trouble{CauseTimeBack, "time went back by " + length(d)}
	}
	return Trouble{CauseTimeAhead, "time jumped ahead by " + length(d)}
}
