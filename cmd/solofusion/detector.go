package main

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// detectorFlags are the flags of the detector, for all commands but serve.
type detectorFlags struct {
	Model   string `default:"default" help:"Folder of a bundle, or default." placeholder:"B"`
	History string `default:"model" enum:"model,recursive,direct" help:"How history is aligned: recursive, direct, or as the model was trained."`
	Time    string `default:"model" enum:"model,counted,measured" help:"How the age of history is determined: counted, measured, or as the model was trained."`
	Storage string `default:"float32" enum:"float32,bfloat16,int8" help:"How planes of the history are stored: float32, bfloat16 in half the memory, int8 in a quarter."`
	Lost    string `default:"${lost}" enum:"keep,empty" help:"Where only cameras without an image look: keep what was there for as long as the history reaches, or leave it empty, as the reference does."`
	Threads int    `help:"Threads; 0 for all processors." placeholder:"N"`
	providerFlags
}

// providerFlags say where the networks run. Their environment variables are those of the
// configuration's keys onnx.providers and onnx.device.
type providerFlags struct {
	Providers []string `default:"cpu" env:"SOLOFUSION_ONNX_PROVIDERS" help:"ONNX Runtime's execution providers in order of preference: tensorrt, cuda, cpu." placeholder:"P,Q"`
	Device    int      `default:"0" env:"SOLOFUSION_ONNX_DEVICE" help:"Number of the GPU that tensorrt and cuda use." placeholder:"N"`
}

// providersVariable names the environment variable of the providers.
const providersVariable = "SOLOFUSION_ONNX_PROVIDERS"

// names are the providers, without blanks.
func (f *providerFlags) names() []string {
	names := make([]string, len(f.Providers))
	for i, name := range f.Providers {
		names[i] = strings.TrimSpace(name)
	}
	return names
}

// open returns the detector that the flags describe.
func (f *detectorFlags) open(o pipeline.Options) (*pipeline.Detector, error) {
	b, err := model.Open(f.Model)
	if err != nil {
		return nil, err
	}
	return f.openWith(b, o)
}

// openWith returns the detector that the flags describe, with the bundle b.
func (f *detectorFlags) openWith(b *model.Bundle, o pipeline.Options) (*pipeline.Detector, error) {
	o.History, o.Time, o.Storage, o.Lost, o.Threads, o.Providers, o.Device = f.History, f.Time, f.Storage, f.Lost, f.Threads, f.names(), f.Device
	return newDetector(b, os.Getenv(isa.Variable), o)
}

// newDetector returns a detector with the set of kernels of that name, and logs its
// parts. The caller closes it.
func newDetector(b *model.Bundle, kernels string, o pipeline.Options) (*pipeline.Detector, error) {
	set, err := isa.Choose(kernels, isa.Detect())
	if err != nil {
		return nil, err
	}
	if err := isa.Require(os.Getenv(isa.RequireVariable), set); err != nil {
		return nil, err
	}
	o.Kernels = set
	d, err := pipeline.New(b, o)
	if err != nil {
		return nil, err
	}
	mode, clock := d.Modes()
	slog.Info("detector", "model", b.ID(), "provider", d.Provider(), "graphs", d.Graphs().Name(), "quantisation", d.Graphs().Quantisation, "kernels", taken(d.Kernels()), "vector_bits", isa.VectorBits(),
		"history", mode, "time", clock, "storage", d.Storage())
	return d, nil
}

// taken describes the kernels that run: the set's name if all stages have the same
// set, otherwise the name of each stage's.
func taken(kernels map[string]isa.Set) string {
	var all []string
	sets := map[isa.Set]bool{}
	for _, stage := range slices.Sorted(maps.Keys(kernels)) {
		all = append(all, fmt.Sprintf("%s=%s", stage, kernels[stage]))
		sets[kernels[stage]] = true
	}
	if len(sets) == 1 {
		return string(kernels[pipeline.Stereo])
	}
	return strings.Join(all, " ")
}
