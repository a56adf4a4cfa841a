package timeline

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	start = time.Unix(1_600_000_000, 0)
	small = Rule{Interval: 500 * time.Millisecond, Frames: 8}
)

// stream follows the plans of a stream of sets.
type stream struct {
	Rule
	kept []time.Time
	most int
}

// next returns the ages of the earlier sets of the set at now.
func (s *stream) next(now time.Time) (ages []time.Duration) {
	p := s.Plan(s.kept, now)
	for _, i := range p.Earlier {
		ages = append(ages, now.Sub(s.kept[i]))
	}
	s.kept = p.After(s.kept, now)
	s.most = max(s.most, len(s.kept))
	return ages
}

// at returns the time of set i of a stream at that rate, in whole microseconds.
func at(i int, hz float64) time.Time {
	return start.Add(time.Duration(float64(i)/hz*1e6) * time.Microsecond)
}

// TestRates: at any rate above the model's, every set but the first of a drive sees
// about what a set of the model's own rate does, and at lower rates every set counts.
func TestRates(t *testing.T) {
	for _, test := range []struct {
		hz         float64
		apart      time.Duration // of the earlier sets
		first, all time.Duration // largest errors of the first and of any earlier set's age
		most       int           // kept
	}{
		{0.5, 2000 * time.Millisecond, 1500 * time.Millisecond, 12 * time.Second, 9},
		{1, 1000 * time.Millisecond, 500 * time.Millisecond, 4 * time.Second, 9},
		{2, 500 * time.Millisecond, 0, 0, 9},
		{3, 500 * time.Millisecond, 167 * time.Millisecond, 167 * time.Millisecond, 13},
		{5, 500 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond, 21},
		{10, 500 * time.Millisecond, 0, 100 * time.Millisecond, 25},
		{12, 500 * time.Millisecond, 0, 84 * time.Millisecond, 36},
		{12.5, 500 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond, 36},
		{14, 500 * time.Millisecond, 36 * time.Millisecond, 110 * time.Millisecond, 36},
		{20, 500 * time.Millisecond, 50 * time.Millisecond, 125 * time.Millisecond, 36},
		{30, 500 * time.Millisecond, 63 * time.Millisecond, 125 * time.Millisecond, 36},
		{60, 500 * time.Millisecond, 63 * time.Millisecond, 125 * time.Millisecond, 36},
	} {
		s := stream{Rule: small}
		sets := int(20*test.hz) + 20
		for i := range sets {
			ages := s.next(at(i, test.hz))
			if at(i, test.hz).Sub(start) < 9*test.apart {
				continue // the history fills
			}
			if len(ages) != small.Frames {
				t.Fatalf("%g Hz: set %d has %d earlier sets", test.hz, i, len(ages))
			}
			for k, age := range ages {
				off := (age - time.Duration(k+1)*small.Interval).Abs()
				if k == 0 && off > test.first+time.Microsecond || off > test.all+time.Microsecond {
					t.Fatalf("%g Hz: set %d has earlier sets of ages %v", test.hz, i, ages)
				}
			}
		}
		if s.most > test.most {
			t.Errorf("%g Hz: %d sets were kept, want at most %d", test.hz, s.most, test.most)
		}
	}
}

// TestEverySetOfTheModelsRateCounts: with sets at least 3/4 of an interval apart
// each is seen together with those just before it, whatever the drift.
func TestEverySetOfTheModelsRateCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := Rule{Interval: 500 * time.Millisecond, Frames: rapid.IntRange(1, 16).Draw(t, "frames")}
		s, now := stream{Rule: rule}, start
		var times []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "sets") {
			now = now.Add(time.Duration(rapid.IntRange(375_000, 4_000_000).Draw(t, "µs")) * time.Microsecond)
			var want []time.Duration
			for _, earlier := range slices.Backward(times[max(0, len(times)-rule.Frames):]) {
				want = append(want, now.Sub(earlier))
			}
			if got := s.next(now); !slices.Equal(got, want) {
				t.Fatalf("ages %v, want %v", got, want)
			}
			times = append(times, now)
		}
		if s.most > rule.Frames+1 {
			t.Fatalf("%d sets were kept of %d frames", s.most, rule.Frames)
		}
	})
}

// TestUneven: intervals of 0.3 to 0.7 s give frames that are half a second apart on
// average, none nearer than half of that.
func TestUneven(t *testing.T) {
	for _, pattern := range [][]int{{300, 700}, {400, 600}, {300}, {350, 450, 700}, {700, 300, 300, 700}} {
		s, now, sum, n := stream{Rule: small}, start, time.Duration(0), 0
		for i := range 200 {
			now = now.Add(time.Duration(pattern[i%len(pattern)]) * time.Millisecond)
			ages := s.next(now)
			if i < 20 {
				continue
			}
			last := time.Duration(0)
			for _, age := range ages {
				if age-last < small.Interval/2 {
					t.Fatalf("%v: ages %v", pattern, ages)
				}
				last = age
			}
			sum, n = sum+last/time.Duration(len(ages)), n+1
		}
		if mean := sum / time.Duration(n); mean < 450*time.Millisecond || mean > 550*time.Millisecond {
			t.Errorf("%v ms: frames are %v apart", pattern, mean)
		}
	}
}

// TestStart: until half an interval has passed, a sequence's sets have no earlier ones.
func TestStart(t *testing.T) {
	s := stream{Rule: small}
	for i, want := range []int{0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3} {
		if got := len(s.next(at(i, 10))); got != want {
			t.Errorf("set %d has %d earlier sets, want %d", i, got, want)
		}
	}
}

// TestGap: a stream that stops for 2 s goes on with the sets from before.
func TestGap(t *testing.T) {
	s := stream{Rule: small}
	for i := range 100 {
		s.next(at(i, 10))
	}
	ages := s.next(at(120, 10))
	if len(ages) != 8 || ages[0] != 2100*time.Millisecond {
		t.Fatalf("ages %v", ages)
	}
	for i := 121; i < 200; i++ {
		ages = s.next(at(i, 10))
	}
	if ages[0] != small.Interval || (ages[7]-8*small.Interval).Abs() > 100*time.Millisecond {
		t.Errorf("after the gap: ages %v", ages)
	}
}

// TestAnyStream: whatever the times, plans are in order, within bounds and
// reproducible, and what is near is what a later set may want first.
func TestAnyStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := Rule{Interval: time.Duration(rapid.IntRange(1000, 2_000_000).Draw(t, "interval")) * time.Microsecond, Frames: rapid.IntRange(0, 16).Draw(t, "frames")}
		scale := rapid.SampledFrom([]int{10, 100, 1000, 5000}).Draw(t, "scale")
		var kept []time.Time
		near, now := 0, start
		for range rapid.IntRange(1, 300).Draw(t, "sets") {
			now = now.Add(1 + rule.Interval*time.Duration(rapid.IntRange(0, scale).Draw(t, "step"))/1000)
			p := rule.Plan(kept, now)
			check(t, rule, kept, now, p, near)
			if again := rule.Plan(kept, now); fmt.Sprint(again) != fmt.Sprint(p) {
				t.Fatalf("%v, then %v", p, again)
			}
			kept, near = p.After(kept, now), p.Near+1
			if rule.Near(kept) != near {
				t.Fatalf("%d are near, but %d by the plan", rule.Near(kept), near)
			}
		}
	})
}

func check(t *rapid.T, rule Rule, kept []time.Time, now time.Time, p Plan, near int) {
	switch {
	case len(p.Earlier) > rule.Frames:
		t.Fatalf("%d earlier sets", len(p.Earlier))
	case len(p.Keep)+1 > rule.Most():
		t.Fatalf("%d sets are kept, at most %d should be", len(p.Keep)+1, rule.Most())
	case len(p.Earlier) > 0 && p.Earlier[0] >= near:
		t.Fatalf("the set before is kept set %d, but only %d are near", p.Earlier[0], near)
	case rule.Frames > 0 && len(p.Earlier) == 0 && len(kept) > 0 && now.Sub(kept[len(kept)-1]) >= rule.Interval/2:
		t.Fatal("an old set is not seen")
	case !slices.IsSorted(p.Keep) || !slices.IsSorted(p.Earlier):
		t.Fatalf("out of order: %+v", p)
	}
	last := now
	for _, i := range p.Earlier {
		if last.Sub(kept[i]) < rule.Interval/2 {
			t.Fatalf("set %d is too near to the one after it", i)
		}
		last = kept[i]
	}
}
