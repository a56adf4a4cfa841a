package isa

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	const wide Set = "wide"
	table := []entry{{wide, []string{"avx512bw", "avx512f"}}, {Generic, nil}}
	narrow, full := Features{"avx2", "avx512f"}, Features{"avx2", "avx512bw", "avx512f"}
	for _, tt := range []struct {
		asked    string
		features Features
		want     Set
		err      string
	}{
		{"", full, wide, ""},
		{"auto", full, wide, ""},
		{"auto", narrow, Generic, ""},
		{"wide", full, wide, ""},
		{"generic", full, Generic, ""},
		{"wide", narrow, "", "isa: SOLOFUSION_KERNELS=wide needs avx512bw, which this machine lacks"},
		{"Generic", full, "", `isa: SOLOFUSION_KERNELS is "Generic", want one of auto, wide, generic`},
	} {
		got, err := choose(tt.asked, tt.features, table)
		if got != tt.want {
			t.Errorf("choose(%q, %v) = %q, want %q", tt.asked, tt.features, got, tt.want)
		}
		if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("choose(%q, %v): error %v, want %q", tt.asked, tt.features, err, tt.err)
		}
	}
}

func TestGenericIsAlwaysThere(t *testing.T) {
	for _, asked := range []string{"", Auto, string(Generic)} {
		if _, err := Choose(asked, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestMissing(t *testing.T) {
	f := Features{"avx2", "fma"}
	if got := f.missing([]string{"fma", "avx512f", "avx2"}); !slices.Equal(got, []string{"avx512f"}) {
		t.Errorf("missing %v", got)
	}
}

func TestDetect(t *testing.T) {
	f := Detect()
	if !slices.IsSorted(f) {
		t.Errorf("not sorted: %v", f)
	}
	baseline := map[string]string{"arm64": "asimd", "amd64": "sse41"}[runtime.GOARCH]
	if baseline != "" && !slices.Contains(f, baseline) {
		t.Errorf("%s lacks %s: %v", runtime.GOARCH, baseline, f)
	}
	if Features(nil).String() != "none" || (Features{"a", "b"}).String() != "a b" {
		t.Error("String")
	}
}

func TestRequire(t *testing.T) {
	if err := errors.Join(Require("", Generic), Require("generic", Generic)); err != nil {
		t.Error(err)
	}
	err := Require("wide", Generic)
	if err == nil || !strings.Contains(err.Error(), `SOLOFUSION_REQUIRE_KERNELS is "wide", but the kernels are generic`) {
		t.Errorf("error %v", err)
	}
}

func TestTake(t *testing.T) {
	order := []Set{"wide", "narrow", Generic}
	all := Table[int]{"wide": 512, "narrow": 256, Generic: 1}
	some := Table[int]{"narrow": 256, Generic: 1}
	for _, tt := range []struct {
		table  Table[int]
		set    Set
		kernel int
		took   Set
	}{
		{all, "wide", 512, "wide"}, {all, "narrow", 256, "narrow"}, {all, Generic, 1, Generic}, {all, "", 1, Generic},
		{some, "wide", 256, "narrow"}, {some, "narrow", 256, "narrow"}, {some, Generic, 1, Generic},
	} {
		if k, took := take(tt.table, tt.set, order); k != tt.kernel || took != tt.took {
			t.Errorf("%q of %v gave %d of %q, want %d of %q", tt.set, tt.table, k, took, tt.kernel, tt.took)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an unknown set is taken")
		}
	}()
	all.Take("broad")
}
