package kernel

func aboveGeneric(dst []int32, logits []float32, floor float32) int {
	n := 0
	for i, x := range logits {
		if !(x <= floor) {
			dst[n] = int32(i)
			n++
		}
	}
	return n
}
