package pipeline

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/perception"
)

// outcome is what a step gave.
type outcome struct {
	Result *perception.Result
	Err    string
}

func outcomeOf(r *perception.Result, err error) outcome {
	if err != nil {
		return outcome{Err: err.Error()}
	}
	return outcome{Result: r}
}

// ahead steps through the sets, each looked at while the one before is finished.
func ahead(d *Detector, m *Memory, sets []*perception.FrameSet) (all []outcome) {
	looked := make(chan *Glance)
	go func() {
		defer close(looked)
		for _, set := range sets {
			looked <- d.Look(m, set)
		}
	}()
	for g := range looked {
		all = append(all, outcomeOf(g.Finish()))
	}
	return all
}

// TestLookAhead: with a lost camera, a refused set, another calibration and a jump in
// time under way, looking ahead gives what steps give.
func TestLookAhead(t *testing.T) {
	sets := drive(t, 8)
	sets[2] = without(sets[2], "CAM_FRONT", nil)
	refused := *sets[3]
	refused.Frames = refused.Frames[1:]
	sets[3] = &refused
	moved := *sets[4].Rig
	moved.Cameras = append([]perception.Camera(nil), moved.Cameras...)
	moved.Cameras[0].EgoFromCamera.Translation[0] += 0.2
	for _, i := range []int{4, 5} {
		other := *sets[i]
		other.Rig = &moved
		sets[i] = &other
	}
	back := *sets[6]
	back.Time = sets[1].Time
	sets[6] = &back
	for _, o := range []Options{{History: "recursive"}, {History: "direct", Threads: 2}} {
		d := open(t, o)
		var want []outcome
		for _, set := range sets {
			want = append(want, outcomeOf(d.Detector.Step(d.memory, set)))
		}
		if want[3].Err == "" || want[6].Result.Reset == "" {
			t.Fatalf("set 3: %q, set 6 is reset by %q: want an error and a reason", want[3].Err, want[6].Result.Reset)
		}
		if diff := cmp.Diff(want, ahead(d.Detector, d.NewMemory(), sets), untimed); diff != "" {
			t.Errorf("%+v (-step +ahead):\n%s", o, diff)
		}
	}
}

// TestLookBeforeAFailure: a set that was looked at before the one before it failed is the
// first of a sequence.
func TestLookBeforeAFailure(t *testing.T) {
	sets := drive(t, 3)
	d := open(t, Options{})
	step(t, d, sets[0])
	first, second := d.Look(d.memory, sets[1]), d.Look(d.memory, sets[2])
	first.stage, first.err = Head, errors.New("no memory")
	if _, err := first.Finish(); err == nil {
		t.Fatal("the failure is not told")
	}
	got, err := second.Finish()
	if err != nil {
		t.Fatal(err)
	}
	want := step(t, open(t, Options{}), sets[2])
	if got.Reset != "a failure in head" {
		t.Errorf("reset by %q", got.Reset)
	}
	want.Reset = got.Reset
	if diff := cmp.Diff(want, got, untimed); diff != "" {
		t.Errorf("not as from a new detector (-want +got):\n%s", diff)
	}
}
