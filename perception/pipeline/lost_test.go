package pipeline

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/tensor"
)

// standing returns sets of one place, half a second apart, of which CAM_FRONT has an image
// only in those that are named.
func standing(t *testing.T, sets int, front ...int) (all []*perception.FrameSet) {
	t.Helper()
	first := apart(t)
	for i := range sets {
		set := *first
		set.Time = first.Time.Add(time.Duration(i) * 500 * time.Millisecond)
		all = append(all, &set)
		if !slices.Contains(front, i) {
			all[i] = without(all[i], "CAM_FRONT", nil)
		}
	}
	return all
}

// watched is a detector whose head's input is shown.
type watched struct {
	*pipeline
	shown    *dump
	channels int // of a plane
}

func watch(t *testing.T) *watched {
	t.Helper()
	b, d := bundle(t), &dump{values: map[string]*tensor.F32{}}
	return &watched{openBundle(t, b, Options{Observer: d, History: "direct"}), d, b.Manifest.Features.Context}
}

// current returns the current plane of the head's input by cells.
func (w *watched) current(t *testing.T, set *perception.FrameSet) (cells [][]float32) {
	t.Helper()
	step(t, w.pipeline, set)
	stack := w.shown.values[Stack]
	for cell := range slices.Chunk(stack.Data, stack.Shape[len(stack.Shape)-1]) {
		cells = append(cells, cell[:w.channels])
	}
	return cells
}

// TestLostCameraKeepsWhatItSaw: the cells that CAM_FRONT alone looks at stay as they were
// when it had an image, as long as the history reaches back; then they are as if it had
// never had one. The other cells are so at once.
func TestLostCameraKeepsWhatItSaw(t *testing.T) {
	const sets = 12
	once, never := watch(t), watch(t)
	var before [][]float32
	for i, set := range standing(t, sets, 0) {
		got := once.current(t, set)
		gone := never.current(t, without(set, "CAM_FRONT", nil))
		if i == 0 {
			before = got
			continue
		}
		reach := once.back.shadow.reach
		shadow, kept, others := once.back.shadow.cells, 0, 0
		for cell := range got {
			want := gone[cell]
			if shadow[cell] && time.Duration(i)*500*time.Millisecond <= reach {
				want = before[cell]
				kept++
			}
			if !near(got[cell], want) {
				t.Fatalf("set %d, cell %d (lost %v): %v, want %v", i, cell, shadow[cell], got[cell], want)
			}
			if !near(before[cell], gone[cell]) {
				others++
			}
		}
		if inReach := time.Duration(i)*500*time.Millisecond <= reach; inReach != (kept > 0) || kept == len(got) || others == 0 {
			t.Errorf("set %d: %d cells of %d are kept, the reach is %v; CAM_FRONT's image changed %d", i, kept, len(got), reach, others)
		}
	}
}

func near(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) < 1e-4 })
}

// TestOnlyWhatWasSeenIsKept: nothing is kept in a sequence's first set, nor where a camera
// is back.
func TestOnlyWhatWasSeenIsKept(t *testing.T) {
	sets := standing(t, 4, 0, 2)
	sets[3] = without(apart(t), "CAM_BACK", nil)
	sets[3].Time, sets[3].NewSequence = sets[0].Time.Add(1500*time.Millisecond), "asked"
	p := watch(t)
	var calls []int
	for _, set := range sets {
		clear(p.back.shadow.cells)
		step(t, p.pipeline, set)
		n := 0
		for _, lost := range p.back.shadow.cells {
			if lost {
				n++
			}
		}
		calls = append(calls, n)
	}
	if calls[0] != 0 || calls[1] == 0 || calls[2] != 0 || calls[3] != 0 {
		t.Errorf("lost cells %v, want some in the second set only", calls)
	}
}
