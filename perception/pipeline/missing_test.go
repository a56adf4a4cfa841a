package pipeline

import (
	"slices"
	"testing"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/tensor"
)

// apart is a first set whose cameras' views do not overlap.
func apart(t *testing.T) *perception.FrameSet {
	t.Helper()
	set := *drive(t, 1)[0]
	rig := *set.Rig
	rig.Cameras = slices.Clone(rig.Cameras)
	for i := range rig.Cameras {
		rig.Cameras[i].Intrinsics[0], rig.Cameras[i].Intrinsics[4] = 240, 240 // 37 degrees, every 60
	}
	set.Rig = &rig
	return &set
}

// seen returns what a new pipeline shows of a set, and its result.
func seen(t *testing.T, set *perception.FrameSet) (map[string]*tensor.F32, *perception.Result) {
	t.Helper()
	d := &dump{values: map[string]*tensor.F32{}}
	r := step(t, open(t, Options{Observer: d}), set)
	return d.values, r
}

// only returns a copy of a set with the frame of one camera.
func only(set *perception.FrameSet, camera string) *perception.FrameSet {
	for _, f := range set.Frames {
		if f != nil && f.Camera != camera {
			set = without(set, f.Camera, nil)
		}
	}
	return set
}

// What a missing camera takes from the plane is what its image carried: the
// cells that it does not reach are unchanged to the bit.
func TestMissingCameraTakesOnlyItsCells(t *testing.T) {
	set := apart(t)
	for _, lost := range []string{"CAM_FRONT", "CAM_BACK_LEFT"} {
		whole, _ := seen(t, set)
		rest, result := seen(t, without(set, lost, nil))
		own, _ := seen(t, only(set, lost))
		if !slices.Equal(result.Missing, []string{lost}) || len(result.Detections) == 0 {
			t.Errorf("missing %v with %d detections", result.Missing, len(result.Detections))
		}
		channels := whole["bev_raw"].Shape[3]
		notZero := func(x float32) bool { return x != 0 }
		reached, others, changed := 0, 0, 0
		for cell := 0; cell < len(whole["bev_raw"].Data); cell += channels {
			at := func(p map[string]*tensor.F32) []float32 { return p["bev_raw"].Data[cell : cell+channels] }
			isReached, isSame := slices.ContainsFunc(at(own), notZero), slices.Equal(at(whole), at(rest))
			switch {
			case isReached:
				reached++
			case slices.ContainsFunc(at(whole), notZero):
				others++
			}
			if !isSame && !isReached {
				t.Errorf("without %s, cell %d changed, which it does not reach", lost, cell/channels)
			}
			if !isSame {
				changed++
			}
		}
		if reached == 0 || others == 0 || changed != reached {
			t.Errorf("%s reaches %d cells, of which %d changed; the others reach %d more", lost, reached, changed, others)
		}
	}
}

// If views overlap, a camera's image also helps its neighbours' depth. The
// cameras that see nothing of what it sees keep theirs to the bit.
func TestMissingCameraLeavesDistantDepthAlone(t *testing.T) {
	set := drive(t, 1)[0]
	whole, _ := seen(t, set)
	rest, _ := seen(t, without(set, "CAM_FRONT", nil))
	rows := func(values map[string]*tensor.F32, cameras int) [][]float32 {
		return slices.Collect(slices.Chunk(values["depth"].Data, len(values["depth"].Data)/cameras))
	}
	all, five := rows(whole, 6), rows(rest, 5) // in the bundle's order, where CAM_FRONT is second
	for i, name := range []string{"CAM_FRONT_LEFT", "CAM_FRONT_RIGHT", "CAM_BACK_LEFT", "CAM_BACK", "CAM_BACK_RIGHT"} {
		same := slices.Equal(all[[]int{0, 2, 3, 4, 5}[i]], five[i])
		if neighbour := i < 2; same == neighbour {
			t.Errorf("the depth of %s unchanged: %v", name, same)
		}
	}
}
