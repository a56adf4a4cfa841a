package framesync

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"
)

// situation is a simulated drive and what it leads to.
type situation struct {
	name    string
	sources []source
	seconds float64
	options Options
	sizes   map[int]int       // sets by their number of cameras
	dropped map[string]uint64 // frames and poses by reason
	begun   []string          // why sequences began, without the first; nil for anything
	told    [][]string        // parts of troubles that were told
	quiet   bool              // no trouble was told
	latency time.Duration     // the longest from a set's last capture until it left; 0 for any
}

func TestRates(t *testing.T) {
	front := func(rate, phase float64) func(i int, c *source) {
		return only(1, func(c *source) { c.rate, c.phase = rate, phase })
	}
	check(t, []situation{
		{name: "10 Hz", sources: cars(10, nil), seconds: 5, sizes: map[int]int{6: 50}, quiet: true, latency: 6 * time.Millisecond},
		{name: "60 Hz", sources: cars(60, nil), seconds: 3, sizes: map[int]int{6: 178}, quiet: true, latency: 60 * time.Millisecond},
		{name: "five at 10 Hz, the front at 30", sources: cars(10, front(30, 0)), seconds: 5, sizes: map[int]int{6: 50},
			dropped: map[string]uint64{"surplus": 100}, quiet: true, latency: 6 * time.Millisecond},
		{name: "five at 10 Hz, the front at 30 in between", sources: cars(10, front(30, 0.012)), seconds: 5, sizes: map[int]int{6: 50},
			dropped: map[string]uint64{"surplus": 100}, quiet: true},
		{name: "five at 1 Hz, the front at 3", sources: cars(1, front(3, 0)), seconds: 10, sizes: map[int]int{6: 10},
			dropped: map[string]uint64{"surplus": 20}, quiet: true, latency: 6 * time.Millisecond},
		{name: "five at 1 Hz, the front at 60", sources: cars(1, front(60, 0.003)), seconds: 10, sizes: map[int]int{6: 10},
			dropped: map[string]uint64{"surplus": 590}, quiet: true},
		{name: "one at half the rate", sources: cars(10, only(4, func(c *source) { c.rate = 5 })), seconds: 5,
			sizes: map[int]int{5: 25, 6: 25}, told: [][]string{{"e: slow: sends 5 Hz, the rig 10 Hz"}}},
		{name: "one at half the rate, that changes its beat", seconds: 5,
			sources: append(cars(10, only(4, func(c *source) { c.rate, c.until = 5, 2 })), source{name: "e", rate: 5, from: 1.9, delay: 0.006}),
			told:    [][]string{{"e: late: arrives 1 ms after its set left, which did not wait for it: it sends 5 Hz, the rig 10 Hz"}}},
		{name: "one at 10 Hz, the others at 30, in phase", sources: cars(30, only(2, func(c *source) { c.rate = 10 })), seconds: 10,
			sizes: map[int]int{5: 199, 6: 100}, told: [][]string{{"c: slow: sends 10 Hz, the rig 30 Hz"}}},
		{name: "two at 7 Hz, the others at 30, all out of phase", sources: cars(30, func(i int, c *source) {
			if c.phase = 0.005 * float64(i); i > 3 {
				c.rate = 7
			}
		}), seconds: 10, sizes: map[int]int{4: 208, 6: 70}},
		{name: "one at 10.1 Hz", sources: cars(10, only(2, func(c *source) { c.rate = 10.1 })), seconds: 20,
			sizes: map[int]int{6: 200}, dropped: map[string]uint64{"surplus": 2}, quiet: true},
		{name: "one slows down", sources: append(cars(10, only(2, func(c *source) { c.until = 2 })), source{name: "c", rate: 30, from: 2.01, delay: 0.005}),
			seconds: 5, sizes: map[int]int{6: 50}, dropped: map[string]uint64{"surplus": 60}, quiet: true},
		{name: "all speed up", sources: append(cars(2, func(_ int, c *source) { c.until = 2 }), faster(20, 2)...),
			seconds: 4, sizes: map[int]int{6: 44}, quiet: true},
	})
}

// TestUneven is about cameras that capture together, but not evenly: every moment is a
// set of all of them.
func TestUneven(t *testing.T) {
	var all []situation
	for _, gaps := range [][]float64{{0.3, 0.7}, {0.1, 0.2}, {0.1, 0.3}, {0.05, 0.2}, {0.2, 0.9}, {0.1, 1}, {0.03, 0.07}, {0.1, 0.1, 0.3}, {0.1, 0.1, 0.1, 0.5}} {
		all = append(all, situation{name: fmt.Sprint(gaps), seconds: 10, sources: cars(100, func(i int, c *source) {
			c.skips, c.delay = apart(gaps...), 0.005+0.002*float64(i)
		}), sizes: map[int]int{6: moments(10, gaps)}})
	}
	check(t, all)
}

// TestPosesToCome is about a set whose first frames came just before its deadline, and whose
// pose comes just after: its beat is that of the frames which wait, not lost.
func TestPosesToCome(t *testing.T) {
	phases := []float64{0.943, 0.656, 0.731, 0.976, 0.478, 0.0224}
	sources := cars(1, func(i int, c *source) {
		if c.phase, c.delay = phases[i], 0.02; i == 5 {
			c.rate, c.delay = 30, 0.006
		}
	})
	d := drive(Options{}, rig(six...), messages(6, sources...))
	if d.drops()["no_pose"] == 0 {
		t.Fatalf("all frames had poses: %v", d.drops())
	}
	for i, at := range d.left[1:] {
		if gap := at.Sub(d.left[i]); gap > 2*time.Second+d.sync.options.Deadline {
			t.Errorf("no set for %v after %v", gap, d.left[i])
		}
	}
}

// apart returns what a source of 100 Hz skips to send with those gaps, one after the other.
func apart(gaps ...float64) func(t float64) bool {
	next, k := 0.0, 0
	return func(t float64) bool {
		if t < next-0.005 {
			return true
		}
		next += gaps[k%len(gaps)]
		k++
		return false
	}
}

// moments returns how often a source with those gaps sends, but for what comes too late to
// be in a set.
func moments(seconds float64, gaps []float64) (n int) {
	for t := 0.0; t < seconds-0.01; n++ {
		t += gaps[n%len(gaps)]
	}
	return n
}

// faster returns the six cameras from a second on.
func faster(rate, from float64) []source {
	all := cars(rate, nil)[1:]
	for i := range all {
		all[i].from = from
	}
	return all
}

func TestCaptures(t *testing.T) {
	turn := func(i int, c *source) { c.phase = float64(i) / 60 }
	check(t, []situation{
		{name: "one after the other over the period", sources: cars(10, turn), seconds: 5,
			sizes: map[int]int{4: 50}, dropped: map[string]uint64{"spread": 98, "surplus": 2},
			told: [][]string{{"rig: spread: captures spread over 83 ms, sync.spread is 60ms"}, {"f: spread: captured", "sync.spread is 60ms"}}},
		{name: "over the period, with a wider spread", sources: cars(10, turn), seconds: 5, options: Options{Spread: 90 * time.Millisecond},
			sizes: map[int]int{4: 1, 6: 49}, quiet: true},
		{name: "narrow spread", sources: cars(10, turn), seconds: 5, options: Options{Spread: time.Millisecond},
			told: [][]string{{"rig: spread: captures spread over 83 ms, sync.spread is 1ms"}}},
		{name: "one is 0.1 s after the others", sources: cars(1, only(2, func(c *source) { c.phase = 0.1 })), seconds: 8,
			sizes: map[int]int{5: 8}, dropped: map[string]uint64{"spread": 7, "surplus": 1},
			told: [][]string{{"rig: spread: captures spread over 100 ms, sync.spread is 60ms"}, {"c: spread: captured 100 ms after the first of its set; sync.spread is 60ms"}}},
	})
}

func TestCamerasThatFail(t *testing.T) {
	check(t, []situation{
		{name: "late", sources: cars(1, only(4, func(c *source) { c.delay = 0.25 })), seconds: 10,
			sizes: map[int]int{5: 10}, dropped: map[string]uint64{"late": 10}, latency: 155 * time.Millisecond,
			told: [][]string{{"e: late: arrives 95 ms after its set left; sync.deadline is 150ms"}}},
		{name: "late at 10 Hz", sources: cars(10, only(4, func(c *source) { c.delay = 0.25 })), seconds: 5,
			sizes: map[int]int{5: 50}, dropped: map[string]uint64{"late": 50},
			told: [][]string{{"e: late: arrives 95 ms after its set left; sync.deadline is 150ms"}}},
		{name: "late, and all pause", sources: cars(10, func(i int, c *source) {
			if c.skips = between(5, 5.4); i == 4 {
				c.delay = 0.28
			}
		}), seconds: 8, sizes: map[int]int{5: 76}, dropped: map[string]uint64{"late": 76}, begun: []string{}},
		{name: "late at 30 Hz, and all pause", sources: cars(30, func(i int, c *source) {
			if c.skips = between(4.99, 5.39); i == 4 {
				c.delay = 0.28
			}
		}), seconds: 8, begun: []string{}},
		{name: "repeats a stamp and stops", sources: cars(10, only(1, func(c *source) {
			c.clock, c.until = func(t float64) float64 { return min(t, 2) }, 2.35
		})), seconds: 9, told: [][]string{{"b: stuck: repeats the capture time"}, {"b: missing: no frame since 12:00:02"}}},
		{name: "has no stamp and stops", sources: cars(10, only(1, func(c *source) {
			c.until = 2.05
			c.clock = func(t float64) float64 {
				if t > 1.95 {
					return -float64(epoch.Unix())
				}
				return t
			}
		})), seconds: 9, told: [][]string{{"b: unit: captured is missing"}, {"b: missing: no frame since 12:00:02"}}},
		{name: "is off and stops", sources: cars(10, only(1, func(c *source) { c.clock, c.until = shifted(0.3, 0, 9), 3 })), seconds: 9,
			told: [][]string{{"b: clock_offset: its clock is 300 ms ahead"}, {"b: missing: no frame since 12:00:02"}}},
		{name: "stops and returns", sources: cars(1, only(4, func(c *source) { c.skips = between(3.5, 7.5) })), seconds: 12,
			sizes: map[int]int{5: 4, 6: 8}, told: [][]string{{"e: missing: no frame since 12:00:03"}}, latency: 155 * time.Millisecond},
		{name: "never comes", sources: cars(10, only(4, func(c *source) { c.from = 100 })), seconds: 5,
			sizes: map[int]int{5: 50}, told: [][]string{{"e: missing: no frame has come"}}, latency: 155 * time.Millisecond},
		{name: "five stop", sources: cars(10, func(i int, c *source) {
			if i != 4 {
				c.until = 2
			}
		}), seconds: 5, sizes: map[int]int{1: 30, 6: 20}, told: [][]string{{"a: missing"}, {"f: missing"}}, latency: 256 * time.Millisecond},
		{name: "five stop, half are wanted", sources: cars(10, func(i int, c *source) {
			if i != 4 {
				c.until = 2
			}
		}), seconds: 5, options: Options{MinShare: 0.5}, sizes: map[int]int{6: 20}, dropped: map[string]uint64{"few_cameras": 30},
			told: [][]string{{"rig: few_cameras: sets have 1 of 6 cameras, sync.min_share is 0.5"}}},
		{name: "repeats a stamp", sources: cars(10, only(1, func(c *source) { c.clock = func(float64) float64 { return 0 } })), seconds: 3,
			sizes: map[int]int{5: 29, 6: 1}, dropped: map[string]uint64{"duplicate": 29}, told: [][]string{{"b: stuck: repeats the capture time"}}},
		{name: "one stops at 60 Hz", sources: cars(60, only(4, func(c *source) { c.until = 2 })), seconds: 6,
			sizes: map[int]int{5: 238, 6: 120}, dropped: map[string]uint64{"no_pose": 10}, told: [][]string{{"e: missing"}}},
		{name: "one stops at 30 Hz, which is waited for", sources: cars(30, only(4, func(c *source) { c.until = 2 })), seconds: 6,
			options: Options{Deadline: time.Second}, sizes: map[int]int{5: 119, 6: 60}, dropped: map[string]uint64{"no_pose": 5},
			told: [][]string{{"rig: crowded: 17 sets wait for frames or poses, sync.pending is 16: they leave before sync.deadline, 1s, or not at all"}}},
		{name: "all pause", sources: cars(10, func(_ int, c *source) { c.skips = between(1.95, 3.95) }), seconds: 6,
			sizes: map[int]int{6: 40}, told: [][]string{{"a: missing: no frame since 12:00:01"}}},
	})
}

func TestClocks(t *testing.T) {
	off := func(d float64) func(i int, c *source) {
		return only(4, func(c *source) { c.clock = shifted(d, 0, math.Inf(1)) })
	}
	check(t, []situation{
		{name: "one 0.3 s ahead at 1 Hz", sources: cars(1, off(0.3)), seconds: 10, sizes: map[int]int{5: 10},
			dropped: map[string]uint64{"clock_offset": 10}, told: [][]string{{"e: clock_offset: its clock is 300 ms ahead"}}},
		{name: "one 0.3 s behind at 1 Hz", sources: cars(1, off(-0.3)), seconds: 10, sizes: map[int]int{5: 10},
			told: [][]string{{"e: clock_offset: its clock is 300 ms behind"}}},
		{name: "one 0.3 s ahead at 10 Hz", sources: cars(10, off(0.3)), seconds: 5, sizes: map[int]int{5: 50},
			dropped: map[string]uint64{"clock_offset": 50}, told: [][]string{{"e: clock_offset: its clock is 300 ms ahead"}}},
		{name: "one 0.3 s behind at 10 Hz", sources: cars(10, off(-0.3)), seconds: 5, sizes: map[int]int{5: 50},
			told: [][]string{{"e: clock_offset: its clock is 300 ms behind"}}},
		{name: "one ahead for 2 s", sources: cars(10, only(4, func(c *source) { c.clock = shifted(0.3, 2, 4) })), seconds: 7,
			sizes: map[int]int{5: 21, 6: 49}, told: [][]string{{"e: clock_offset: its clock is 300 ms ahead"}}},
		{name: "one goes back by 9 s", sources: cars(10, only(4, func(c *source) { c.clock = shifted(-9, 2, 100) })), seconds: 5,
			sizes: map[int]int{5: 30, 6: 20}, told: [][]string{{"e: clock_offset: its clock is 9.0 s behind"}}},
		{name: "one has the time since boot", sources: cars(10, only(4, func(c *source) { c.clock = unit(boot) })), seconds: 3,
			sizes: map[int]int{5: 30}, told: [][]string{{"e: clock_offset: its clock is 56 years behind"}}},
	})
}

// A camera whose clock is off by more than the deadline is in no set, at any rate: at some
// its frames fall together with those of other instants.
func TestClockOfOneCamera(t *testing.T) {
	for _, rate := range []float64{1, 2, 4, 5, 10, 12, 20, 30} {
		for _, ahead := range []float64{0.3, -0.3, 0.2, -0.2, 1, -1} {
			for _, delay := range []float64{0.002, 0.005, 0.04} { // that of the others is 0.005
				name := fmt.Sprintf("%g Hz, %+g s, %g s on the way", rate, ahead, delay)
				x := situation{name: name, seconds: 4, sizes: map[int]int{5: int(4 * rate)}, told: [][]string{{"e: "}}}
				x.sources = cars(rate, only(4, func(c *source) { c.clock, c.delay = shifted(ahead, -9, 100), delay }))
				x.sources[0].rate = 100 // a pose after the last frames too
				x.latency = 160 * time.Millisecond
				t.Run(name, x.check)
			}
		}
	}
}

// boot is the time since a boot ten hours before the epoch of the tests.
func boot(us int64) int64 { return us - epoch.UnixMicro() + 36e9 }

func TestTimeJumps(t *testing.T) {
	loop := func(d float64) func(t float64) float64 {
		return func(t float64) float64 { return t - d*math.Floor(t/d) }
	}
	check(t, []situation{
		{name: "back by 9 s", sources: vehicle(10, shifted(-9, 10.05, 100)), seconds: 15, sizes: map[int]int{6: 150},
			begun: []string{"time went back by 8.9 s"}, told: [][]string{{"rig: time_back: time went back by 8.9 s"}}},
		{name: "back by 0.75 s", sources: vehicle(10, shifted(-0.75, 2, 100)), seconds: 5, sizes: map[int]int{6: 50},
			begun: []string{"time went back by 650 ms"}},
		{name: "back by 0.05 s", sources: vehicle(10, shifted(-0.05, 2, 100)), seconds: 5, sizes: map[int]int{6: 50}, dropped: map[string]uint64{"pose_conflict": 1}, quiet: true},
		{name: "ahead by 5 s", sources: vehicle(10, shifted(5, 2, 100)), seconds: 5, sizes: map[int]int{6: 50}, quiet: true},
		{name: "ahead by an hour", sources: vehicle(10, shifted(3600, 2, 100)), seconds: 5, sizes: map[int]int{6: 50},
			begun: []string{"time jumped ahead by 1h0m0s"}, told: [][]string{{"rig: time_ahead: time jumped ahead by 1h0m0s"}}},
		{name: "loop of 1 s", sources: vehicle(10, loop(1)), seconds: 4, sizes: map[int]int{6: 40},
			begun: slices.Repeat([]string{"time went back by 900 ms"}, 3)},
		{name: "loop of 3 s at 2 Hz", sources: vehicle(2, loop(3)), seconds: 12, sizes: map[int]int{6: 24},
			begun: slices.Repeat([]string{"time went back by 2.5 s"}, 3)},
		{name: "loop of 3 s at 1 Hz", sources: vehicle(1, loop(3)), seconds: 12, sizes: map[int]int{6: 12},
			begun: slices.Repeat([]string{"time went back by 2.0 s"}, 3)},
		{name: "loop of mixed rates", sources: mixedLoop(loop(3)), seconds: 12, sizes: map[int]int{6: 120},
			dropped: map[string]uint64{"surplus": 240}, begun: slices.Repeat([]string{"time went back by 3.0 s"}, 3)},
	})
}

func mixedLoop(clock func(float64) float64) []source {
	all := vehicle(10, clock)
	all[2].rate = 30
	return all
}

func TestUnits(t *testing.T) {
	one := func(f func(us int64) int64) []source {
		return cars(10, only(4, func(c *source) { c.clock = unit(f) }))
	}
	nano := func(us int64) int64 { return us * 1000 }
	milli := func(us int64) int64 { return us / 1000 }
	seconds := func(us int64) int64 { return us / 1_000_000 }
	check(t, []situation{
		{name: "nanoseconds", sources: vehicle(10, unit(nano)), seconds: 3, dropped: map[string]uint64{"unit": 244},
			told: [][]string{{"a: unit: captured 1.778e+18 us is the year 58301: nanoseconds?"}, {"poses: unit: time 1.778e+18 us is the year 58301: nanoseconds?"}}},
		{name: "milliseconds", sources: vehicle(10, unit(milli)), seconds: 3,
			told: [][]string{{"a: unit: captured 1.778e+12 us is 20 days after 1970: milliseconds?"}}},
		{name: "seconds", sources: vehicle(10, unit(seconds)), seconds: 3,
			told: [][]string{{"f: unit: captured 1.778e+09 us is 29m38s after 1970: seconds?"}}},
		{name: "zero", sources: vehicle(10, unit(func(int64) int64 { return 0 })), seconds: 3, dropped: map[string]uint64{"unit": 244},
			told: [][]string{{"a: unit: captured is missing"}}},
		{name: "negative", sources: vehicle(10, unit(func(us int64) int64 { return -us })), seconds: 3, dropped: map[string]uint64{"unit": 244},
			told: [][]string{{"a: unit: captured -1.778e+15 us is the year 1913, before 1970"}}},
		{name: "the largest", sources: vehicle(10, unit(func(int64) int64 { return 1 << 62 })), seconds: 3, dropped: map[string]uint64{"unit": 244},
			told: [][]string{{"a: unit: captured 4.612e+18 us is the year 148108"}}},
		{name: "since boot", sources: vehicle(10, unit(boot)), seconds: 3, sizes: map[int]int{6: 30}, quiet: true},
		{name: "since boot, that could be seconds since 1970", sources: vehicle(10, unit(func(us int64) int64 { return us - epoch.UnixMicro() + 1_800_000_000 })),
			seconds: 3, sizes: map[int]int{6: 29}, dropped: map[string]uint64{"unit": 6}},
		{name: "milliseconds since boot", sources: vehicle(10, unit(func(us int64) int64 { return boot(us) / 1000 })), seconds: 3,
			sizes: map[int]int{6: 1}, told: [][]string{{"a: unit: captured goes on by 100µs while 100ms pass: milliseconds?"}}},
		{name: "nanoseconds since boot", sources: vehicle(10, unit(func(us int64) int64 { return boot(us) * 1000 })), seconds: 3,
			told: [][]string{{"a: unit: captured goes on by 1m40s while 100ms pass: nanoseconds?"}}},
		{name: "one in nanoseconds", sources: one(nano), seconds: 3, sizes: map[int]int{5: 30}, dropped: map[string]uint64{"unit": 30},
			told: [][]string{{"e: unit:", "nanoseconds?"}}, latency: 106 * time.Millisecond},
		{name: "one in milliseconds", sources: one(milli), seconds: 3, sizes: map[int]int{5: 30}, dropped: map[string]uint64{"unit": 30},
			told: [][]string{{"e: unit:", "milliseconds?"}}},
		{name: "one in seconds", sources: one(seconds), seconds: 3, sizes: map[int]int{5: 30}, dropped: map[string]uint64{"unit": 30},
			told: [][]string{{"e: unit:", "seconds?"}}},
		{name: "seconds in float32", sources: vehicle(10, unit(func(us int64) int64 { return int64(float32(us/1e6)) * 1e6 })), seconds: 3,
			sizes: map[int]int{6: 1}, told: [][]string{{"a: stuck: repeats the capture time"}}},
	})
}

func TestPosesThatFail(t *testing.T) {
	check(t, []situation{
		{name: "100 ms late", sources: localised(10, func(p *source) { p.delay = 0.1 }), seconds: 5, sizes: map[int]int{6: 50}, quiet: true},
		{name: "none", sources: cars(10, nil)[1:], seconds: 5, told: [][]string{{"poses: no_pose: no pose has come"}}},
		{name: "300 ms late", sources: localised(1, func(p *source) { p.delay = 0.3 }), seconds: 5,
			told: [][]string{{"poses: pose_late: poses come 295 ms after the frames of their time; sync.deadline is 150ms"}}},
		{name: "2 Hz", sources: localised(1, func(p *source) { p.rate = 2; p.phase = 0.1 }), seconds: 5,
			told: [][]string{{"poses: pose_gap: poses are 500 ms apart; sync.pose_gap is 200ms"}}},
		{name: "clock 3 s ahead", sources: localised(10, func(p *source) { p.clock = shifted(3, -9, 100) }), seconds: 8,
			told: [][]string{{"poses: pose_clock: poses come 3.0 s before the frames of their time"}}},
		{name: "clock 1 s behind", sources: localised(10, func(p *source) { p.clock = shifted(-1, -9, 100) }), seconds: 5,
			told: [][]string{{"poses: pose_clock: the newest pose is 996 ms older than the frames"}}},
		{name: "clock goes back and returns", sources: localised(10, func(p *source) { p.clock = shifted(-5, 3, 5) }), seconds: 8,
			sizes: map[int]int{6: 60}, told: [][]string{{"poses: pose_clock: the newest pose is 5.0 s older than the frames"}}},
		{name: "stop", sources: localised(10, func(p *source) { p.until = 2 }), seconds: 6, sizes: map[int]int{6: 20},
			told: [][]string{{"poses: no_pose: the newest pose is 3.", "older than the frames"}}},
		{name: "stop for 1.5 s", sources: localised(10, func(p *source) { p.skips = between(2.01, 3.5) }), seconds: 6, sizes: map[int]int{6: 46},
			told: [][]string{{"poses: no_pose: the newest pose is 1.", "older than the frames"}}},
	})
}

// Poses too far apart are named so, at any rate and phase of the frames that have no pose
// of their time.
func TestPosesFarApart(t *testing.T) {
	for _, rate := range []float64{1, 2, 4, 10, 30} {
		for _, phase := range []float64{-0.49, -0.4, -0.24, -0.1, -0.01} {
			for _, delay := range []float64{0.001, 0.05} {
				name := fmt.Sprintf("%g Hz, poses %g s before frames, %g s on the way", rate, -phase, delay)
				t.Run(name, func(t *testing.T) {
					all := localised(rate, func(p *source) { p.rate, p.phase, p.delay = 2, phase, delay })
					d := drive(Options{}, rig(six...), messages(5, all...))
					want := Trouble{CausePoseGap, "poses are 500 ms apart; sync.pose_gap is 200ms"}
					if got := d.sync.Health().Poses.Trouble; got != want {
						t.Errorf("trouble %+v, want %+v; told %q", got, want, d.troubles)
					}
				})
			}
		}
	}
}

func check(t *testing.T, all []situation) {
	for _, x := range all {
		t.Run(x.name, func(t *testing.T) { x.check(t) })
	}
}

func (x *situation) check(t *testing.T) {
	d := drive(x.options, rig(six...), messages(x.seconds, x.sources...))
	d.take(d.sync.Flush(), time.Time{})
	if x.sizes != nil && !maps.Equal(x.sizes, d.sizes()) {
		t.Errorf("sets by their number of cameras: %v, want %v", d.sizes(), x.sizes)
	}
	if got := d.drops(); x.dropped != nil && !maps.Equal(x.dropped, got) {
		t.Errorf("dropped %v, want %v", got, x.dropped)
	}
	if (x.begun != nil || x.quiet) && !slices.Equal(x.begun, d.begun) {
		t.Errorf("sequences began by %q, want %q", d.begun, x.begun)
	}
	for _, parts := range x.told {
		if !d.told(parts...) {
			t.Errorf("not told: %q, but %q", parts, d.troubles)
		}
	}
	if x.quiet && len(d.troubles) > 0 {
		t.Errorf("told %q, want nothing", d.troubles)
	}
	if got := d.latency(); x.latency > 0 && got > x.latency {
		t.Errorf("a set left %v after its last capture, want at most %v", got, x.latency)
	}
	if c := d.sync.Counters(); c.Frames != d.used()+d.dropped() {
		t.Errorf("%d frames came, %d are in sets, %d dropped", c.Frames, d.used(), d.dropped())
	}
}

// drops returns the counts of reasons that are not zero.
func (d *seen) drops() map[string]uint64 {
	got := map[string]uint64{}
	c := d.sync.Counters()
	for reason, n := range c.Drops {
		if n > 0 {
			got[reason] = n
		}
	}
	return got
}

// used counts the frames in sets.
func (d *seen) used() (n uint64) {
	for size, sets := range d.sizes() {
		n += uint64(size * sets)
	}
	return n
}

// dropped counts the frames that the cameras' health has as dropped.
func (d *seen) dropped() (n uint64) {
	for _, c := range d.sync.Health().Cameras {
		for _, k := range c.Dropped {
			n += k
		}
	}
	return n
}

// latency returns the longest from a set's last capture until it left, of those that
// did by themselves.
func (d *seen) latency() (longest time.Duration) {
	for i := range d.sets {
		longest = max(longest, d.left[i].Sub(d.sets[i].Time))
	}
	return longest
}
