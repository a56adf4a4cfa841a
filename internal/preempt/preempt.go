// Package preempt measures what the runtime's asynchronous preemption costs the
// scalar code of this process.
//
// The runtime interrupts a goroutine that runs for long, by a signal, wherever
// it is. Built with GOEXPERIMENT=simd for amd64, it then restores the vector
// registers at their full width, and so leaves their upper halves in use. Scalar
// code uses the lower halves only. Some processors, Intel's with AVX-512 among
// them, run it up to four times slower until the upper halves are cleared,
// which may be much later. docs/adr/0009-preemption.md has the whole story.
//
// The cure is asyncpreemptoff=1, linked in by the Makefile:
//
//	setting := preempt.Current()    // is it off, and by whom
//	if preempt.Exposed() {
//		cost := preempt.Observe()   // what it costs, in a tenth of a second
//		ratio, ok := cost.Slowdown()
//	}
package preempt

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Variable names the environment variable that the runtime's settings come from.
const Variable = "GODEBUG"

// Cure is the setting, as it stands in GODEBUG, that turns asynchronous
// preemption off.
const Cure = key + "=1"

const key = "asyncpreemptoff"

// Setting is the runtime's setting of asynchronous preemption.
type Setting struct {
	Off bool
	By  Origin
}

// Origin is who made a setting, in words.
type Origin string

// The environment goes over the linker, and the linker over the default.
const (
	ByDefault     Origin = "by default"
	ByLinker      Origin = "by the linker"
	ByEnvironment Origin = "by " + Variable
)

// Current returns the setting of this process. A build with -trimpath does not
// record its linker's flags: a setting of the linker is then not known, and
// ByDefault is returned.
func Current() Setting {
	return current(os.Getenv(Variable), linkerFlags())
}

func current(godebug, ldflags string) Setting {
	if off, ok := lookUp(godebug); ok {
		return Setting{off, ByEnvironment}
	}
	if off, ok := lookUp(linked(ldflags)); ok {
		return Setting{off, ByLinker}
	}
	return Setting{By: ByDefault}
}

// lookUp reads the setting in a list in the form of GODEBUG, as the runtime does:
// the last valid number counts, and all but zero turn preemption off.
func lookUp(list string) (off, ok bool) {
	for entry := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(entry, "=")
		n, err := strconv.ParseInt(value, 10, 32)
		if name == key && err == nil {
			off, ok = n != 0, true
		}
	}
	return off, ok
}

// linked returns the list that the linker's flags set as the default; the last
// one counts.
func linked(ldflags string) string {
	const name = "runtime.godebugDefault="
	start := strings.LastIndex(ldflags, name)
	if start < 0 {
		return ""
	}
	list := ldflags[start+len(name):]
	if end := strings.IndexAny(list, " \t\n'\""); end >= 0 {
		list = list[:end]
	}
	return list
}

func linkerFlags() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "-ldflags" {
			return s.Value
		}
	}
	return ""
}

// Cost is what was seen of a scalar loop beside and after interruptions.
type Cost struct {
	Loops       int           // long loops that the runtime had reason to interrupt
	Interrupted int           // those that ended with upper halves in use
	Clean       time.Duration // the shortest time of a short loop, upper halves clear
	After       time.Duration // the same after a long loop that was interrupted
}

// enough is how many loops must have been interrupted for a ratio: the minimum
// over fewer may be a disturbance of the machine.
const enough = 3

// Slowdown returns the factor by which scalar code is slower after an
// interruption, and false if too few interruptions were seen to tell.
func (c Cost) Slowdown() (ratio float64, ok bool) {
	if c.Interrupted < enough {
		return 0, false
	}
	return float64(c.After) / float64(c.Clean), true
}

// round is one long loop between two short ones.
type round struct {
	clean, after time.Duration // minima of the short loops
	inUse        bool          // upper halves at the end of the long loop
}

// add takes minima, so that a disturbance counts only if it is there in every
// round.
func (c *Cost) add(r round) {
	if c.Loops == 0 || r.clean < c.Clean {
		c.Clean = r.clean
	}
	c.Loops++
	if !r.inUse {
		return
	}
	if c.Interrupted == 0 || r.after < c.After {
		c.After = r.after
	}
	c.Interrupted++
}
