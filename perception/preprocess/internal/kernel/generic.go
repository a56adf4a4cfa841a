package kernel

const half = 1 << (Precision - 1)

func horizontalGeneric(dst, src []uint8, c *Columns) {
	to, from, n := 3*len(c.start), 3*c.width, c.n
	for len(dst) > 0 {
		for x, first := range c.start {
			w := c.coef[n*x:][:n]
			s := src[3*first:][:3*n]
			r, g, b := int32(half), int32(half), int32(half)
			for k, w := range w {
				p := s[3*k : 3*k+3 : 3*k+3]
				r += w * int32(p[0])
				g += w * int32(p[1])
				b += w * int32(p[2])
			}
			d := (*[3]uint8)(dst[3*x:])
			d[0], d[1], d[2] = clip(r>>Precision), clip(g>>Precision), clip(b>>Precision)
		}
		dst, src = dst[to:], src[from:]
	}
}

// block is the number of sums that are kept at a time, so that rows are read in
// order.
const block = 256

func verticalGeneric(dst, src []uint8, coef []int32) {
	var sums [block]int32
	stride := len(dst)
	for at := 0; at < stride; at += block {
		d := dst[at:min(at+block, stride)]
		sum := sums[:len(d)]
		for i := range sum {
			sum[i] = half
		}
		for k, w := range coef {
			for i, p := range src[stride*k+at:][:len(sum)] {
				sum[i] += w * int32(p)
			}
		}
		for i, s := range sum {
			d[i] = clip(s >> Precision)
		}
	}
}

func normaliseGeneric(r, g, b []float32, bgr []uint8, level *Levels) {
	for x := range r {
		p := (*[3]uint8)(bgr[3*x:])
		r[x], g[x], b[x] = level.Value[0][p[2]], level.Value[1][p[1]], level.Value[2][p[0]]
	}
}

func clip(x int32) uint8 { return uint8(min(max(x, 0), 255)) }
