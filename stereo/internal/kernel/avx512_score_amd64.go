//go:build goexperiment.simd

package kernel

import (
	"simd/archsimd"

	"github.com/solofusion/solofusion/internal/isa"
)

// similarityAVX512 takes 16 points at a time, one to a lane.
func similarityAVX512(dst, x []float32, n *Network) {
	if n.Groups != groups8 {
		portable.similarity(dst, x, n)
		return
	}
	i := 0
	for ; i+lanes <= len(dst); i += lanes {
		similarity16((*[lanes * groups8]float32)(x[i*groups8:]), n.wide).StoreArray((*[lanes]float32)(dst[i:]))
	}
	isa.ClearUpper()
	if i < len(dst) {
		var rest [lanes * groups8]float32
		copy(rest[:], x[i*groups8:])
		similarity16(&rest, n.wide).StorePart(dst[i:])
		isa.ClearUpper()
	}
}

// similarity16 first transposes: from two points in a vector to four groups of four points,
// two groups of eight, and one group of all. Each turn computes a hidden number and adds
// what it contributes to the second layer.
func similarity16(x *[lanes * groups8]float32, wide [][lanes]float32) archsimd.Float32x16 {
	lower, upper := archsimd.LoadUint32x16Array(&columnsLower), archsimd.LoadUint32x16Array(&columnsUpper)
	first, second := archsimd.LoadUint32x16Array(&quadsFirst), archsimd.LoadUint32x16Array(&quadsSecond)
	lows, highs := archsimd.LoadUint32x16Array(&lowerHalves), archsimd.LoadUint32x16Array(&upperHalves)
	p0, p1 := archsimd.LoadFloat32x16Array((*[16]float32)(x[0:])), archsimd.LoadFloat32x16Array((*[16]float32)(x[16:]))
	p2, p3 := archsimd.LoadFloat32x16Array((*[16]float32)(x[32:])), archsimd.LoadFloat32x16Array((*[16]float32)(x[48:]))
	p4, p5 := archsimd.LoadFloat32x16Array((*[16]float32)(x[64:])), archsimd.LoadFloat32x16Array((*[16]float32)(x[80:]))
	p6, p7 := archsimd.LoadFloat32x16Array((*[16]float32)(x[96:])), archsimd.LoadFloat32x16Array((*[16]float32)(x[112:]))
	p0, p1 = p0.ConcatPermute(p1, lower), p0.ConcatPermute(p1, upper)
	p2, p3 = p2.ConcatPermute(p3, lower), p2.ConcatPermute(p3, upper)
	p4, p5 = p4.ConcatPermute(p5, lower), p4.ConcatPermute(p5, upper)
	p6, p7 = p6.ConcatPermute(p7, lower), p6.ConcatPermute(p7, upper)
	q0, q1 := p0.ConcatPermute(p2, first), p0.ConcatPermute(p2, second)
	q2, q3 := p1.ConcatPermute(p3, first), p1.ConcatPermute(p3, second)
	q4, q5 := p4.ConcatPermute(p6, first), p4.ConcatPermute(p6, second)
	q6, q7 := p5.ConcatPermute(p7, first), p5.ConcatPermute(p7, second)
	x0, x1 := q0.ConcatPermute(q4, lows), q0.ConcatPermute(q4, highs)
	x2, x3 := q1.ConcatPermute(q5, lows), q1.ConcatPermute(q5, highs)
	x4, x5 := q2.ConcatPermute(q6, lows), q2.ConcatPermute(q6, highs)
	x6, x7 := q3.ConcatPermute(q7, lows), q3.ConcatPermute(q7, highs)

	b := (*[Hidden1][lanes]float32)(wide)
	k0, k1 := archsimd.LoadFloat32x16Array(&b[0]), archsimd.LoadFloat32x16Array(&b[1])
	k2, k3 := archsimd.LoadFloat32x16Array(&b[2]), archsimd.LoadFloat32x16Array(&b[3])
	k4, k5 := archsimd.LoadFloat32x16Array(&b[4]), archsimd.LoadFloat32x16Array(&b[5])
	k6, k7 := archsimd.LoadFloat32x16Array(&b[6]), archsimd.LoadFloat32x16Array(&b[7])
	const each = 1 + groups8 + Hidden1
	wide = wide[Hidden1:]
	for range Hidden0 {
		v := (*[each][lanes]float32)(wide)
		wide = wide[each:]
		h := archsimd.LoadFloat32x16Array(&v[0])
		h = h.Add(archsimd.LoadFloat32x16Array(&v[1]).Mul(x0))
		h = h.Add(archsimd.LoadFloat32x16Array(&v[2]).Mul(x1))
		h = h.Add(archsimd.LoadFloat32x16Array(&v[3]).Mul(x2))
		h = h.Add(archsimd.LoadFloat32x16Array(&v[4]).Mul(x3))
		h = h.Add(archsimd.LoadFloat32x16Array(&v[5]).Mul(x4))
		h = h.Add(archsimd.LoadFloat32x16Array(&v[6]).Mul(x5))
		h = h.Add(archsimd.LoadFloat32x16Array(&v[7]).Mul(x6))
		h = h.Add(archsimd.LoadFloat32x16Array(&v[8]).Mul(x7))
		h = relu(h)
		k0, k1 = k0.Add(archsimd.LoadFloat32x16Array(&v[9]).Mul(h)), k1.Add(archsimd.LoadFloat32x16Array(&v[10]).Mul(h))
		k2, k3 = k2.Add(archsimd.LoadFloat32x16Array(&v[11]).Mul(h)), k3.Add(archsimd.LoadFloat32x16Array(&v[12]).Mul(h))
		k4, k5 = k4.Add(archsimd.LoadFloat32x16Array(&v[13]).Mul(h)), k5.Add(archsimd.LoadFloat32x16Array(&v[14]).Mul(h))
		k6, k7 = k6.Add(archsimd.LoadFloat32x16Array(&v[15]).Mul(h)), k7.Add(archsimd.LoadFloat32x16Array(&v[16]).Mul(h))
	}
	v := (*[1 + Hidden1][lanes]float32)(wide)
	y := archsimd.LoadFloat32x16Array(&v[0])
	y = y.Add(archsimd.LoadFloat32x16Array(&v[1]).Mul(relu(k0)))
	y = y.Add(archsimd.LoadFloat32x16Array(&v[2]).Mul(relu(k1)))
	y = y.Add(archsimd.LoadFloat32x16Array(&v[3]).Mul(relu(k2)))
	y = y.Add(archsimd.LoadFloat32x16Array(&v[4]).Mul(relu(k3)))
	y = y.Add(archsimd.LoadFloat32x16Array(&v[5]).Mul(relu(k4)))
	y = y.Add(archsimd.LoadFloat32x16Array(&v[6]).Mul(relu(k5)))
	y = y.Add(archsimd.LoadFloat32x16Array(&v[7]).Mul(relu(k6)))
	return y.Add(archsimd.LoadFloat32x16Array(&v[8]).Mul(relu(k7)))
}

// relu keeps NaN. Max may lose it: the compiler exchanges its operands.
func relu(x archsimd.Float32x16) archsimd.Float32x16 {
	var zero archsimd.Float32x16
	return zero.IfElse(x.LessEqual(zero), x)
}

// spreadAVX512 looks each bin's segment up, by the number of samples that are not
// beyond it.
func spreadAVX512(dst, x []float32, samples []int32, logits []float32) {
	if len(samples) > 16 {
		portable.spread(dst, x, samples, logits)
		return
	}
	var start, slope, height [16]float32
	last := len(samples) - 1
	for k, s := range samples {
		start[k], height[k] = float32(s), logits[k]
		if k < last {
			slope[k] = (logits[k+1] - logits[k]) / float32(samples[k+1]-s)
		}
	}
	from, to := archsimd.BroadcastFloat32x16(start[0]), archsimd.BroadcastFloat32x16(start[last])
	starts, slopes, heights := archsimd.LoadFloat32x16Array(&start), archsimd.LoadFloat32x16Array(&slope), archsimd.LoadFloat32x16Array(&height)
	bins, step := archsimd.LoadInt32x16Array(&ascending).ConvertToFloat32(), archsimd.BroadcastFloat32x16(16)
	one := archsimd.BroadcastInt32x16(1)
	for i := 0; i < len(x); i += 16 {
		segment := archsimd.BroadcastInt32x16(-1)
		for k := range samples {
			segment = segment.Add(one.Masked(archsimd.BroadcastFloat32x16(start[k&15]).LessEqual(bins)))
		}
		at := segment.ToBits()
		rise := slopes.Permute(at).Mul(bins.Sub(starts.Permute(at)))
		v := heights.Permute(at).Add(rise)
		inside := bins.GreaterEqual(from).And(bins.LessEqual(to))
		if i+16 <= len(x) {
			l := archsimd.LoadFloat32x16Array((*[16]float32)(x[i:]))
			l.Add(v).IfElse(inside, l).StoreArray((*[16]float32)(dst[i:]))
		} else {
			l, _ := archsimd.LoadFloat32x16Part(x[i:])
			l.Add(v).IfElse(inside, l).StorePart(dst[i:])
		}
		bins = bins.Add(step)
	}
	isa.ClearUpper()
}

func softmaxAVX512(dst, x []float32) {
	m := archsimd.BroadcastFloat32x16(minusInf)
	i := 0
	for ; i+16 <= len(x); i += 16 {
		m = archsimd.LoadFloat32x16Array((*[16]float32)(x[i:])).Max(m)
	}
	if i < len(x) {
		v, _ := archsimd.LoadFloat32x16Part(x[i:])
		m = v.IfElse(firstLanes(len(x)-i), m).Max(m)
	}
	m = m.Max(m.Permute(archsimd.LoadUint32x16Array(&rotated8)))
	m = m.Max(m.Permute(archsimd.LoadUint32x16Array(&rotated4)))
	m = m.Max(m.Permute(archsimd.LoadUint32x16Array(&rotated2)))
	m = m.Max(m.Permute(archsimd.LoadUint32x16Array(&rotated1)))
	sum := archsimd.Float32x16{}
	for i = 0; i+16 <= len(x); i += 16 {
		e := expAVX512(archsimd.LoadFloat32x16Array((*[16]float32)(x[i:])).Sub(m))
		e.StoreArray((*[16]float32)(dst[i:]))
		sum = sum.Add(e)
	}
	if i < len(x) {
		v, _ := archsimd.LoadFloat32x16Part(x[i:])
		e := expAVX512(v.Sub(m))
		e.StorePart(dst[i:])
		sum = sum.Add(e.Masked(firstLanes(len(x) - i)))
	}
	sum = sum.Add(sum.Permute(archsimd.LoadUint32x16Array(&rotated8)))
	sum = sum.Add(sum.Permute(archsimd.LoadUint32x16Array(&rotated4)))
	sum = sum.Add(sum.Permute(archsimd.LoadUint32x16Array(&rotated2)))
	sum = sum.Add(sum.Permute(archsimd.LoadUint32x16Array(&rotated1)))
	inverse := archsimd.BroadcastFloat32x16(1).Div(sum)
	for i = 0; i+16 <= len(dst); i += 16 {
		d := (*[16]float32)(dst[i:])
		archsimd.LoadFloat32x16Array(d).Mul(inverse).StoreArray(d)
	}
	if i < len(dst) {
		v, _ := archsimd.LoadFloat32x16Part(dst[i:])
		v.Mul(inverse).StorePart(dst[i:])
	}
	isa.ClearUpper()
}

// expAVX512 returns the exponential of x, which is not positive.
func expAVX512(x archsimd.Float32x16) archsimd.Float32x16 {
	normal := x.GreaterEqual(archsimd.BroadcastFloat32x16(expNormal)).Or(x.IsNaN())
	shifted := x.Mul(archsimd.BroadcastFloat32x16(log2e)).Add(archsimd.BroadcastFloat32x16(rounder))
	n := shifted.Sub(archsimd.BroadcastFloat32x16(rounder))
	r := x.Sub(n.Mul(archsimd.BroadcastFloat32x16(ln2High)))
	r = r.Sub(n.Mul(archsimd.BroadcastFloat32x16(ln2Low)))
	p := r.Mul(archsimd.BroadcastFloat32x16(exp6)).Add(archsimd.BroadcastFloat32x16(exp5))
	p = p.Mul(r).Add(archsimd.BroadcastFloat32x16(exp4))
	p = p.Mul(r).Add(archsimd.BroadcastFloat32x16(exp3))
	p = p.Mul(r).Add(archsimd.BroadcastFloat32x16(exp2))
	one := archsimd.BroadcastFloat32x16(1)
	p = p.Mul(r).Add(one)
	p = p.Mul(r).Add(one)
	power := shifted.ToBits().ShiftAllLeft(23).Add(one.ToBits()).BitsToFloat32() // two to the n
	return p.Mul(power).Masked(normal)
}
