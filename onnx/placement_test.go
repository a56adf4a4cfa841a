package onnx_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/onnx"
)

var encoderInputs = []onnx.Port{
	{Name: "images", Type: "float32", Shape: []int64{-1, 3, 256, 704}},
	{Name: "cameras", Type: "float32", Shape: []int64{-1, 33}},
	{Name: "fixed", Type: "float32", Shape: []int64{1, 2}},
}

func TestOptionsOfProviders(t *testing.T) {
	cuda := onnx.CUDAOptions(onnx.Placement{Provider: "cuda", Device: 3})
	if diff := cmp.Diff(map[string]string{"device_id": "3", "cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}, cuda); diff != "" {
		t.Error(diff)
	}
	plain := onnx.TensorRTOptions(onnx.Placement{Provider: "tensorrt"}, encoderInputs, "")
	if diff := cmp.Diff(map[string]string{"device_id": "0", "trt_fp16_enable": "0", "trt_int8_enable": "0"}, plain); diff != "" {
		t.Error(diff)
	}
	all := onnx.TensorRTOptions(onnx.Placement{
		Provider: "tensorrt", Device: 1, Float16: true, Int8: true, Cache: "/cache", Rows: &onnx.Rows{Least: 1, Usual: 6, Most: 16},
	}, encoderInputs, "/cache/key")
	if diff := cmp.Diff(map[string]string{
		"device_id": "1", "trt_fp16_enable": "1", "trt_int8_enable": "1",
		"trt_engine_cache_enable": "1", "trt_engine_cache_path": "/cache/key",
		"trt_timing_cache_enable": "1", "trt_timing_cache_path": "/cache",
		"trt_profile_min_shapes": "images:1x3x256x704,cameras:1x33",
		"trt_profile_opt_shapes": "images:6x3x256x704,cameras:6x33",
		"trt_profile_max_shapes": "images:16x3x256x704,cameras:16x33",
	}, all); diff != "" {
		t.Error(diff)
	}
	if _, there := onnx.Settings(onnx.Placement{Provider: "cuda"})["session.disable_cpu_ep_fallback"]; there {
		t.Error("nodes may not run on the CPU, though nothing asks for that")
	}
	if onnx.Settings(onnx.Placement{Provider: "cuda", Whole: true})["session.disable_cpu_ep_fallback"] != "1" {
		t.Error("nodes may run on the CPU")
	}
}

// Whole refuses what the CPU would run: here there is nothing else, so that it cannot be a
// setting that is not known.
func TestWholeIsHeeded(t *testing.T) {
	_, err := open(t).Load("affine", affine, onnx.Placement{Provider: "cpu", Whole: true})
	wantError(t, err, "fallback to CPU EP has been explicitly disabled")
}

// Each graph has a folder of engines of its own: ONNX Runtime would take the engine of a
// graph whose weights alone differ.
func TestEnginesAreOfOneGraph(t *testing.T) {
	rt := open(t)
	at := onnx.Placement{Provider: "tensorrt", Cache: "/cache"}
	folders := map[string]bool{}
	for _, p := range []onnx.Placement{at, {Provider: "tensorrt", Cache: "/cache", Float16: true}, {Provider: "tensorrt", Cache: "/cache", Rows: &onnx.Rows{Least: 1, Usual: 2, Most: 3}}} {
		for _, graph := range []string{"a", "b"} {
			folders[onnx.Engines(rt, []byte(graph), p)] = true
		}
	}
	if len(folders) != 6 {
		t.Errorf("folders %v, want 6", folders)
	}
	for folder := range folders {
		if filepath.Dir(folder) != "/cache" || !strings.Contains(folder, "ort"+rt.Version()) {
			t.Errorf("folder %s", folder)
		}
	}
	if got := onnx.Engines(rt, nil, onnx.Placement{Provider: "tensorrt"}); got != "" {
		t.Errorf("without a cache: %s", got)
	}
}

func TestCacheFolder(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/var/cache")
	if got, err := onnx.CacheFolder(); err != nil || got != "/var/cache/solofusion/tensorrt" {
		t.Errorf("%s, %v", got, err)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	_, err := onnx.CacheFolder()
	wantError(t, err, "set XDG_CACHE_HOME")
}

// What ONNX Runtime says of CUDA's errors is cut down to what a reader can act on.
func TestErrorsOfCUDAAreBrief(t *testing.T) {
	long := errors.New(`/src/cuda_execution_provider_info.cc:63 [ONNXRuntimeError] : 1 : FAIL : provider_options_utils.h:187 Parse Failed to parse provider option "device_id": CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1 ; hostname=vm ; file=x.cc ; line=70 ; expr=cudaGetDeviceCount(&num_devices);
`)
	if got, want := onnx.Brief(long).Error(), "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := onnx.Brief(errors.New("two\nlines")).Error(); got != "two lines" {
		t.Errorf("%q", got)
	}
	if onnx.Brief(nil) != nil {
		t.Error("no error became one")
	}
}
