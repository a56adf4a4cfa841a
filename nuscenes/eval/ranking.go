package eval

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// ranking is all that the metric needs of a class: its found boxes of all
// frames in the order in which they choose, and which of them match.
type ranking struct {
	class     perception.Class
	positives []int                        // true boxes in each scene
	scores    []float64                    // of found boxes, descending
	scenes    []int32                      // of each, as a position
	tp        [numDistances][]truePositive // at each distance, in the same order
	tpScenes  [numDistances][]int32        // of each true positive, by themselves since resampling reads little else
}

// truePositive is a found box that matches.
type truePositive struct {
	rank  int
	score float64
	pair
}

// key is what found boxes are sorted by, ascending: descending scores, which have no
// sign, as bits; then later frames first, and in a frame the order of choice.
type key struct {
	score uint64
	order uint64 // frame from the last one, position in it, and in the lowest bit whether it has matches
}

func newKey(f fate, frame, frames, index int) key {
	order := uint64(frames-1-frame)<<32 | uint64(index)<<1
	if f.matches >= 0 {
		order |= 1
	}
	return key{^math.Float64bits(f.score + 0), order} // -0 becomes 0
}

func (k key) frame(frames int) int { return frames - 1 - int(k.order>>32) }

func (k key) index() int { return int(k.order&math.MaxUint32) >> 1 }

func (k key) hasMatches() bool { return k.order&1 != 0 }

func compareKeys(a, b key) int {
	switch {
	case a.score < b.score || a.score == b.score && a.order < b.order:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// rank matches and sorts the boxes of frames. The scenes are those of the
// frames, by name.
func rank(cfg *Config, frames []Frame) (rankings []*ranking, scenes []*nuscenes.Scene) {
	scenes, sceneOf := scenesOf(frames)
	all := make([]fates, len(frames))
	inParallel(len(frames), func(i int) { all[i] = matchFrame(cfg, &frames[i]) })
	rankings = make([]*ranking, len(cfg.Classes))
	inParallel(len(cfg.Classes), func(i int) {
		rankings[i] = newRanking(cfg.Classes[i], all, sceneOf)
		rankings[i].positives = positives(cfg.Classes[i], frames, sceneOf, len(scenes))
	})
	return rankings, scenes
}

// scenesOf returns the frames' scenes by name, and the position of each
// frame's.
func scenesOf(frames []Frame) (scenes []*nuscenes.Scene, sceneOf []int) {
	position := map[*nuscenes.Scene]int{}
	for i := range frames {
		position[frames[i].Sample.Scene] = 0
	}
	scenes = slices.SortedFunc(maps.Keys(position), func(a, b *nuscenes.Scene) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Token, b.Token))
	})
	for i, scene := range scenes {
		position[scene] = i
	}
	for i := range frames {
		sceneOf = append(sceneOf, position[frames[i].Sample.Scene])
	}
	return scenes, sceneOf
}

func newRanking(class perception.Class, all []fates, sceneOf []int) *ranking {
	n, matched := 0, 0
	for i := range all {
		n += len(all[i].of[class])
	}
	keys := make([]key, 0, n)
	for i := range all {
		for j, f := range all[i].of[class] {
			keys = append(keys, newKey(f, i, len(all), j))
			matched += int(keys[len(keys)-1].order & 1)
		}
	}
	slices.SortFunc(keys, compareKeys)
	r := &ranking{class: class, scores: make([]float64, n), scenes: make([]int32, n)}
	for d := range r.tp {
		r.tp[d], r.tpScenes[d] = make([]truePositive, 0, matched), make([]int32, 0, matched)
	}
	for rank, k := range keys {
		frame, score := k.frame(len(all)), math.Float64frombits(^k.score)
		scene := int32(sceneOf[frame])
		r.scores[rank], r.scenes[rank] = score, scene
		if !k.hasMatches() {
			continue
		}
		f := &all[frame]
		for d, p := range f.matches[f.of[class][k.index()].matches] {
			if p != nil {
				r.tp[d] = append(r.tp[d], truePositive{rank, score, *p})
				r.tpScenes[d] = append(r.tpScenes[d], scene)
			}
		}
	}
	return r
}

// positives counts a class's true boxes in each scene.
func positives(class perception.Class, frames []Frame, sceneOf []int, scenes int) []int {
	counts := make([]int, scenes)
	for i := range frames {
		for j := range frames[i].Truth {
			if frames[i].Truth[j].Class == class {
				counts[sceneOf[i]]++
			}
		}
	}
	return counts
}
