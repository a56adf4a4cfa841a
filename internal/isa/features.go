package isa

import "golang.org/x/sys/cpu"

// vectors is the feature of a build and a machine whose portable vectors are not
// emulated.
const vectors = "vectors"

// Detect returns those features of this machine that kernels may use.
func Detect() Features {
	var found Features
	for _, f := range [...]struct {
		name string
		has  bool
	}{ // sorted by name
		{"asimd", cpu.ARM64.HasASIMD},
		{"asimddp", cpu.ARM64.HasASIMDDP},
		{"avx", cpu.X86.HasAVX},
		{"avx2", cpu.X86.HasAVX2},
		{"avx512bw", cpu.X86.HasAVX512BW},
		{"avx512dq", cpu.X86.HasAVX512DQ},
		{"avx512f", cpu.X86.HasAVX512F},
		{"avx512vbmi", cpu.X86.HasAVX512VBMI},
		{"avx512vl", cpu.X86.HasAVX512VL},
		{"avx512vnni", cpu.X86.HasAVX512VNNI},
		{"fma", cpu.X86.HasFMA},
		{"sse41", cpu.X86.HasSSE41},
		{"sve", cpu.ARM64.HasSVE},
		{vectors, VectorBits() > 0},
	} {
		if f.has {
			found = append(found, f.name)
		}
	}
	return found
}
