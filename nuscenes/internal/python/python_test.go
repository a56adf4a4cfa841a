package python

import (
	"math"
	"testing"
)

func TestAppendFloat(t *testing.T) {
	for _, test := range []struct {
		x    float64
		want string
	}{
		{0, "0.0"},
		{math.Copysign(0, -1), "-0.0"},
		{1, "1.0"},
		{0.5, "0.5"},
		{-0.5, "-0.5"},
		{600.1201984596875, "600.1201984596875"},
		{12_345_678.25, "12345678.25"},
		{123456789012345, "123456789012345.0"},
		{1e15, "1000000000000000.0"},
		{1e16, "1e+16"},
		{0.0001, "0.0001"},
		{1e-5, "1e-05"},
		{0.00001234, "1.234e-05"},
		{-2.5e-7, "-2.5e-07"},
		{math.NaN(), "NaN"},
		{math.Inf(1), "Infinity"},
		{math.Inf(-1), "-Infinity"},
	} {
		if got := string(AppendFloat([]byte("x"), test.x)); got != "x"+test.want {
			t.Errorf("%g is written %s, want x%s", test.x, got, test.want)
		}
	}
}
