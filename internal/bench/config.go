package bench

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

// The stages' configurations for a model's numbers.

func preprocessConfig(m *model.Manifest) preprocess.Config {
	return preprocess.Config{
		Size:        m.Image.Size(),
		Source:      geom.Size(m.Image.Source),
		ResizeExtra: m.Image.ResizeExtra,
		CropH:       m.Image.CropH,
		Mean:        m.Image.Mean,
		Std:         m.Image.Std,
	}
}

func stereoConfig(m *model.Manifest) stereo.Config {
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

func liftConfig(m *model.Manifest) lift.Config {
	return lift.Config{Image: m.Image.Size(), Coarse: m.Coarse(), Depth: m.Depth, Channels: m.Features.Context, Grid: m.Grid}
}

func historyConfig(m *model.Manifest, mode history.Mode) history.Config {
	return history.Config{
		Grid:     m.Grid,
		Channels: m.Features.Context,
		Frames:   m.History.Frames,
		Period:   m.History.Period,
		Mode:     mode,
	}
}

func decodeConfig(m *model.Manifest) decode.Config {
	c := decode.Config{
		Grid:        m.Grid,
		Threshold:   float32(m.Head.ScoreThreshold),
		Max:         m.Head.MaxPerClass,
		CenterLimit: geom.Vec3(m.Head.CenterLimit),
	}
	for i := range m.Head.Tasks {
		t := decode.Task{NMS: suppression(&m.Head.Tasks[i].NMS)}
		for _, name := range m.Head.Tasks[i].Classes {
			class, _ := perception.ParseClass(name) // names of a manifest, which is checked
			t.Classes = append(t.Classes, class)
		}
		c.Tasks = append(c.Tasks, t)
	}
	return c
}

func suppression(n *model.NMS) decode.NMS {
	if n.Kind == "circle" {
		return decode.Circle{Radius2: *n.Radius2, Post: n.Post}
	}
	return decode.Rotated{IoU: *n.IoU, Factors: n.Factors, Pre: n.Pre, Post: n.Post}
}
