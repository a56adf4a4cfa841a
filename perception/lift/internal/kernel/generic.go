package kernel

func accumulateGeneric(dst, depth, context []float32, runs []Run) {
	clear(dst)
	for _, r := range runs {
		var p float32
		for _, d := range depth[r.Depth:][:r.Bins] {
			p += d
		}
		add(dst, context[r.Context:][:len(dst)], p)
	}
}

// add computes dst += p·x.
func add(dst, x []float32, p float32) {
	i := 0
	for ; i+8 <= len(dst); i += 8 {
		d, s := (*[8]float32)(dst[i:]), (*[8]float32)(x[i:])
		d[0] += float32(p * s[0])
		d[1] += float32(p * s[1])
		d[2] += float32(p * s[2])
		d[3] += float32(p * s[3])
		d[4] += float32(p * s[4])
		d[5] += float32(p * s[5])
		d[6] += float32(p * s[6])
		d[7] += float32(p * s[7])
	}
	for ; i < len(dst); i++ {
		dst[i] += float32(p * x[i])
	}
}
