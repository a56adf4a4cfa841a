package quant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/solofusion/solofusion/model"
)

// Goal is what a search for 8-bit graphs is to reach.
type Goal struct {
	MaxLoss   float64 // largest share of the sure boxes that may be lost; at least 0
	SevenBits bool
	Run       Run
	Step      func(Step) // called with each trial; may be nil
}

// Step is a trial of the search.
type Step struct {
	Kept []model.KeptLayer // all layers that stay float32
	Loss Loss
	Took time.Duration // of a set, all stages; the float32 bundle's in Found.Float
}

// Found is the result of a search.
type Found struct {
	Bundle  *model.Bundle
	Result  Step // the bundle's
	Steps   []Step
	Float   time.Duration // of a set, with the float32 graphs
	Options Options
}

// ErrLoss is of a search that has no layers left to try.
var ErrLoss = errors.New("float32 alone is within the largest loss")

// Search returns 8-bit graphs of a float32 bundle that lose at most the goal's share of the
// boxes found in the drives. It starts with all layers in 8 bits. While the loss is above
// the goal, the graph that is off most gives layers back to float32, those first that gain most for
// their products, until it is off by half. In the end each layer that was given back is tried in
// 8 bits again, those of most products first.
func Search(ctx context.Context, b *model.Bundle, s *Statistics, drives []Drive, goal Goal) (*Found, error) {
	const examples = 4
	of, err := sample(ctx, b, drives, examples, goal.Run)
	if err != nil {
		return nil, err
	}
	f := &Found{Options: Options{SevenBits: goal.SevenBits, Spread: defaultSpread}}
	began := time.Now()
	want, err := detect(ctx, b, drives, recorded, goal.Run)
	if err != nil {
		return nil, err
	}
	f.Float = perSet(began, want)
	for {
		if err := f.try(ctx, b, s, drives, want, goal); err != nil {
			return nil, err
		}
		at := f.Result
		if at.Loss.Boxes == 0 && goal.MaxLoss < 1 {
			return nil, fmt.Errorf("quant: the loss is %s: want a recording in which the model finds something", at.Loss)
		}
		if at.Loss.Share() <= goal.MaxLoss {
			return f, f.takeBack(ctx, b, s, drives, want, goal)
		}
		before := f.Options.Keep.count()
		if f.Options, err = of.giveBack(ctx, b, s, f.Options, goal.Run.Threads); err != nil {
			return nil, err
		}
		left, err := anyLayer(b, f.Options.Keep)
		if err != nil {
			return nil, err
		}
		if !left || f.Options.Keep.count() == before { // no graph's outputs are off, and yet boxes are lost
			return nil, fmt.Errorf("quant: %w, %g; the last try: %s", ErrLoss, goal.MaxLoss, at.Loss)
		}
	}
}

// takeBack tries layers that stay float32 in 8 bits again, one after the other, and leaves
// them so if the loss is still within the goal.
func (f *Found) takeBack(ctx context.Context, b *model.Bundle, s *Statistics, drives []Drive, want found, goal Goal) error {
	best := *f
	kept, err := largestFirst(b, f.Options.Keep)
	if err != nil {
		return err
	}
	for _, l := range kept {
		f.Options.Keep = best.Options.Keep.without(l.Graph, l.Layer)
		if err := f.try(ctx, b, s, drives, want, goal); err != nil {
			return err
		}
		if f.Result.Loss.Share() <= goal.MaxLoss {
			best.Bundle, best.Options, best.Result = f.Bundle, f.Options, f.Result
		}
	}
	best.Steps = f.Steps
	*f = best
	return nil
}

// largestFirst returns layers of the graphs, those of most products first.
func largestFirst(b *model.Bundle, of Keep) (all []Sensitivity, err error) {
	for _, g := range model.Graphs() {
		list, err := layers(b, g, nil)
		if err != nil {
			return nil, fmt.Errorf("model: %s: %w", g, err)
		}
		for _, l := range list {
			if of[g][l.Name] {
				all = append(all, Sensitivity{Graph: g, Layer: l.Name, MACs: l.MACs})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Sensitivity) int { return -cmp.Compare(a.MACs, b.MACs) })
	return all, nil
}

// anyLayer reports whether a layer is left in integers.
func anyLayer(b *model.Bundle, keep Keep) (bool, error) {
	for _, g := range model.Graphs() {
		if list, err := layers(b, g, keep); err != nil || len(list) > 0 {
			return true, err
		}
	}
	return false, nil
}

// giveBack returns the options with layers of one graph, the one that is off most, kept
// float32.
func (s samples) giveBack(ctx context.Context, b *model.Bundle, stats *Statistics, o Options, threads int) (Options, error) {
	var worst model.Graph
	most := 0.0
	for _, g := range model.Graphs() {
		if off, err := s.trial(b, g, stats, o, threads); err != nil {
			return o, err
		} else if off > most {
			worst, most = g, off
		}
	}
	if worst == "" {
		return o, nil
	}
	for off := most; off == most || off > most/2; {
		all, whole, err := s.sensitivities(ctx, b, worst, stats, o, threads)
		if err != nil || len(all) == 0 {
			return o, err
		}
		best := slices.MaxFunc(all, func(a, b Sensitivity) int { return cmp.Compare(a.worth(), b.worth()) })
		o.Keep = o.Keep.with(worst, best.Layer)
		off = whole * (1 - best.Gain)
	}
	return o, nil
}

// defaultSpread is the Spread that lost fewest boxes.
const defaultSpread = 0.5

func perSet(began time.Time, sets found) time.Duration {
	return time.Since(began) / time.Duration(max(len(sets), 1))
}

// try measures the loss with the present options.
func (f *Found) try(ctx context.Context, b *model.Bundle, s *Statistics, drives []Drive, want found, goal Goal) error {
	eight, err := Quantise(b, s, f.Options)
	if err != nil {
		return err
	}
	began := time.Now()
	got, err := detect(ctx, eight, drives, recorded, goal.Run)
	if err != nil {
		return err
	}
	step := Step{Loss: missed(want, got), Took: perSet(began, got), Kept: eight.Manifest.Graphs[cpu].Quantisation.Kept}
	f.Bundle, f.Result, f.Steps = eight, step, append(f.Steps, step)
	if goal.Step != nil {
		goal.Step(step)
	}
	return nil
}

// trial returns the error of a graph's outputs with those options.
func (s samples) trial(b *model.Bundle, g model.Graph, stats *Statistics, o Options, threads int) (float64, error) {
	e, err := quantise(b, g, stats, o)
	if err != nil {
		return 0, fmt.Errorf("model: %s: %w", g, err)
	}
	return s.error(g, e, threads)
}

// Split returns the drives that ranges are measured on, and those on which the loss is
// counted: each fourth, or all if there are fewer than four.
func Split(drives []Drive) (measured, counted []Drive) {
	if len(drives) < 4 {
		return drives, drives
	}
	for i, d := range drives {
		if i%4 == 3 {
			counted = append(counted, d)
		} else {
			measured = append(measured, d)
		}
	}
	return measured, counted
}

// Record returns the bundle with its loss in the manifest; heldOut says that it was counted
// on other drives than the ranges are from.
func (f *Found) Record(heldOut bool) (*model.Bundle, error) {
	l := f.Result.Loss
	m := f.Bundle.Manifest
	set := m.Graphs[cpu]
	q := *set.Quantisation
	q.Loss = &model.MeasuredLoss{Share: l.Share(), Boxes: l.Boxes, Score: sure, Metres: near, Sets: l.Sets, HeldOut: heldOut}
	set.Quantisation = &q
	m.Graphs = maps.Clone(m.Graphs)
	m.Graphs[cpu] = set
	return model.New(m, f.Bundle.Files())
}
