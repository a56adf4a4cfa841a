#include "textflag.h"

// func read(first unsafe.Pointer, bytes int)
TEXT ·read(SB), NOSPLIT, $0-16
	MOVQ first+0(FP), AX
	MOVQ bytes+8(FP), CX
	ADDQ AX, CX
	ANDQ $~63, AX

line:
	PREFETCHT1 (AX)
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  line
	RET

// func write(first unsafe.Pointer, bytes int)
TEXT ·write(SB), NOSPLIT, $0-16
	MOVQ first+0(FP), AX
	MOVQ bytes+8(FP), CX
	ADDQ AX, CX
	ANDQ $~63, AX

line:
	BYTE $0x0F; BYTE $0x0D; BYTE $0x08 // PREFETCHW (AX), which the assembler lacks
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  line
	RET
