// Package f32 has the loops over float32 that the generic kernels of several
// stages share.
package f32

// Axpy adds a times x to dst, which is as long and does not overlap it:
//
//	for i := range dst { dst[i] += float32(a * x[i]) }
//
// Exact: each product and each sum is rounded.
func Axpy(dst, x []float32, a float32) {
	i := 0
	for ; i+8 <= len(dst); i += 8 {
		d, s := (*[8]float32)(dst[i:]), (*[8]float32)(x[i:])
		d[0] += float32(a * s[0])
		d[1] += float32(a * s[1])
		d[2] += float32(a * s[2])
		d[3] += float32(a * s[3])
		d[4] += float32(a * s[4])
		d[5] += float32(a * s[5])
		d[6] += float32(a * s[6])
		d[7] += float32(a * s[7])
	}
	for ; i < len(dst); i++ {
		dst[i] += float32(a * x[i])
	}
}
