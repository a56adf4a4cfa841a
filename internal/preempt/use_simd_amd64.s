//go:build goexperiment.simd

#include "textflag.h"

// func tellsUse() bool
TEXT ·tellsUse(SB), NOSPLIT, $0-1
	MOVL $13, AX
	MOVL $1, CX
	CPUID
	TESTL $4, AX
	SETNE ret+0(FP)
	RET

// func componentsInUse() uint32
TEXT ·componentsInUse(SB), NOSPLIT, $0-4
	MOVL $1, CX
	XGETBV
	MOVL AX, ret+0(FP)
	RET
