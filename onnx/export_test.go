package onnx

// Lacking is lacking of a runtime in that file.
func Lacking(library, provider string) string {
	return (&Runtime{library: library}).lacking(provider)
}
