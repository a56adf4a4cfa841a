package main

import (
	"testing"
	"time"

	"github.com/solofusion/solofusion/internal/preempt"
)

func TestPreemptionFinding(t *testing.T) {
	const remedy = "make build, or set GODEBUG=asyncpreemptoff=1"
	seen := func(after time.Duration) preempt.Cost {
		return preempt.Cost{Loops: 3, Interrupted: 3, Clean: 100, After: after}
	}
	linked := preempt.Setting{Off: true, By: preempt.ByLinker}
	plain := preempt.Setting{By: preempt.ByDefault}
	for _, tt := range []struct {
		name    string
		set     preempt.Setting
		exposed bool
		cost    preempt.Cost
		state   string
		remedy  string
	}{
		{"cured", linked, true, preempt.Cost{Loops: 8}, "at function calls, by the linker", ""},
		{"slow in spite of the cure", linked, true, seen(400), "at function calls, by the linker: scalar code then takes 4.0 times as long", remedy},
		{"slow", plain, true, seen(390), "anywhere, by default: scalar code then takes 3.9 times as long", remedy},
		{"just slow", plain, true, seen(150), "anywhere, by default: scalar code then takes 1.5 times as long", remedy},
		{"just not slow", plain, true, seen(149), "anywhere, by default: harmless here, scalar code then takes 1.49 times as long", ""},
		{"no experiment", plain, false, preempt.Cost{}, "anywhere, by default: harmless, vector registers are not saved in full", ""},
		{"inconclusive", preempt.Setting{By: preempt.ByEnvironment}, true, preempt.Cost{Loops: 8, Interrupted: 2, Clean: 100, After: 900},
			"anywhere, by GODEBUG: cost unknown, seen in 2 of 8 loops; GODEBUG=asyncpreemptoff=1 avoids it", ""},
	} {
		want := finding{"preemption", tt.state, tt.remedy}
		if got := preemptionFinding(tt.set, tt.exposed, tt.cost); got != want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, want)
		}
	}
}
