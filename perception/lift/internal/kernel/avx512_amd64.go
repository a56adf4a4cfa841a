//go:build goexperiment.simd

package kernel

import (
	"math/bits"
	"simd/archsimd"

	"github.com/solofusion/solofusion/internal/isa"
)

var avx512 = &Kernels{findRuns: findRunsAVX512, weigh: weighAVX512, accumulate: accumulateSIMD}

const lanes = markedBins

// Indices of each lane's neighbours in two vectors, one behind the other: the one before
// it, if it is in the second, and the first and second after it, if it is in the first.
var (
	before = [lanes]uint32{15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30}
	after1 = [lanes]uint32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	after2 = [lanes]uint32{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}
)

// findRunsAVX512 takes the bins of one mark at a time. What is not in an int32 becomes the
// smallest one, so a single unsigned comparison tells what is outside the grid.
func findRunsAVX512(cells []int32, marks []Marks, ray Ray, depths []float64) int {
	const half = lanes / 2
	xSlope, xOffset, xCells := archsimd.BroadcastFloat64x8(ray.X.Slope), archsimd.BroadcastFloat64x8(ray.X.Offset), archsimd.BroadcastUint32x16(uint32(int32(ray.X.Cells)))
	ySlope, yOffset, yCells := archsimd.BroadcastFloat64x8(ray.Y.Slope), archsimd.BroadcastFloat64x8(ray.Y.Offset), archsimd.BroadcastUint32x16(uint32(int32(ray.Y.Cells)))
	zSlope, zOffset, zCells := archsimd.BroadcastFloat64x8(ray.Z.Slope), archsimd.BroadcastFloat64x8(ray.Z.Offset), archsimd.BroadcastUint32x16(uint32(int32(ray.Z.Cells)))
	none, neighbour, columns := archsimd.BroadcastInt32x16(outside), archsimd.LoadUint32x16Array(&before), xCells.BitsToInt32()
	last, n := none, 0
	for i := range marks {
		b := i * lanes
		lo, _ := archsimd.LoadFloat64x8Part(depths[b:])
		hi, _ := archsimd.LoadFloat64x8Part(depths[min(b+half, len(depths)):])
		x := truncate(xSlope.Mul(lo).Add(xOffset), xSlope.Mul(hi).Add(xOffset))
		y := truncate(ySlope.Mul(lo).Add(yOffset), ySlope.Mul(hi).Add(yOffset))
		z := truncate(zSlope.Mul(lo).Add(zOffset), zSlope.Mul(hi).Add(zOffset))
		in := x.ToBits().Less(xCells).And(y.ToBits().Less(yCells)).And(z.ToBits().Less(zCells))
		cell := y.Mul(columns).Add(x).IfElse(in, none)
		inside, changes := in.ToBits(), cell.NotEqual(last.ConcatPermute(cell, neighbour)).ToBits()
		if left := len(depths) - b; left < lanes {
			inside &= 1<<left - 1
		}
		begins := inside & changes
		marks[i] = Marks{Begins: begins, Continues: inside &^ changes}
		cell.Compress(archsimd.Mask32x16FromBits(begins)).StorePart(cells[n:])
		n, last = n+bits.OnesCount16(begins), cell
	}
	isa.ClearUpper()
	return n
}

func truncate(lo, hi archsimd.Float64x8) archsimd.Int32x16 {
	var x archsimd.Int32x16
	return x.SetLo(lo.ConvertToInt32()).SetHi(hi.ConvertToInt32())
}

// weighAVX512 sums the runs that begin in the bins of one mark side by side, then puts
// them together. Few runs have more than three bins.
func weighAVX512(weights, depth []float32, marks []Marks) {
	next1, next2 := archsimd.LoadUint32x16Array(&after1), archsimd.LoadUint32x16Array(&after2)
	x, _ := archsimd.LoadFloat32x16Part(depth)
	n := 0
	for i, m := range marks {
		var y archsimd.Float32x16
		goOn := uint32(m.Continues)
		if i+1 < len(marks) {
			y, _ = archsimd.LoadFloat32x16Part(depth[(i+1)*lanes:])
			goOn |= uint32(marks[i+1].Continues) << lanes
		}
		two := m.Begins & uint16(goOn>>1)
		three := two & uint16(goOn>>2)
		sum := x.Add(x.ConcatPermute(y, next1)).IfElse(archsimd.Mask32x16FromBits(two), x)
		sum = sum.Add(x.ConcatPermute(y, next2)).IfElse(archsimd.Mask32x16FromBits(three), sum)
		if three&uint16(goOn>>3) != 0 {
			sum = weighOn(sum, three, depth, marks, i*lanes)
		}
		sum.Compress(archsimd.Mask32x16FromBits(m.Begins)).StorePart(weights[n:])
		n, x = n+bits.OnesCount16(m.Begins), y
	}
	isa.ClearUpper()
}

// weighOn adds the fourth bin and the following ones to the sums of those runs that have
// a third one, of the runs that begin in the bins from b on.
func weighOn(sum archsimd.Float32x16, three uint16, depth []float32, marks []Marks, b int) archsimd.Float32x16 {
	for k := 3; ; k++ {
		if three &= continues(marks, b+k); three == 0 {
			return sum
		}
		x, _ := archsimd.LoadFloat32x16Part(depth[b+k:])
		sum = sum.Add(x).IfElse(archsimd.Mask32x16FromBits(three), sum)
	}
}

// continues returns the marks of sixteen bins from b on.
func continues(marks []Marks, b int) uint16 {
	i := b / lanes
	if i >= len(marks) {
		return 0
	}
	all := uint32(marks[i].Continues)
	if i+1 < len(marks) {
		all |= uint32(marks[i+1].Continues) << lanes
	}
	return uint16(all >> (b % lanes))
}
