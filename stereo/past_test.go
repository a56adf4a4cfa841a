package stereo

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/tensor"
)

// TestPast: a frame is matched against itself or against the one that is asked for,
// of whatever cameras, even of none; what is to be kept stays.
func TestPast(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 9))
	m := mustNew(t, toy, randomWeights(rng, toy.Groups), nil)
	a, b, mono := ring(rng, &toy, 2, 0), ring(rng, &toy, 2, 1), multimodal(rng, &toy, 2)
	nothing := tensor.New[float32](0, toy.Coarse.Height, toy.Coarse.Width, toy.Depth.Count)
	step := func(past *Past, f Frame) []float32 {
		depth := tensor.New[float32](mono.Shape...)
		m.Step(past, f, mono, depth)
		return depth.Data
	}
	first := Frame{Views: b, Before: Itself}
	itself, after, unseen := step(against(b), Frame{Views: b}), step(against(a), Frame{Views: b}), step(against(nil), Frame{Views: b})
	past := &Past{}
	for range 2 { // the second time in used arrays
		step(past, Frame{Views: a, Before: Itself})
		kept := [][]float32{slices.Clone(a[0].Features), slices.Clone(a[1].Features)}
		for i := range a {
			clear(a[i].Features) // the past is a copy
		}
		golden.Within(t, "the frame before", step(past, Frame{Views: b, Keep: []int{0}}), after, golden.Bound{})
		golden.Within(t, "the frame before that", step(past, Frame{Views: b, Before: 1, Keep: []int{1}}), after, golden.Bound{})
		golden.Within(t, "what was kept", step(past, Frame{Views: b, Before: 1, Keep: []int{0, 1}}), after, golden.Bound{})
		for i := range a {
			copy(a[i].Features, kept[i])
		}
		if past.Len() != 3 {
			t.Errorf("%d frames are kept, want 3", past.Len())
		}
		golden.Within(t, "the first of a sequence", step(past, first), itself, golden.Bound{})
		m.Step(past, Frame{}, nothing, nothing)
		golden.Within(t, "after a frame without images", step(past, Frame{Views: b}), unseen, golden.Bound{})
	}
}

// TestSavedPast: what is saved is as it came, and is matched like what was kept.
func TestSavedPast(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 10))
	m := mustNew(t, wide, randomWeights(rng, wide.Groups), nil)
	a, b, mono := ring(rng, &wide, 2, 0), ring(rng, &wide, 2, 1), multimodal(rng, &wide, 2)
	got, want := tensor.New[float32](mono.Shape...), tensor.New[float32](mono.Shape...)
	var kept, loaded Past
	m.Step(&kept, Frame{Views: a, Before: Itself}, mono, got)
	var saved, natural, again bytes.Buffer
	if err := errors.Join(kept.Save(&saved), against(a).Save(&natural)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(saved.Bytes(), natural.Bytes()) {
		t.Error("features are not saved as they came")
	}
	if err := loaded.Load(bytes.NewReader(saved.Bytes()), Most{Frames: 1, Views: 2, Features: len(a[0].Features)}); err != nil {
		t.Fatal(err)
	}
	m.Step(&kept, Frame{Views: b, Keep: []int{0}}, mono, want)
	m.Step(&loaded, Frame{Views: b, Keep: []int{0}}, mono, got)
	golden.Within(t, "after loading", got.Data, want.Data, golden.Bound{})
	saved.Reset()
	if err := errors.Join(kept.Save(&saved), loaded.Save(&again)); err != nil || !bytes.Equal(saved.Bytes(), again.Bytes()) {
		t.Errorf("what was loaded is saved differently: error %v", err)
	}
}
