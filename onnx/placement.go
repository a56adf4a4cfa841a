package onnx

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Placement is where a session runs, and how.
type Placement struct {
	Provider string   // one of Providers
	Behind   []string // providers that take the nodes that Provider cannot run, if they work
	Threads  int      // that work within an operator on the CPU; 0 for one for each core

	// Of the GPU's providers.
	Device int  // number of the GPU
	Whole  bool // a graph of which a node would run on the CPU is refused

	// Of TensorRT.
	Float16, Int8 bool   // it may compute in these; int8 in what the graph quantises
	Rows          *Rows  // of inputs with an open first axis; nil if there are none
	Cache         string // folder of engines, one for each graph, GPU and version; "" keeps none
}

// Rows are sizes of an open first axis. An engine is built for all between the least and
// the most, and is fastest at the usual one.
type Rows struct{ Least, Usual, Most int }

// cudaOptions are those of the CUDA provider. Algorithms are chosen by rule, not by
// timing, so that each start chooses the same; products of float32 are not rounded to
// TF32.
func (p *Placement) cudaOptions() map[string]string {
	return map[string]string{
		"device_id":              strconv.Itoa(p.Device),
		"cudnn_conv_algo_search": "HEURISTIC",
		"use_tf32":               "0",
	}
}

// tensorRTOptions are those of the TensorRT provider, for a graph of those inputs and with
// its engines in that folder.
func (p *Placement) tensorRTOptions(inputs []Port, engines string) map[string]string {
	options := map[string]string{
		"device_id":       strconv.Itoa(p.Device),
		"trt_fp16_enable": flag(p.Float16),
		"trt_int8_enable": flag(p.Int8),
	}
	if engines != "" {
		maps.Copy(options, map[string]string{
			"trt_engine_cache_enable": "1",
			"trt_engine_cache_path":   engines,
			"trt_timing_cache_enable": "1",
			"trt_timing_cache_path":   p.Cache,
		})
	}
	if p.Rows != nil {
		options["trt_profile_min_shapes"] = profile(inputs, p.Rows.Least)
		options["trt_profile_opt_shapes"] = profile(inputs, p.Rows.Usual)
		options["trt_profile_max_shapes"] = profile(inputs, p.Rows.Most)
	}
	return options
}

// profile returns the shapes of the inputs that have an open first axis, with that many
// rows: images:6x3x256x704,cameras:6x33.
func profile(inputs []Port, rows int) string {
	text := ""
	for _, p := range inputs {
		if len(p.Shape) == 0 || p.Shape[0] >= 0 {
			continue
		}
		if text != "" {
			text += ","
		}
		text += p.Name + ":" + strconv.Itoa(rows)
		for _, d := range p.Shape[1:] {
			text += "x" + strconv.FormatInt(d, 10)
		}
	}
	return text
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// fits returns an error if a tensor has a number of rows that the engine is not built for.
func (r *Rows) fits(port Port, shape []int) error {
	if r == nil || port.Shape[0] >= 0 || shape[0] >= r.Least && shape[0] <= r.Most {
		return nil
	}
	return fmt.Errorf("%s has %d rows, and the engine is built for %d to %d", port.Name, shape[0], r.Least, r.Most)
}

// check returns an error if a field has no meaning.
func (p *Placement) check() error {
	if err := CheckProviders(append([]string{p.Provider}, p.Behind...)); err != nil {
		return err
	}
	if p.Provider != "tensorrt" && (p.Float16 || p.Int8) {
		return fmt.Errorf("onnx: provider %s computes in what the graph has, not in float16 or int8", p.Provider)
	}
	if r := p.Rows; r != nil && !slices.IsSorted([]int{1, r.Least, r.Usual, r.Most}) {
		return fmt.Errorf("onnx: rows %+v, want 1 ≤ least ≤ usual ≤ most", *r)
	}
	return nil
}
