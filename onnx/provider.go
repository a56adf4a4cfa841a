package onnx

import (
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/solofusion/solofusion/tensor"
)

// Providers are the names of the execution providers, fastest first.
var Providers = [...]string{"tensorrt", "cuda", "cpu"}

// CheckProviders returns an error if the list is empty or has an unknown or
// repeated name.
func CheckProviders(names []string) error {
	known := strings.Join(Providers[:], ", ")
	if len(names) == 0 {
		return fmt.Errorf("onnx: no provider is named, want some of %s", known)
	}
	for i, name := range names {
		if !slices.Contains(Providers[:], name) {
			return fmt.Errorf("onnx: unknown provider %q, want some of %s", name, known)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("onnx: provider %q is named twice", name)
		}
	}
	return nil
}

// Available returns nil if the provider works: it runs a small graph. Otherwise the error
// says in a line what is missing.
func (r *Runtime) Available(provider string, device int) error {
	s, err := r.Load("a trial", trial, Placement{Provider: provider, Threads: 1, Device: device, Whole: provider != "cpu"})
	if err != nil {
		var failed *ProviderError
		if errors.As(err, &failed) {
			return failed
		}
		return err
	}
	x, y := tensor.From([]float32{1, 2, 3, 4}, 1, 1, 2, 2), tensor.New[float32](1, 1, 1, 1)
	if err := errors.Join(s.Run(Tensors{"x": x}, Tensors{"y": y}), s.Close()); err != nil {
		return &ProviderError{provider, err}
	}
	if y.Data[0] != 10 {
		return &ProviderError{provider, fmt.Errorf("it computes 1 + 2 + 3 + 4 = %v", y.Data[0])}
	}
	return nil
}

// trial is "y" [1, 1, 1, 1] = the sum of "x" [1, 1, 2, 2], as a convolution.
// testdata/make.py made it.
//
//go:embed trial.onnx
var trial []byte

// ProviderError says why a provider does not work for a graph.
type ProviderError struct {
	Provider string
	Reason   error
}

func (e *ProviderError) Error() string {
	return fmt.Sprintf("onnx: provider %s: %v", e.Provider, e.Reason)
}

// Unwrap returns the reason.
func (e *ProviderError) Unwrap() error { return e.Reason }

// createSession makes a session on the placement's provider; those behind it are added if
// they can be.
func (r *Runtime) createSession(name string, graph []byte, inputs []Port, p *Placement) (*ort.DynamicAdvancedSession, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	if err := configure(options, p); err != nil {
		return nil, err
	}
	engines := r.engines(graph, p)
	if err := r.appendProvider(options, p.Provider, p, inputs, engines); err != nil {
		return nil, err
	}
	for _, provider := range p.Behind {
		if err := r.appendProvider(options, provider, p, inputs, engines); err != nil {
			slog.Debug("provider is not added behind the first", "provider", provider, "reason", err)
		}
	}
	if p.Provider == "tensorrt" && engines != "" && !built(engines) {
		defer tellOfBuilding(name, engines)()
	}
	session, err := ort.NewDynamicAdvancedSessionWithONNXData(graph, nil, nil, options)
	return session, brief(err)
}

// settings are deterministic kernels, and worker threads that sleep between runs, since
// the cores are then needed by the stages in Go.
func (p *Placement) settings() map[string]string {
	settings := map[string]string{
		"session.use_deterministic_compute": "1",
		"session.force_spinning_stop":       "1",
	}
	if p.Whole {
		settings["session.disable_cpu_ep_fallback"] = "1"
	}
	return settings
}

func configure(options *ort.SessionOptions, p *Placement) error {
	if err := options.SetIntraOpNumThreads(p.Threads); err != nil {
		return err
	}
	for key, value := range p.settings() {
		if err := options.AddSessionConfigEntry(key, value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// appendProvider adds a provider to a session's options. The error names the
// library that is missing, if one is.
func (r *Runtime) appendProvider(options *ort.SessionOptions, provider string, p *Placement, inputs []Port, engines string) error {
	if provider == "cpu" {
		return nil // it is always there
	}
	if reason := r.lacking(provider); reason != "" {
		return errors.New(reason)
	}
	if provider == "cuda" {
		return r.explain(provider, appendCUDA(options, p.cudaOptions()))
	}
	if err := checkTensorRT(r.TensorRT()); err != nil {
		return err
	}
	if engines != "" {
		if err := os.MkdirAll(engines, 0o755); err != nil {
			return fmt.Errorf("the folder of TensorRT's engines: %w", err)
		}
	}
	return r.explain(provider, appendTensorRT(options, p.tensorRTOptions(inputs, engines)))
}

// explain returns why the system's loader refuses a provider's library, if it does: ONNX
// Runtime itself reports that in its log alone.
func (r *Runtime) explain(provider string, err error) error {
	file := r.providerFile(provider)
	if err == nil || file == "" {
		return brief(err)
	}
	if refused := unloadable(file); refused != nil {
		return refused
	}
	return brief(err)
}

var cudaFailure = regexp.MustCompile(`(CUDA|CUDNN|CUBLAS) failure \d+: [^;]*[^; ]`)

// brief returns what an error says of CUDA, if it does, without the places in ONNX
// Runtime's source; otherwise all of it, in a line.
func brief(err error) error {
	if err == nil {
		return nil
	}
	if failure := cudaFailure.FindString(err.Error()); failure != "" {
		return errors.New(failure)
	}
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

func appendTensorRT(options *ort.SessionOptions, settings map[string]string) error {
	tensorrt, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	defer tensorrt.Destroy()
	if err := tensorrt.Update(settings); err != nil {
		return err
	}
	return options.AppendExecutionProviderTensorRT(tensorrt)
}

func appendCUDA(options *ort.SessionOptions, settings map[string]string) error {
	cuda, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer cuda.Destroy()
	if err := cuda.Update(settings); err != nil {
		return err
	}
	return options.AppendExecutionProviderCUDA(cuda)
}

// providerFile returns the library of a provider, which lies beside ONNX Runtime's; "" if
// the system's loader found that, so that its folder is not known.
func (r *Runtime) providerFile(provider string) string {
	if !filepath.IsAbs(r.library) {
		return ""
	}
	folder := filepath.Dir(r.library)
	if resolved, err := filepath.EvalSymlinks(r.library); err == nil {
		folder = filepath.Dir(resolved)
	}
	return filepath.Join(folder, "libonnxruntime_providers_"+provider+".so")
}

// lacking returns what keeps a provider from being loaded, "" if nothing is found. What the
// provider needs is loaded by then.
func (r *Runtime) lacking(provider string) string {
	file := r.providerFile(provider)
	if provider == "cpu" || file == "" {
		return ""
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Sprintf("%s is a build without %s: %s", r.library, provider, r.remedy())
	}
	return lack(preload(file))
}

// remedy says where a build with GPU providers is, or how one is installed.
func (r *Runtime) remedy() string {
	for _, start := range starts() {
		if folder := upwards(start, gpuFolder); folder != "" {
			return "set " + LibraryVariable + "=" + folder
		}
	}
	return "make deps-cuda installs one"
}
