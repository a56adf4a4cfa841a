package quant

import (
	"context"
	"fmt"
	"slices"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// Drive is a scene of a recording.
type Drive struct {
	Dataset *nuscenes.Dataset
	Scene   *nuscenes.Scene
}

// Drives returns the scenes of a data set, in its order.
func Drives(ds *nuscenes.Dataset) (all []Drive) {
	for _, s := range ds.Scenes {
		all = append(all, Drive{ds, s})
	}
	return all
}

// each calls do with the drive's sets in order, under a condition. index counts the sets
// of the recording.
func (d Drive) each(ctx context.Context, c condition, do func(index int, set *perception.FrameSet) error) error {
	source, err := replay.NewSource(d.Dataset, []*nuscenes.Scene{d.Scene}, replay.Options{})
	if err != nil {
		return err
	}
	index := -1
	return framesync.Each(ctx, source, func(set *perception.FrameSet) error {
		index++
		if err := ctx.Err(); err != nil {
			return err
		}
		if set = c.change(d, index, set); set == nil {
			return nil
		}
		return do(index, set)
	})
}

// condition is what happens to a drive's sets.
type condition string

// The conditions.
const (
	recorded condition = "as recorded"
	camera   condition = "a camera missing" // another one in each drive
	lost     condition = "frames lost"      // two of each five sets
	blind    condition = "no images"        // each fourth set
)

var conditions = []condition{recorded, camera, lost, blind}

// change returns the set under the condition; nil if it is lost.
func (c condition) change(d Drive, index int, set *perception.FrameSet) *perception.FrameSet {
	switch {
	case c == lost && index%5 >= 3:
		return nil
	case c == camera:
		return without(set, func(i int) bool { return i == d.number()%len(set.Frames) })
	case c == blind && index%4 == 3:
		return without(set, func(int) bool { return true })
	}
	return set
}

// number is the scene's in its data set.
func (d Drive) number() int { return slices.Index(d.Dataset.Scenes, d.Scene) }

// without returns a set without some cameras' frames.
func without(set *perception.FrameSet, gone func(camera int) bool) *perception.FrameSet {
	other := *set
	other.Frames = slices.Clone(set.Frames)
	for i := range other.Frames {
		if gone(i) {
			other.Frames[i] = nil
		}
	}
	return &other
}

// stratum is what frames have in common that values may depend on.
type stratum struct {
	condition condition
	depth     int // of the history, in sets of the drive
}

func (s stratum) String() string { return fmt.Sprintf("%s, %d before", s.condition, s.depth) }

// depths returns the history's depths of which frames are taken, for one of that many
// frames.
func depths(frames int) (all []int) {
	for _, d := range []int{0, 1, 2, 4, 8, 12, frames} {
		if d <= frames && !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return all
}

// strata returns all strata for a history of that many frames.
func strata(frames int) (all []stratum) {
	for _, c := range conditions {
		for _, d := range depths(frames) {
			all = append(all, stratum{c, d})
		}
	}
	return all
}
