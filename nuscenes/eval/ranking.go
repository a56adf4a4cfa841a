package eval

import (
	"cmp"
	"maps"
	"runtime"
	"slices"

	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// ranking is all that the metric needs of a class: its found boxes of all
// frames in the order in which they choose, and which of them hit.
type ranking struct {
	class     perception.Class
	positives []int               // true boxes in each scene
	scores    []float64           // of found boxes, descending
	scenes    []int32             // of each, as a position
	hits      [numDistances][]hit // at each distance, in the same order
}

// hit is a found box that matches.
type hit struct {
	rank, scene int
	score       float64
	pair
}

// key is the place of a fate in the order of choice.
type key struct {
	score        float64
	frame, index uint32 // of the fate among its frame's
}

// rank matches and sorts the boxes of frames. The scenes are those of the frames, by name.
func rank(cfg *Config, frames []Frame) (rankings []*ranking, scenes []*nuscenes.Scene) {
	scenes, sceneOf := scenesOf(frames)
	pool := parallel.New(runtime.GOMAXPROCS(0))
	defer pool.Close()
	all := make([]fates, len(frames))
	pool.Run(len(frames), func(i int) { all[i] = matchFrame(cfg, &frames[i]) })
	rankings = make([]*ranking, len(cfg.Classes))
	pool.Run(len(cfg.Classes), func(i int) {
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
	n := 0
	for i := range all {
		n += len(all[i][class])
	}
	keys := make([]key, 0, n)
	for i := range all {
		for j := range all[i][class] {
			keys = append(keys, key{all[i][class][j].score, uint32(i), uint32(j)})
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.score != b.score {
			return cmp.Compare(b.score, a.score)
		}
		if a.frame != b.frame { // the later of equals first
			return cmp.Compare(b.frame, a.frame)
		}
		return cmp.Compare(a.index, b.index)
	})
	r := &ranking{class: class, scores: make([]float64, len(keys)), scenes: make([]int32, len(keys))}
	for i, k := range keys {
		scene := sceneOf[k.frame]
		r.scores[i], r.scenes[i] = k.score, int32(scene)
		for d, p := range all[k.frame][class][k.index].pairs {
			if p != nil {
				r.hits[d] = append(r.hits[d], hit{i, scene, k.score, *p})
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
