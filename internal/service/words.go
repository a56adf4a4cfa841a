package service

import (
	"fmt"
	"strings"
	"time"
)

// begun returns the line of a trouble that begins:
//
//	CAM_BACK missing since 12:03:11: arrives 104 ms after its set left; sync.deadline is 150ms
//
// Of a recording it has no time.
func (c *change) begun(lossless bool) string {
	line := c.Title()
	if !lossless {
		line += " since " + clock(c.Since)
	}
	switch {
	case c.Words != "":
		line += ": " + c.Words
	case c.Count > 0:
		line += ": " + c.toll()
	}
	return line
}

// over returns the line of a trouble that ended:
//
//	CAM_BACK missing: over after 4.2 s, 9 sets
func (c *change) over() string {
	line := c.Title() + ": over after " + seconds(c.took)
	if c.Count > 0 {
		line += ", " + c.toll()
	}
	return line
}

// toll returns what a trouble cost: 1 set, 9 sets.
func (c *change) toll() string {
	if c.Count == 1 {
		return "1 " + strings.TrimSuffix(c.units, "s")
	}
	return fmt.Sprintf("%d %s", c.Count, c.units)
}

// clock returns a time of the day in UTC.
func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
