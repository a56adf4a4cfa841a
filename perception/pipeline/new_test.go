package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/preprocess"
)

func TestUnknownCamerasComeLast(t *testing.T) {
	rig := testRig()
	rig.Cameras[2].Name = "CAM_ROOF"
	mounted, err := mount(&bundle(t).Manifest, rig, preprocess.Defaults(), compute.Resources{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range mounted.cameras {
		names = append(names, fmt.Sprint(c.Name, c.index))
	}
	want := []string{"CAM_FRONT_LEFT5", "CAM_FRONT0", "CAM_FRONT_RIGHT1", "CAM_BACK_LEFT4", "CAM_BACK3", "CAM_ROOF2"}
	if !slices.Equal(names, want) {
		t.Errorf("order %v, want %v", names, want)
	}
}

func TestDefaultBundleIsSound(t *testing.T) {
	b, err := model.Default()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(b); err != nil {
		t.Error(err)
	}
}

// What the options leave open comes from the bundle, and what it leaves open the
// reference.
func TestHistoryModes(t *testing.T) {
	silent, direct := model.History{}, model.History{Mode: "direct", Time: "measured"}
	for name, test := range map[string]struct {
		options Options
		trained model.History
		mode    history.Mode
		clock   history.Clock
	}{
		"nothing said":      {Options{}, silent, history.Recursive, history.Counted},
		"the bundle":        {Options{}, direct, history.Direct, history.Measured},
		"as the bundle":     {Options{History: AsModel, Time: AsModel}, direct, history.Direct, history.Measured},
		"the options":       {Options{History: "recursive", Time: "counted"}, direct, history.Recursive, history.Counted},
		"only the options":  {Options{History: "direct", Time: "measured"}, silent, history.Direct, history.Measured},
		"one of the two":    {Options{Time: "counted"}, direct, history.Direct, history.Counted},
		"the other of them": {Options{History: "direct"}, silent, history.Direct, history.Counted},
	} {
		b := bundle(t)
		b.Manifest.History.Mode, b.Manifest.History.Time = test.trained.Mode, test.trained.Time
		p, err := New(b, test.options)
		if err != nil {
			t.Fatal(err)
		}
		if mode, clock := p.Modes(); mode != test.mode || clock != test.clock {
			t.Errorf("%s: %v, %v; want %v, %v", name, mode, clock, test.mode, test.clock)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestFits: a rig fits if each of its images has at most images.max_pixels.
func TestFits(t *testing.T) {
	rig := drive(t, 1)[0].Rig
	largest := 0
	for i := range rig.Cameras {
		largest = max(largest, rig.Cameras[i].Width*rig.Cameras[i].Height)
	}
	for pixels, want := range map[int]string{largest: "", largest - 1: "(images.max_pixels)"} {
		p, err := New(bundle(t), Options{Images: preprocess.Options{MaxPixels: pixels}})
		if err != nil {
			t.Fatal(err)
		}
		err = p.For(p.NewMemory()).Fits(rig)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("at %d pixels: %v, want %q", pixels, err, want)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"provider": {Providers: []string{"abacus"}},
		"threads":  {Threads: -1},
		"gap":      {MaxGap: -1},
		"mode":     {History: "sideways"},
		"time":     {Time: "guessed"},
	} {
		if _, err := New(bundle(t), o); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	wrong := bundle(t)
	wrong.Manifest.Depth.Count++
	if _, err := New(wrong, Options{}); err == nil || !strings.Contains(err.Error(), "mono_logits") {
		t.Errorf("error %v, want one about mono_logits", err)
	}
	if _, err := Verify(bundle(t)); err != nil {
		t.Error(err)
	}
	if _, err := Verify(wrong); err == nil {
		t.Error("a wrong bundle is verified")
	}
}
