package kernel

func mulAddGeneric(x []float32, a, b float32, rounds int) {
	for ; len(x) >= 8; x = x[8:] {
		chains := (*[8]float32)(x)
		x0, x1, x2, x3, x4, x5, x6, x7 := chains[0], chains[1], chains[2], chains[3], chains[4], chains[5], chains[6], chains[7]
		for range rounds {
			x0 = float32(x0*a) + b
			x1 = float32(x1*a) + b
			x2 = float32(x2*a) + b
			x3 = float32(x3*a) + b
			x4 = float32(x4*a) + b
			x5 = float32(x5*a) + b
			x6 = float32(x6*a) + b
			x7 = float32(x7*a) + b
		}
		*chains = [8]float32{x0, x1, x2, x3, x4, x5, x6, x7}
	}
	for i := range x {
		for range rounds {
			x[i] = float32(x[i]*a) + b
		}
	}
}
