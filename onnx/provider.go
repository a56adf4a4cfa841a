package onnx

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
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

// Available returns nil if the library can use the provider:
// it was built with it and the driver libraries it needs are there.
func (r *Runtime) Available(provider string) error {
	if err := CheckProviders([]string{provider}); err != nil {
		return err
	}
	options, err := ort.NewSessionOptions()
	if err != nil {
		return fmt.Errorf("onnx: session options: %w", err)
	}
	defer options.Destroy()
	if err := r.appendProvider(options, provider); err != nil {
		return fmt.Errorf("onnx: provider %s: %w", provider, err)
	}
	return nil
}

// createSession makes a session on the first of the providers that works, and
// returns which that is. Nodes that it cannot run fall to those after it, as
// ONNX Runtime decides.
func (r *Runtime) createSession(name string, graph []byte, providers []string, threads int) (*ort.DynamicAdvancedSession, string, error) {
	var reasons []string
	for i, provider := range providers {
		session, err := r.createOn(graph, providers[i:], threads)
		if err == nil {
			return session, provider, nil
		}
		reasons = append(reasons, fmt.Sprintf("%s: %v", provider, err))
		if i+1 < len(providers) {
			slog.Warn("falling back to another provider",
				"graph", name, "from", provider, "to", providers[i+1], "reason", err)
		}
	}
	return nil, "", fmt.Errorf("no provider works: %s", strings.Join(reasons, "; "))
}

// createOn makes a session whose first provider must work; those after it are
// added if they can be.
func (r *Runtime) createOn(graph []byte, providers []string, threads int) (*ort.DynamicAdvancedSession, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	if err := configure(options, threads); err != nil {
		return nil, err
	}
	if err := r.appendProvider(options, providers[0]); err != nil {
		return nil, err
	}
	for _, provider := range providers[1:] {
		if err := r.appendProvider(options, provider); err != nil {
			slog.Debug("provider is not added behind the first", "provider", provider, "reason", err)
		}
	}
	return ort.NewDynamicAdvancedSessionWithONNXData(graph, nil, nil, options)
}

// configure sets deterministic kernels, and worker threads that sleep
// between runs, since the cores are then needed by the stages in Go.
func configure(options *ort.SessionOptions, threads int) error {
	if err := options.SetIntraOpNumThreads(threads); err != nil {
		return err
	}
	for _, entry := range [][2]string{
		{"session.use_deterministic_compute", "1"},
		{"session.force_spinning_stop", "1"},
	} {
		if err := options.AddSessionConfigEntry(entry[0], entry[1]); err != nil {
			return fmt.Errorf("%s: %w", entry[0], err)
		}
	}
	return nil
}

// appendProvider adds a provider to a session's options. The error names the
// library that is missing, if one is.
func (r *Runtime) appendProvider(options *ort.SessionOptions, provider string) error {
	if provider == "cpu" {
		return nil // it is always there
	}
	err := appendAccelerator(options, provider)
	if err == nil {
		return nil
	}
	if reason := r.lacking(provider); reason != "" {
		return errors.New(reason)
	}
	return err
}

func appendAccelerator(options *ort.SessionOptions, provider string) error {
	if provider == "tensorrt" {
		tensorrt, err := ort.NewTensorRTProviderOptions()
		if err != nil {
			return err
		}
		defer tensorrt.Destroy()
		return options.AppendExecutionProviderTensorRT(tensorrt)
	}
	cuda, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer cuda.Destroy()
	return options.AppendExecutionProviderCUDA(cuda)
}

// lacking returns what keeps a provider from being loaded, "" if nothing is
// found: ONNX Runtime itself reports that in its log alone. The provider is a
// library beside ONNX Runtime's, which needs further ones of the system.
func (r *Runtime) lacking(provider string) string {
	if !filepath.IsAbs(r.library) {
		return "" // the system's loader found it
	}
	folder := filepath.Dir(r.library)
	if resolved, err := filepath.EvalSymlinks(r.library); err == nil {
		folder = filepath.Dir(resolved)
	}
	name := "libonnxruntime_providers_" + provider + ".so"
	file := filepath.Join(folder, name)
	if _, err := os.Stat(file); err != nil {
		return fmt.Sprintf("%s has no %s beside it: it is a build without %s", r.library, name, provider)
	}
	if err := unloadable(file); err != nil {
		return err.Error()
	}
	return ""
}
