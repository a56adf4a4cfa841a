package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/solofusion/solofusion/nuscenes"
)

// sizes is how much to write.
type sizes struct {
	splits  []split
	sensors []sensor
	data    int // rows of sample_data and of ego_pose, at least one for each sample and sensor
	boxes   int // in each sample of the results; 0 for none to be written
}

// split is a number of scenes whose samples and annotations do not depend on
// what else is written.
type split struct {
	scenes               []int // numbers, ascending
	samples, annotations int   // in all scenes
}

func valSize() sizes {
	return sizes{splits: []split{valSplit()}, sensors: rig()[:1], data: 6_019, boxes: 200}
}

func trainvalSize() sizes {
	val := valSplit()
	train := split{
		scenes: sceneNumbers("train"), samples: 34_149 - val.samples, annotations: 1_166_187 - val.annotations,
	}
	return sizes{splits: []split{train, val}, sensors: rig(), data: 2_631_083}
}

func valSplit() split {
	return split{scenes: sceneNumbers("val"), samples: 6_019, annotations: 133_000}
}

// sceneNumbers returns the numbers of an official split's scenes.
func sceneNumbers(split string) (numbers []int) {
	for _, name := range nuscenes.OfficialScenes(split) {
		number, _ := strconv.Atoi(strings.TrimPrefix(name, "scene-"))
		numbers = append(numbers, number)
	}
	return numbers
}

// plan is how much a scene gets of its split.
type plan struct {
	number, split        int
	samples, annotations int
}

// plans shares the splits out among their scenes, and returns them by number.
func (s sizes) plans() []plan {
	var all []plan
	for i, split := range s.splits {
		even, uneven := make([]float64, len(split.scenes)), make([]float64, len(split.scenes))
		for j, number := range split.scenes {
			even[j] = 1
			uneven[j] = 0.3 + 1.4*rand.New(rand.NewPCG(seedPlan, uint64(number))).Float64() // streets are busy or not
		}
		samples, annotations := share(split.samples, even), share(split.annotations, uneven)
		for j, number := range split.scenes {
			all = append(all, plan{number, i, samples[j], annotations[j]})
		}
	}
	slices.SortFunc(all, func(a, b plan) int { return cmp.Compare(a.number, b.number) })
	return all
}

// share divides total by weights into whole numbers whose sum is total.
func share(total int, weights []float64) []int {
	var sum float64
	for _, w := range weights {
		sum += w
	}
	shares := make([]int, len(weights))
	given, upTo := 0, 0.0
	for i, w := range weights {
		upTo += w
		shares[i] = int(float64(total)*upTo/sum+0.5) - given
		given += shares[i]
	}
	return shares
}

// Seeds of independent streams of chance; the second half of each seed is the
// scene's number.
const (
	seedPlan uint64 = iota + 1
	seedScene
	seedResults
)
