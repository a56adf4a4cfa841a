package parallel

import (
	"slices"
	"testing"

	"go.uber.org/goleak"
)

func TestRunCallsEveryPartOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, goroutines := range []int{0, 1, 2, 5} {
		pool := New(goroutines)
		for _, n := range []int{0, 1, 2, 3, 100} {
			calls := make([]int, n)
			pool.Run(n, func(i int) { calls[i]++ })
			if slices.ContainsFunc(calls, func(c int) bool { return c != 1 }) {
				t.Errorf("%d goroutines, %d parts: calls %v", goroutines, n, calls)
			}
		}
		pool.Close()
	}
}

func TestNilPoolRunsInOrder(t *testing.T) {
	var pool *Pool
	defer pool.Close()
	var order []int
	pool.Run(3, func(i int) { order = append(order, i) })
	if !slices.Equal(order, []int{0, 1, 2}) {
		t.Errorf("order %v", order)
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	pool := New(2)
	defer pool.Close()
	sum := make([]int, 64)
	part := func(i int) { sum[i]++ }
	if n := testing.AllocsPerRun(100, func() { pool.Run(len(sum), part) }); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}
