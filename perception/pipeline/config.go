package pipeline

import (
	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/decode"
	"github.com/solofusion/solofusion/perception/lift"
	"github.com/solofusion/solofusion/perception/preprocess"
	"github.com/solofusion/solofusion/stereo"
)

// The stages' configurations for a model's numbers. The manifest was checked.

// PreprocessConfig returns that of the cameras, with default options.
func PreprocessConfig(m *model.Manifest) preprocess.Config {
	return preprocess.Config{
		Size:        m.Image.Size(),
		Source:      geom.Size(m.Image.Source),
		ResizeExtra: m.Image.ResizeExtra, CropH: m.Image.CropH,
		Mean: m.Image.Mean, Std: m.Image.Std,
		Seen: preprocess.Seen{Focal: m.Seen["fx"], CenterX: m.Seen["cx"], CenterY: m.Seen["cy"], Horizon: m.Seen["horizon"]},
	}
}

// StereoConfig returns that of the matcher.
func StereoConfig(m *model.Manifest) stereo.Config {
	return stereo.Config{
		Image:    m.Image.Size(),
		Coarse:   m.Coarse(),
		Stereo:   m.Fine(),
		Channels: m.Features.Stereo,
		Groups:   m.Stereo.Groups,
		Depth:    m.Depth,
		Samples:  m.Stereo.Samples,
		Sigma:    m.Stereo.SigmaBins,
	}
}

// LiftConfig returns that of the lifter.
func LiftConfig(m *model.Manifest) lift.Config {
	return lift.Config{
		Image:    m.Image.Size(),
		Coarse:   m.Coarse(),
		Depth:    m.Depth,
		Channels: m.Features.Context,
		Grid:     m.Grid,
	}
}

// HistoryConfig returns that of the history, whose mode, clock and storage are not the
// model's alone.
func HistoryConfig(m *model.Manifest) history.Config {
	return history.Config{
		Grid:     m.Grid,
		Channels: m.Features.Context,
		Frames:   m.History.Frames,
		Period:   m.History.Period,
	}
}

// DecodeConfig returns that of the decoder.
func DecodeConfig(m *model.Manifest) decode.Config {
	c := decode.Config{
		Grid:        m.Grid,
		Threshold:   float32(m.Head.ScoreThreshold),
		Max:         m.Head.MaxPerClass,
		CenterLimit: geom.Vec3(m.Head.CenterLimit),
	}
	for _, task := range m.Head.Tasks {
		t := decode.Task{NMS: suppression(task.NMS)}
		for _, name := range task.Classes {
			class, _ := perception.ParseClass(name)
			t.Classes = append(t.Classes, class)
		}
		c.Tasks = append(c.Tasks, t)
	}
	return c
}

func suppression(n model.NMS) decode.NMS {
	if n.Kind == "circle" {
		return decode.Circle{Radius2: *n.Radius2, Post: n.Post}
	}
	return decode.Rotated{IoU: *n.IoU, Factors: n.Factors, Pre: n.Pre, Post: n.Post}
}
