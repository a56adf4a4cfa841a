//go:build goexperiment.simd

package preempt

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"simd/archsimd"
	"strings"
	"testing"
)

// sample asks this test program, run anew, to observe and to print what it saw.
const sample = "SOLOFUSION_PREEMPT_SAMPLE"

func TestMain(m *testing.M) {
	if os.Getenv(sample) != "" {
		fmt.Println(Observe().Interrupted)
		return
	}
	os.Exit(m.Run())
}

func mustTell(t *testing.T) {
	t.Helper()
	if !Exposed() || !tellsUse() {
		t.Skip("this processor lacks AVX2 or XGETBV with ECX=1")
	}
}

func TestUpperHalvesInUse(t *testing.T) {
	mustTell(t)
	runtime.LockOSThread() // an interruption may still set them, between two lines
	defer runtime.UnlockOSThread()
	numbers := [8]float32{7: 1}
	eventually(t, "clear", func() bool {
		archsimd.ClearAVXUpperBits()
		return !upperHalvesInUse()
	})
	eventually(t, "in use", func() bool {
		v := archsimd.LoadFloat32x8(numbers[:])
		v.Add(v).Store(numbers[:])
		return upperHalvesInUse()
	})
}

// The trap and its cure: a scalar loop that is interrupted ends with upper
// halves in use, and does not if asynchronous preemption is off.
func TestInterruptionsUseUpperHalves(t *testing.T) {
	mustTell(t)
	eventually(t, "interrupted", func() bool { return interruptions(t, "asyncpreemptoff=0") != "0" })
	if n := interruptions(t, Cure); n != "0" {
		t.Errorf("%s: upper halves in use after %s loops, want 0", Cure, n)
	}
}

func interruptions(t *testing.T, godebug string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), sample+"=1", Variable+"="+godebug)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 20 {
		if holds() {
			return
		}
	}
	t.Errorf("upper halves never %s in 20 tries", what)
}
