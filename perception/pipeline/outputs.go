package pipeline

import (
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/tensor"
)

// What each stage shows to an observer; for the cameras in use only.

func (p *Pipeline) images() []Output {
	images := func() *tensor.F32 { return p.usedRows(p.encoder.inputs["images"]) }
	return []Output{{Name: "images", Values: images}}
}

func (p *Pipeline) features() []Output {
	var all []Output
	for _, name := range []string{"context", "mono_logits", "stereo_features"} {
		if p.encoder.outputs[name] != nil {
			all = append(all, perCamera(name, func() *tensor.F32 { return p.encoded(name) }))
		}
	}
	return all
}

func (p *Pipeline) depths() []Output {
	if p.matcher == nil {
		return []Output{perCamera("depth", p.usedDepth)}
	}
	samples := func() *tensor.F32 {
		bins := p.matcher.Samples()
		t := tensor.New[float32](bins.Shape...)
		for i, b := range bins.Data {
			t.Data[i] = float32(b)
		}
		return t
	}
	logits := func() *tensor.F32 {
		t := tensor.New[float32](p.usedDepth().Shape...)
		p.matcher.Logits(t)
		return t
	}
	return []Output{
		perCamera("stereo_samples", samples),
		perCamera("stereo_logits", logits),
		perCamera("depth", p.usedDepth),
	}
}

func (p *Pipeline) raw() []Output { return []Output{perSet("bev_raw", p.bevRaw, true)} }

func (p *Pipeline) embedded() []Output {
	return []Output{perSet("bev", p.embed.outputs["bev"], true)}
}

// aligned is the history as it came, at its place in this set's frame.
func (p *Pipeline) aligned() []Output {
	if !p.options.KeepFeatures || p.bundle.Manifest.History.Frames == 0 {
		return nil
	}
	return []Output{{Name: "history", ChannelsLast: true, Values: p.history.Features}}
}

func noOutputs() []Output { return nil }

func (p *Pipeline) headMaps() []Output {
	all := []Output{perSet("fused", p.head.outputs["fused"], false)}
	for t := range p.maps {
		for _, b := range model.Branches {
			name := model.HeadOutput(t, b.Name)
			all = append(all, perSet(name, p.head.outputs[name], false))
		}
	}
	return all
}
