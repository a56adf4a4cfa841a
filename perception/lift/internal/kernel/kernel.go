package kernel

// Run is a number of consecutive bins of one coarse pixel.
type Run struct {
	Depth   int32 // of the first bin, in the depth array
	Context int32 // of the pixel's first channel, in the context array
	Bins    int32
}

// Accumulate writes the sum over runs to dst, whose length is the number of
// channels.
func Accumulate(dst, depth, context []float32, runs []Run) {
	accumulateGeneric(dst, depth, context, runs)
}
