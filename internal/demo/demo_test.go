package demo

import "testing"

func TestSpread(t *testing.T) {
	for _, test := range []struct{ n, total, first, last, length int }{
		{6, 20, 2, 19, 6}, {4, 3, 0, 2, 3}, {4, 4, 0, 3, 4}, {4, 1, 0, 0, 1},
	} {
		got := spread(test.n, test.total)
		if len(got) != test.length || got[0] != test.first || got[len(got)-1] != test.last {
			t.Errorf("%d of %d: %v", test.n, test.total, got)
		}
	}
}
