package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// drive returns the frames of a scene with cars, and pedestrians in every
// other scene, of which a detector finds a share that differs from scene to scene.
func drive(scene int, dice *rand.Rand) (frames []Frame) {
	s := &nuscenes.Scene{Name: fmt.Sprintf("scene-%04d", scene), Token: fmt.Sprint("token-", scene)}
	pedestrian, _ := perception.ParseClass("pedestrian")
	skill := 0.4 + 0.5*dice.Float64()
	for range 4 {
		f := Frame{Sample: &nuscenes.Sample{Scene: s}}
		for i := range 8 {
			place := float64(20 * i)
			truth, found := newTruths(place)[0], newBoxes(dice.Float64(), place+dice.NormFloat64())[0]
			if i%4 == 3 && scene%2 == 0 {
				truth.Class, found.Class = pedestrian, pedestrian
			}
			truth.Attribute, found.Attribute = "vehicle.moving", nuscenes.VehicleMoving+nuscenes.BoxAttribute(dice.IntN(2))
			found.Velocity[0] = dice.NormFloat64()
			if i == 5 {
				found.Velocity[0] = math.NaN()
			}
			if dice.Float64() > skill {
				found.Center[0] += 500
				found.Score *= 0.8
			}
			f.Truth, f.Found = append(f.Truth, truth), append(f.Found, found)
		}
		frames = append(frames, f)
	}
	return frames
}

func drives(n int, dice *rand.Rand) (frames []Frame) {
	for scene := range n {
		frames = append(frames, drive(scene, dice)...)
	}
	return frames
}

// TestAResampleIsGradedAsTheDataSetThatItStandsFor writes a resample out, with a
// new scene for each copy, and grades that.
func TestAResampleIsGradedAsTheDataSetThatItStandsFor(t *testing.T) {
	const scenes = 12
	dice := rand.New(rand.NewPCG(1, 2))
	frames := drives(scenes, dice)
	m := Evaluate(CVPR2019(), frames)
	for range 20 {
		g := grader{cfg: &m.Config, weights: &weights{scenes: make([]int32, scenes)}}
		g.weights.draw(dice)
		var copies []Frame
		for scene, weight := range g.weights.scenes {
			for range weight {
				s := &nuscenes.Scene{Name: fmt.Sprint("copy-", len(copies))}
				for _, f := range frames[4*scene : 4*scene+4] {
					f.Sample = &nuscenes.Sample{Scene: s}
					copies = append(copies, f)
				}
			}
		}
		want, got := Evaluate(m.Config, copies).numbers(), g.gradeAll(m).numbers()
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-12 || math.IsNaN(got[i]) != math.IsNaN(want[i]) {
				t.Errorf("weights %v: number %d is %g, want %g", g.weights.scenes, i, got[i], want[i])
			}
		}
	}
}

// TestIntervalsCoverTheTruth grades many data sets of the same kind. The numbers
// of the kind itself, taken from a very large one, must lie in about 95 of 100
// intervals.
func TestIntervalsCoverTheTruth(t *testing.T) {
	const sets, scenes, resamples = 150, 40, 150
	dice := rand.New(rand.NewPCG(3, 4))
	truth := Evaluate(CVPR2019(), drives(3000, dice))
	var mAP, nds, car int
	for range sets {
		s := Evaluate(CVPR2019(), drives(scenes, dice)).Bootstrap(resamples, 5)
		mAP += inside(truth.MeanAP, s.MeanAP)
		nds += inside(truth.NDS, s.NDS)
		car += inside(truth.Classes[0].MeanAP, s.ClassAP[0])
	}
	for name, covered := range map[string]int{"mAP": mAP, "NDS": nds, "car AP": car} {
		share := float64(covered) / sets
		t.Logf("%s: %.3f of the intervals hold the truth", name, share)
		// 95 % less what 150 resamples and 40 scenes cost, and the noise of 150 sets.
		if share < 0.87 || share > 0.995 {
			t.Errorf("%s: %.3f of the intervals hold the truth, want about 0.95", name, share)
		}
	}
}

func inside(x float64, i Interval) int {
	if i.Low <= x && x <= i.High {
		return 1
	}
	return 0
}

// TestComparingIsPaired compares a detector with a copy of itself that is a
// little better everywhere: scenes differ far more than the two do.
func TestComparingIsPaired(t *testing.T) {
	better := drives(20, rand.New(rand.NewPCG(6, 7)))
	worse := drives(20, rand.New(rand.NewPCG(6, 7)))
	for i := range worse {
		worse[i].Found[0].Score *= 0.5
		worse[i].Found[1].Center[0] += 500
	}
	ours, theirs := Evaluate(CVPR2019(), better), Evaluate(CVPR2019(), worse)
	c := ours.Compare(theirs, 200, 8)
	if c.MeanAP != ours.MeanAP-theirs.MeanAP || c.NDS != ours.NDS-theirs.NDS || c.ClassAP[0] != ours.Classes[0].MeanAP-theirs.Classes[0].MeanAP {
		t.Errorf("differences %+v", c)
	}
	spread := ours.Bootstrap(200, 8).MeanAP
	if paired := c.Spread.MeanAP; paired.Low <= 0 || paired.High-paired.Low > (spread.High-spread.Low)/2 {
		t.Errorf("difference in %v, though the metric itself is in %v", paired, spread)
	}
	if same := ours.Compare(ours, 50, 8).Spread; same.NDS != (Interval{}) {
		t.Errorf("results differ from themselves by %v", same.NDS)
	}
}

// TestAClassThatIsRareKeepsItsValue if a resample has none of it: a perfect detector
// stays perfect.
func TestAClassThatIsRareKeepsItsValue(t *testing.T) {
	pedestrian, _ := perception.ParseClass("pedestrian")
	var frames []Frame
	for scene := range MinScenes {
		f := Frame{Sample: &nuscenes.Sample{Scene: &nuscenes.Scene{Name: fmt.Sprint(scene)}}, Truth: newTruths(1, 20), Found: newBoxes(0.5, 1, 20)}
		if scene == 0 {
			f.Truth[1].Class, f.Found[1].Class = pedestrian, pedestrian
		}
		frames = append(frames, f)
	}
	s := Evaluate(CVPR2019(), frames).Bootstrap(100, 1)
	if math.Abs(s.MeanAP.Low-0.2) > 1e-12 || math.Abs(s.MeanAP.High-0.2) > 1e-12 {
		t.Errorf("mAP in %v, want 0.2: both of ten classes are found", s.MeanAP)
	}
}

func TestIntervalsNeedScenes(t *testing.T) {
	m := Evaluate(CVPR2019(), drives(MinScenes-1, rand.New(rand.NewPCG(1, 1))))
	many := Evaluate(CVPR2019(), drives(MinScenes, rand.New(rand.NewPCG(1, 1))))
	if many.Bootstrap(0, 1) != nil || many.Compare(many, 0, 1).Spread != nil || m.Bootstrap(10, 1) != nil || m.Compare(m, 10, 1).Spread != nil {
		t.Error("intervals of too few scenes")
	}
	defer func() {
		if recover() == nil {
			t.Error("metrics of different scenes were compared")
		}
	}()
	m.Compare(Evaluate(CVPR2019(), drives(3, rand.New(rand.NewPCG(1, 1)))), 10, 1)
}

func TestSameIntervalsForAnyNumberOfProcessors(t *testing.T) {
	m := Evaluate(CVPR2019(), drives(12, rand.New(rand.NewPCG(9, 9))))
	many := fmt.Sprint(m.Bootstrap(50, 1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if diff := cmp.Diff(many, fmt.Sprint(m.Bootstrap(50, 1))); diff != "" {
		t.Error(diff)
	}
	if other := fmt.Sprint(m.Bootstrap(50, 2)); other == many {
		t.Error("another seed draws the same")
	}
}
