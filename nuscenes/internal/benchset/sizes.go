package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
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

// The scenes of the official splits, as package nuscenes has them.
const (
	trainScenes = "1-2,4-11,19-34,41-76,120-135,138-139,149-152,154-155,157-168,170-185," +
		"187-188,190-196,199-200,202-204,206-214,218-220,222,224-264,283-306,315-318,321,323-324,328," +
		"347-386,388-403,405-408,410-459,461-465,467-469,471-472,474-480,499-502,504-515,517-518," +
		"525-539,541-546,566,568,570-578,580,582-600,639-679,681,683-689,695-698,700-701,703-719," +
		"726-728,730-731,733-741,744,746-747,749-752,757-765,767-769,786-787,789-792,803-806,808-813," +
		"815-817,819-822,847-856,858,860-866,868-873,875-878,880,882-903,945,947,949,952-953,955-961," +
		"975-984,988-992,994-1025,1044-1058,1074-1102,1104-1110"
	valScenes = "3,12-18,35-36,38-39,92-110,221,268-278,329-332,344-346,519-524,552-565,625-627," +
		"629-630,632-638,770-771,775,777-778,780-784,794-800,802,904-917,919-931,962-963,966-969," +
		"971-972,1059-1073"
)

func valSize() sizes {
	return sizes{splits: []split{valSplit()}, sensors: rig()[:1], data: 6_019, boxes: 200}
}

func trainvalSize() sizes {
	val := valSplit()
	train := split{
		scenes: sceneNumbers(trainScenes), samples: 34_149 - val.samples, annotations: 1_166_187 - val.annotations,
	}
	return sizes{splits: []split{train, val}, sensors: rig(), data: 2_631_083}
}

func valSplit() split {
	return split{scenes: sceneNumbers(valScenes), samples: 6_019, annotations: 133_000}
}

// sceneNumbers returns the numbers of a list such as 1-3,7.
func sceneNumbers(ranges string) []int {
	var numbers []int
	for part := range strings.SplitSeq(ranges, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, _ := strconv.Atoi(first)
		to, _ := strconv.Atoi(last)
		for n := from; n <= to; n++ {
			numbers = append(numbers, n)
		}
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
