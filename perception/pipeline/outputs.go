package pipeline

import (
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/tensor"
)

// What each stage shows to an observer; for the cameras in use only.

func (p *Pipeline) images() []Output {
	return []Output{output("images", rows(p.encoder.inputs["images"], p.used()), false)}
}

func (p *Pipeline) features() []Output {
	return []Output{
		output("context", p.encoded("context"), true),
		output("mono_logits", p.encoded("mono_logits"), true),
		output("stereo_features", p.encoded("stereo_features"), true),
	}
}

func (p *Pipeline) depths() []Output {
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
		{"stereo_samples", true, samples},
		{"stereo_logits", true, logits},
		output("depth", p.usedDepth(), true),
	}
}

func (p *Pipeline) raw() []Output { return []Output{output("bev_raw", p.bevRaw, true)} }

func (p *Pipeline) embedded() []Output {
	return []Output{output("bev", p.embed.outputs["bev"], true)}
}

// aligned is the history as it came, at its place in this set's frame.
func (p *Pipeline) aligned() []Output {
	if !p.options.KeepFeatures {
		return nil
	}
	return []Output{{"history", true, p.history.Features}}
}

func noOutputs() []Output { return nil }

func (p *Pipeline) headMaps() []Output {
	all := []Output{output("fused", p.head.outputs["fused"], false)}
	for t := range p.maps {
		for _, b := range model.Branches {
			name := model.HeadOutput(t, b.Name)
			all = append(all, output(name, p.head.outputs[name], false))
		}
	}
	return all
}
