package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// OldestTensorRT is the oldest TensorRT that is used: before it, quantised graphs gave
// wrong results on some GPUs.
const OldestTensorRT = "10.3"

// CacheFolder returns where TensorRT's engines are kept: below XDG_CACHE_HOME, or .cache
// of the user's home.
func CacheFolder() (string, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("onnx: no folder for TensorRT's engines: set XDG_CACHE_HOME: %w", err)
	}
	return filepath.Join(folder, "solofusion", "tensorrt"), nil
}

// engines returns the folder of a graph's engines in a cache. ONNX Runtime tells graphs
// apart by their nodes' names, not by their weights: without a folder for each graph, one
// that is trained on would get the engine of its predecessor.
func (r *Runtime) engines(graph []byte, p *Placement) string {
	if p.Cache == "" {
		return ""
	}
	sum := sha256.Sum256(graph)
	name := []string{hex.EncodeToString(sum[:8]), "ort" + r.Version(), "trt" + r.TensorRT()}
	if p.Float16 {
		name = append(name, "fp16")
	}
	if p.Int8 {
		name = append(name, "int8")
	}
	if p.Rows != nil {
		name = append(name, fmt.Sprintf("%d.%d.%d", p.Rows.Least, p.Rows.Usual, p.Rows.Most))
	}
	return filepath.Join(p.Cache, strings.Join(name, "-"))
}

// built reports whether a folder has an engine. It may be another GPU's.
func built(engines string) bool {
	found, _ := filepath.Glob(filepath.Join(engines, "*.engine")) // the pattern is well formed
	return len(found) > 0
}

// tellOfBuilding logs that an engine is built, now and then that it still is, and when it
// is: TensorRT itself tells nothing. The caller calls done.
func tellOfBuilding(name, engines string) (done func()) {
	began := time.Now()
	elapsed := func() time.Duration { return time.Since(began).Round(time.Second) }
	slog.Info("building a TensorRT engine, which takes minutes", "graph", name, "cache", engines)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(30 * time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				slog.Info("still building a TensorRT engine", "graph", name, "for", elapsed())
			case <-end:
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
		slog.Info("TensorRT engine", "graph", name, "built", built(engines), "after", elapsed())
	}
}

// TensorRT returns the version of the TensorRT that the library works with, such as
// 10.13.3; "" if there is none.
func (r *Runtime) TensorRT() string {
	file := r.providerFile("tensorrt")
	for _, name := range imports(file) {
		if strings.HasPrefix(name, "libnvinfer.so") {
			preload(file)
			return tensorRTVersion(filepath.Dir(file), name)
		}
	}
	return ""
}

func isTensorRT(library string) bool {
	return strings.HasPrefix(library, "libnvinfer") || strings.HasPrefix(library, "libnvonnxparser")
}

// checkTensorRT returns an error if TensorRT is too old.
func checkTensorRT(version string) error {
	if version != "" && slices.Compare(numbers(version), numbers(OldestTensorRT)) < 0 {
		return fmt.Errorf("TensorRT is %s, want %s or newer: older ones give wrong results for quantised graphs", version, OldestTensorRT)
	}
	return nil
}
