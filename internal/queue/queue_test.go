package queue

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func oldest([]int) int { return 0 }

// drain takes until the queue is closed and empty.
func drain(t *testing.T, q *Queue[int]) (got []int) {
	t.Helper()
	for {
		v, err := q.Take(t.Context())
		if errors.Is(err, ErrClosed) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, v)
	}
}

func put(t *testing.T, q *Queue[int], values ...int) {
	t.Helper()
	for _, v := range values {
		if lost, err := q.Put(t.Context(), v); err != nil {
			t.Fatalf("%d lost at %d: %v", lost, v, err)
		}
	}
}

func TestOrder(t *testing.T) {
	q := New(4, oldest)
	put(t, q, 1, 2, 3, 4)
	if err := q.PutFirst(0); err != nil || q.Len() != 5 {
		t.Errorf("error %v, %d values; want none beyond the limit and 5", err, q.Len())
	}
	q.Close()
	if got := drain(t, q); !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
		t.Errorf("took %v", got)
	}
}

func TestFullQueueDropsWhatItsPolicySelects(t *testing.T) {
	largest := func(waiting []int) int { return slices.Index(waiting, slices.Max(waiting)) }
	q := New(3, largest)
	put(t, q, 1, 9, 2)
	if lost, err := q.Put(t.Context(), 3); lost != 9 || !errors.Is(err, ErrFull) {
		t.Errorf("lost %d, error %v; want 9 and ErrFull", lost, err)
	}
	q.Close()
	if got := drain(t, q); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("took %v", got)
	}
}

func TestFullQueueWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, went := New[int](1, nil), make(chan error, 1)
		put(t, q, 1)
		go func() { _, err := q.Put(t.Context(), 2); went <- err }()
		synctest.Wait()
		select {
		case err := <-went:
			t.Fatalf("Put returned %v though there was no room", err)
		default:
		}
		if v, err := q.Take(t.Context()); v != 1 || err != nil {
			t.Errorf("took %d, error %v", v, err)
		}
		if err := <-went; err != nil {
			t.Errorf("Put returned %v though there was room", err)
		}
	})
}

func TestCloseEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, empty := New[int](1, nil), New[int](1, nil)
		put(t, full, 1)
		errs := make(chan error, 2)
		go func() {
			lost, err := full.Put(t.Context(), 2)
			if lost != 2 {
				t.Errorf("lost %d, want the value itself", lost)
			}
			errs <- err
		}()
		go func() { _, err := empty.Take(t.Context()); errs <- err }()
		synctest.Wait()
		full.Close()
		empty.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, ErrClosed) {
				t.Errorf("error %v, want ErrClosed", err)
			}
		}
		full.Close()
		if got := drain(t, full); !slices.Equal(got, []int{1}) {
			t.Errorf("what waited at Close: %v", got)
		}
	})
}

func TestNothingGoesIntoAClosedQueue(t *testing.T) {
	for _, q := range []*Queue[int]{New(1, oldest), New[int](1, nil)} {
		q.Close()
		if lost, err := q.Put(t.Context(), 7); lost != 7 || !errors.Is(err, ErrClosed) {
			t.Errorf("lost %d, error %v", lost, err)
		}
		if err := q.PutFirst(7); !errors.Is(err, ErrClosed) || q.Len() != 0 {
			t.Errorf("error %v, %d values", err, q.Len())
		}
	}
}

func TestContextEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, empty := New[int](1, nil), New[int](1, nil)
		put(t, full, 1)
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		go func() {
			lost, err := full.Put(ctx, 2)
			if lost != 2 {
				t.Errorf("lost %d, want the value itself", lost)
			}
			errs <- err
		}()
		go func() { _, err := empty.Take(ctx); errs <- err }()
		synctest.Wait()
		cancel()
		for range 2 {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want that of the context", err)
			}
		}
		if v, err := full.Take(ctx); v != 1 || err != nil {
			t.Errorf("a value that waits: %d, %v", v, err)
		}
	})
}

// With several goroutines, each value is taken or lost once, and the values of one
// goroutine keep their order.
func TestNoValueIsLostOrDoubled(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const writers, each = 3, 40
		policy := oldest
		if rapid.Bool().Draw(rt, "waits") {
			policy = nil
		}
		q := New(rapid.IntRange(1, 5).Draw(rt, "limit"), policy)
		var writing sync.WaitGroup
		losses := make([][]int, writers)
		for w := range writers {
			writing.Go(func() {
				for i := range each {
					if lost, err := q.Put(t.Context(), w*each+i); err != nil {
						losses[w] = append(losses[w], lost)
					}
				}
			})
		}
		taken := make(chan []int)
		go func() { taken <- drain(t, q) }()
		writing.Wait()
		q.Close()
		got := <-taken
		for w := range writers {
			mine := slices.DeleteFunc(slices.Clone(got), func(v int) bool { return v/each != w })
			if !slices.IsSorted(mine) {
				rt.Errorf("out of order: %v", mine)
			}
		}
		all := slices.Concat(append(losses, got)...)
		slices.Sort(all)
		if len(slices.Compact(slices.Clone(all))) != writers*each || len(all) != writers*each {
			rt.Errorf("%d values came out of %d", len(all), writers*each)
		}
	})
}
