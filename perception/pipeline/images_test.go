package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/preprocess"
)

// with returns a copy of a set in which a camera's image is another.
func with(set *perception.FrameSet, camera string, change func(f *perception.Frame)) *perception.FrameSet {
	i := set.Rig.Index(camera)
	s, f := *set, *set.Frames[i]
	s.Frames = append([]*perception.Frame(nil), set.Frames...)
	change(&f)
	s.Frames[i] = &f
	return &s
}

// uniform makes an image of one brightness.
func uniform(level uint8) func(f *perception.Frame) {
	return func(f *perception.Frame) {
		f.Layout = perception.Layout{Format: perception.BGR8, Width: imageWidth, Height: imageHeight}
		f.Image = make([]byte, 3*imageWidth*imageHeight)
		for i := range f.Image {
			f.Image[i] = level
		}
	}
}

// TestImagesInDoubt: what is done with an image that is damaged, blank or frozen is as
// the options say, and the result says it.
func TestImagesInDoubt(t *testing.T) {
	sets, front := drive(t, 3), "CAM_FRONT"
	half := func(f *perception.Frame) { f.Image = f.Image[:len(f.Image)/2] }
	before := sets[1].Frames[sets[1].Rig.Index(front)].Image
	same := func(f *perception.Frame) { f.Image, f.Key = before, nil }
	stands := func(f *perception.Frame) {
		f.Image, f.GlobalFromEgo = before, sets[1].Frames[sets[1].Rig.Index(front)].GlobalFromEgo
	}
	for name, test := range map[string]struct {
		change                     func(f *perception.Frame)
		images                     preprocess.Options
		rejected, damaged, suspect string // beginnings; "" for none
	}{
		"whole":            {func(*perception.Frame) {}, preprocess.Options{}, "", "", ""},
		"damaged":          {half, preprocess.Options{}, "image is truncated after", "", ""},
		"damaged, used":    {half, preprocess.Options{Damaged: preprocess.Use}, "", "truncated after", ""},
		"damaged, marked":  {half, preprocess.Options{Damaged: preprocess.Mark}, "", "truncated after", "truncated after"},
		"black":            {uniform(3), preprocess.Options{}, "image is black", "", "black"},
		"black, used":      {uniform(3), preprocess.Options{Blank: preprocess.Use}, "", "", "black"},
		"covered":          {uniform(90), preprocess.Options{}, "image is covered", "", "covered: no contrast, brightness 90 of 255 all over"},
		"covered, used":    {uniform(90), preprocess.Options{Blank: preprocess.Use}, "", "", "covered"},
		"frozen":           {same, preprocess.Options{}, "image is frozen: same image for 0.5 s, in which the vehicle moved by 4 m", "", "frozen: same image for 0.5 s"},
		"frozen, used":     {same, preprocess.Options{Frozen: preprocess.Use}, "", "", "frozen: same image for 0.5 s"},
		"frozen, recorded": {func(f *perception.Frame) { f.Image, f.Key = before, new(perception.KeyFrame) }, preprocess.Options{}, "", "", "frozen: same image for 0.5 s"},
		"no motion":        {stands, preprocess.Options{}, "", "", "repeated: same image for 0.5 s"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, Options{Images: test.images})
			step(t, p, sets[1])
			got := step(t, p, with(sets[2], front, test.change))
			for _, c := range []struct {
				kind string
				got  map[string]string
				want string
			}{{"rejected", got.Rejected, test.rejected}, {"damaged", got.Damaged, test.damaged}, {"suspect", got.Suspect, test.suspect}} {
				words, is := c.got[front]
				if is != (c.want != "") || !strings.HasPrefix(words, c.want) || len(c.got) > 1 {
					t.Errorf("%s: %v, want %q", c.kind, c.got, c.want)
				}
			}
			if used := len(got.Missing) == 0; used != (test.rejected == "") {
				t.Errorf("missing %v", got.Missing)
			}
		})
	}
}

// TestStillIsForgotten: an image is the same as before only in time that goes on.
func TestStillIsForgotten(t *testing.T) {
	at := func(seconds, x float64) *perception.Frame {
		return &perception.Frame{
			Image: []byte{1, 2}, Captured: start.Add(time.Duration(seconds * float64(time.Second))),
			GlobalFromEgo: geom.Pose{T: geom.Vec3{x, 0, 0}},
		}
	}
	var s still
	for i, test := range []struct {
		frame  *perception.Frame
		frozen string
		moved  bool
	}{
		{at(0, 0), "", false},
		{at(1, 1.5), "repeated: same image for 1.0 s", false},
		{at(2, 12), "frozen: same image for 2.0 s, in which the vehicle moved by 12 m", true},
		{at(-1, 12), "", false}, // a recording in a loop
		{at(0, 12), "repeated: same image for 1.0 s", false},
	} {
		if frozen, moved := s.take(test.frame); frozen != test.frozen || moved != test.moved {
			t.Errorf("%d: %q, %v, want %q, %v", i, frozen, moved, test.frozen, test.moved)
		}
	}
	other := at(9, 12)
	other.Image = []byte{1, 3}
	if frozen, _ := s.take(other); frozen != "" {
		t.Errorf("another image: %q", frozen)
	}
}

// TestFrozenContinues: a memory that was saved goes on to know the last images.
func TestFrozenContinues(t *testing.T) {
	b, sets := bundle(t), drive(t, 2)
	sets[1] = with(sets[1], "CAM_BACK", func(f *perception.Frame) { f.Image = sets[0].Frames[sets[0].Rig.Index("CAM_BACK")].Image })
	p, other := openBundle(t, b, Options{}), openBundle(t, b, Options{})
	step(t, p, sets[0])
	m, err := other.LoadMemory(strings.NewReader(string(saved(t, p))))
	if err != nil {
		t.Fatal(err)
	}
	want := step(t, p, sets[1])
	if diff := cmp.Diff(want, must(t, other, m, sets[1]), untimed); diff != "" || want.Suspect["CAM_BACK"] == "" {
		t.Errorf("suspect %v (-whole +continued):\n%s", want.Suspect, diff)
	}
}
