package onnx

// Lacking is lacking of a runtime in that file.
func Lacking(library, provider string) string {
	return (&Runtime{library: library}).lacking(provider)
}

var (
	TensorRTVersion = tensorRTVersion
	CheckTensorRT   = checkTensorRT
	Brief           = brief
)

// Engines is engines of a runtime.
func Engines(r *Runtime, graph []byte, p Placement) string { return r.engines(graph, &p) }

// CUDAOptions and TensorRTOptions are those that providers get, Settings the session's.
func CUDAOptions(p Placement) map[string]string { return p.cudaOptions() }

func TensorRTOptions(p Placement, inputs []Port, engines string) map[string]string {
	return p.tensorRTOptions(inputs, engines)
}

func Settings(p Placement) map[string]string { return p.settings() }
