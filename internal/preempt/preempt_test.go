package preempt

import (
	"os"
	"testing"
	"time"
)

func TestCurrent(t *testing.T) {
	const linkOff, linkOn = "-X=runtime.godebugDefault=asyncpreemptoff=1", "-X=runtime.godebugDefault=asyncpreemptoff=0"
	for _, tt := range []struct {
		godebug, ldflags string
		want             Setting
	}{
		{"", "", Setting{false, ByDefault}},
		{"gctrace=1", "-X=main.revision=asyncpreemptoff=1", Setting{false, ByDefault}},
		{"asyncpreemptoff=1", "", Setting{true, ByEnvironment}},
		{"asyncpreemptoff=0", linkOff, Setting{false, ByEnvironment}},
		{"gctrace=1", linkOff, Setting{true, ByLinker}},
		{"", linkOn, Setting{false, ByLinker}},
		{"", linkOn + " " + linkOff, Setting{true, ByLinker}},
		{"", linkOff + " " + linkOn, Setting{false, ByLinker}},
		{"", "-s -X 'runtime.godebugDefault=panicnil=1,asyncpreemptoff=1' -w", Setting{true, ByLinker}},
		{"asyncpreemptoff=1,asyncpreemptoff=0", "", Setting{false, ByEnvironment}},
		{"asyncpreemptoff=2", "", Setting{true, ByEnvironment}},
		{"asyncpreemptoff=yes,asyncpreemptoff", linkOff, Setting{true, ByLinker}},
		{"asyncpreemptoff=1,asyncpreemptoff=no", "", Setting{true, ByEnvironment}},
	} {
		if got := current(tt.godebug, tt.ldflags); got != tt.want {
			t.Errorf("current(%q, %q) = %v, want %v", tt.godebug, tt.ldflags, got, tt.want)
		}
	}
}

// Whoever tests for the gate must test what the Makefile builds.
func TestGateIsCured(t *testing.T) {
	if os.Getenv("CI") != "true" {
		t.Skip("not under .ci/run")
	}
	if s := Current(); Exposed() && !s.Off {
		t.Errorf("asynchronous preemption is on, %s: export GOFLAGS as CONTRIBUTING.md says", s.By)
	}
}

func TestSlowdown(t *testing.T) {
	quiet, slow := round{clean: 100, after: 100}, round{clean: 100, after: 400, inUse: true}
	loud := round{clean: 300, after: 1200, inUse: true}
	for _, tt := range []struct {
		name   string
		rounds []round
		want   float64
		ok     bool
	}{
		{"nothing seen", nil, 0, false},
		{"no interruption", []round{quiet, quiet, quiet, quiet}, 0, false},
		{"two interruptions", []round{slow, slow, quiet, quiet}, 0, false},
		{"three interruptions", []round{slow, quiet, slow, slow}, 4, true},
		{"disturbed rounds do not count", []round{loud, slow, loud, loud}, 4, true},
		{"short loops of uninterrupted rounds do not count", []round{slow, slow, slow, {clean: 100, after: 90}}, 4, true},
		{"one disturbance of the short loop after", []round{{100, 100, true}, {100, 900, true}, {100, 105, true}}, 1, true},
		{"one disturbance of the short loop before", []round{{900, 100, true}, {100, 100, true}, {900, 100, true}}, 1, true},
	} {
		got, ok := cost(tt.rounds).Slowdown()
		if got != tt.want || ok != tt.ok {
			t.Errorf("%s: %v, %t; want %v, %t", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

func TestCost(t *testing.T) {
	rounds := []round{{30, 90, true}, {20, 10, false}, {25, 80, true}}
	want := Cost{Loops: 3, Interrupted: 2, Clean: 20 * time.Nanosecond, After: 80 * time.Nanosecond}
	if got := cost(rounds); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func cost(rounds []round) Cost {
	var c Cost
	for _, r := range rounds {
		c.add(r)
	}
	return c
}
