package pipeline

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/preprocess"
)

// The reference's matrices of two real key frames, with the vehicle's motion
// between each exposure and the lidar's: what the encoder is given, and what
// places the cameras.
func TestCameraNumbersEqualReference(t *testing.T) {
	ds, err := nuscenes.Open(golden.Shared(t, "data/nuscenes"), "v1.0-mini")
	if err != nil {
		t.Fatal(err)
	}
	m := bundle(t).Manifest
	m.Image = model.Image{Width: 352, Height: 128, Source: model.Pixels{Width: 1600, Height: 900}, ResizeExtra: 0.02, Std: [3]float32{1, 1, 1}}
	reference := golden.Shared(t, "reference/tiny/mini/scene-0103")
	for index := range 2 {
		archive := golden.Open(t, filepath.Join(reference, fmt.Sprintf("%03d.npz", index)))
		sample := ds.Scene("scene-0103").Samples[index]
		rig, err := ds.Rig(sample, m.Cameras)
		if err != nil {
			t.Fatal(err)
		}
		mounted, err := mount(&m, rig, preprocess.Defaults(), compute.Resources{})
		if err != nil {
			t.Fatal(err)
		}
		f := &frame{rig: mounted, set: &perception.FrameSet{Rig: rig, GlobalFromEgo: sample.KeyPose().GlobalFromEgo.Pose()}}
		var got []float32
		for i := range mounted.cameras {
			c := &mounted.cameras[i]
			own := f.own(c, sample.Key(c.Name).EgoPose.GlobalFromEgo.Pose())
			numbers := make([]float32, cameraNumbers)
			c.numbers(numbers, own.Pose)
			got = append(got, numbers...)
		}
		golden.Within(t, fmt.Sprintf("frame %d", index), got, referenceNumbers(archive), golden.Bound{Abs: 2e-4})
	}
}

// referenceNumbers joins the reference's matrices in the encoder's order.
func referenceNumbers(a *golden.Archive) []float32 {
	part := func(name string, n, camera int) []float32 {
		return golden.Array[float32](a, name).Data[camera*n:][:n]
	}
	var all []float32
	for i := range 6 {
		all = append(all, part("intrins", 9, i)...)
		all = append(all, part("post_rots", 9, i)...)
		all = append(all, part("post_trans", 3, i)...)
		all = append(all, part("rots", 9, i)...)
		all = append(all, part("trans", 3, i)...)
	}
	return all
}
