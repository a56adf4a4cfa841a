package kernel

import "math"

func suppressGeneric(logits, penalty []float32) int {
	best, at := float32(math.Inf(-1)), 0
	penalty = penalty[:len(logits)]
	for i, x := range logits {
		x += penalty[i]
		logits[i] = x
		if x > best {
			best, at = x, i
		}
	}
	return at
}

func correlateGeneric(sums, cur, prev []float32, taps []Tap, channels, groups int) {
	width := channels / groups
	for i := range taps {
		t := &taps[i]
		c := cur[t.Pixel:][:channels]
		p0 := prev[t.Offset[0]:][:channels]
		p1 := prev[t.Offset[1]:][:channels]
		p2 := prev[t.Offset[2]:][:channels]
		p3 := prev[t.Offset[3]:][:channels]
		w0, w1, w2, w3 := t.Weight[0], t.Weight[1], t.Weight[2], t.Weight[3]
		out := sums[int(t.Point)*groups:][:groups]
		for g := range out {
			var s float32
			for j := g * width; j < (g+1)*width; j++ {
				f := float32(float32(w0*p0[j])+float32(w1*p1[j])) + float32(float32(w2*p2[j])+float32(w3*p3[j]))
				s += float32(c[j] * f)
			}
			out[g] += s
		}
	}
}

func similarityGeneric(dst, x []float32, n *Network) {
	var h [Hidden0]float32
	var k [Hidden1]float32
	g := n.Groups
	for i := range dst {
		denseRelu(h[:], n.Weight0, n.Bias0, x[i*g:][:g])
		denseRelu(k[:], n.Weight1, n.Bias1, h[:])
		dst[i] = dot(n.Weight2, k[:]) + n.Bias2
	}
}

// denseRelu computes y = relu(w x + b).
func denseRelu(y, w, b, x []float32) {
	for i := range y {
		y[i] = max(dot(w[i*len(x):][:len(x)], x)+b[i], 0)
	}
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		p, q := (*[4]float32)(a[i:]), (*[4]float32)(b[i:])
		s0 += float32(p[0] * q[0])
		s1 += float32(p[1] * q[1])
		s2 += float32(p[2] * q[2])
		s3 += float32(p[3] * q[3])
	}
	for ; i < len(a); i++ {
		s0 += float32(a[i] * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

func softmaxGeneric(dst, x []float32) {
	m := float32(math.Inf(-1))
	for _, v := range x {
		m = max(m, v)
	}
	var sum float32
	for i, v := range x {
		e := float32(math.Exp(float64(v - m)))
		dst[i] = e
		sum += e
	}
	for i := range dst {
		dst[i] /= sum
	}
}
