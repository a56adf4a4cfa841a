package prefetch

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNothingChanges: of slices of any place and length in a page before and behind which
// there is no memory.
func TestNothingChanges(t *testing.T) {
	page := unix.Getpagesize()
	memory, err := unix.Mmap(-1, 0, 3*page, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(memory) }()
	x := memory[page : 2*page]
	if err := unix.Mprotect(x, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	for i := range x {
		x[i] = byte(i * 7)
	}
	want := slices.Clone(x)
	for _, from := range []int{0, 1, 63, 64, 65, page - 1, page} {
		for _, to := range []int{from, from + 1, from + 64, from + 200, page} {
			part := x[from:min(to, page)]
			Read(part)
			Write(part)
		}
	}
	if !slices.Equal(x, want) {
		t.Error("memory changed")
	}
	Read([]float32(nil))
	Write([]float32{})
}

func TestNoAllocations(t *testing.T) {
	x := make([]float32, 100)
	if n := testing.AllocsPerRun(10, func() { Read(x); Write(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
