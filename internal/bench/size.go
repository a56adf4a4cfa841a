package bench

import (
	"fmt"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/model"
)

// Sizes of a model whose stages between the networks can be measured without one.
const (
	SizeR50     = "r50"     // the published model's
	SizeDefault = "default" // the default bundle's
	SizeTiny    = "tiny"    // for tests
)

// ManifestOf returns the numbers of a model of that size, as far as the stages between
// the graphs need them.
func ManifestOf(size string) (*model.Manifest, error) {
	switch size {
	case SizeR50:
		return published(), nil
	case SizeTiny:
		return tiny(), nil
	case SizeDefault:
		b, err := model.Default()
		if err != nil {
			return nil, err
		}
		return &b.Manifest, nil
	}
	return nil, fmt.Errorf("bench: size %q, want %s or %s", size, SizeR50, SizeDefault)
}

// published is the model of arXiv 2210.02443 with ResNet-50 (r50-fp16_phase2 of its
// code), its head quantised.
func published() *model.Manifest {
	zero := 0
	return &model.Manifest{
		Name: SizeR50,
		Image: model.Image{
			Width: 704, Height: 256, Source: model.Pixels{Width: 1600, Height: 900}, ResizeExtra: 0.04,
			Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225},
		},
		Grid: geom.Grid{
			X: geom.Axis{-51.2, 51.2, 0.8},
			Y: geom.Axis{-51.2, 51.2, 0.8},
			Z: geom.Axis{-10, 10, 20},
		},
		Depth:    geom.Bins{Start: 2, Step: 0.5, Count: 112},
		Features: model.Features{Context: 80, Stride: 16, Stereo: 64, StereoStride: 4},
		Stereo:   model.Stereo{Samples: 7, Groups: 8, SigmaBins: 2},
		History:  model.History{Frames: 16, Period: 0.5, Mode: "recursive", Time: "counted"},
		Head: model.Head{
			Input:          model.Input{Type: "uint8", Scale: 0.02, ZeroPoint: &zero},
			ScoreThreshold: 0.1, MaxPerClass: 500, CenterLimit: [3]float64{61.2, 61.2, 10},
			Tasks: []model.Task{
				rotated(0.2, []string{"car"}, 1),
				rotated(0.2, []string{"truck", "construction_vehicle"}, 0.7, 0.7),
				rotated(0.2, []string{"bus", "trailer"}, 0.4, 0.55),
				circle(1, "barrier"),
				rotated(0.2, []string{"motorcycle", "bicycle"}, 1, 1),
				rotated(0.5, []string{"pedestrian", "traffic_cone"}, 4.5, 9),
			},
		},
	}
}

func rotated(iou float64, classes []string, factors ...float64) model.Task {
	return model.Task{Classes: classes, NMS: model.NMS{Kind: "rotated", IoU: &iou, Factors: factors, Pre: 1000, Post: 83}}
}

func circle(radius2 float64, class string) model.Task {
	return model.Task{Classes: []string{class}, NMS: model.NMS{Kind: "circle", Radius2: &radius2, Post: 83}}
}

// tiny is the size of training/configs/tiny.yaml, with small images.
func tiny() *model.Manifest {
	m := published()
	m.Name = SizeTiny
	m.Image.Width, m.Image.Height, m.Image.ResizeExtra = 352, 128, 0.02
	m.Image.Source = model.Pixels{Width: 400, Height: 225}
	m.Grid.X, m.Grid.Y = geom.Axis{-51.2, 51.2, 1.6}, geom.Axis{-51.2, 51.2, 1.6}
	m.Depth = geom.Bins{Start: 2, Step: 1, Count: 56}
	m.Features = model.Features{Context: 16, Stride: 16, Stereo: 16, StereoStride: 4}
	m.History.Frames = 4
	return m
}
