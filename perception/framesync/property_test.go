package framesync

import (
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/perception"
)

// TestMain runs a thousand sequences of each property unless -rapid.checks says
// otherwise.
func TestMain(m *testing.M) {
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("1000"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

var cameras = []string{"a", "b", "c", "d"}

// TestArrivalOrderDoesNotMatter: for any order of the frames of an instant, the
// sets are the same, and complete.
func TestArrivalOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		useKey := rapid.Bool().Draw(t, "key times")
		instants := rapid.IntRange(1, 6).Draw(t, "instants")
		straight, mixed := newScript(Options{}, rig(cameras...)), newScript(Options{}, rig(cameras...))
		both := func(now int, ev perception.Event) { straight.at(now, ev); mixed.at(now, ev) }
		for i := range instants {
			start := 500 * i
			for at := start; at <= start+100; at += 50 {
				both(start, poseAt(at))
			}
			frames := make([]*perception.Frame, len(cameras))
			for c, name := range cameras {
				frames[c] = frame(name, start+rapid.IntRange(0, 60).Draw(t, "offset"))
				if useKey {
					frames[c].Key = &perception.KeyFrame{Time: ms(start + 30)}
				}
			}
			for _, f := range frames {
				straight.at(start+60, f)
			}
			for _, f := range rapid.Permutation(frames).Draw(t, "order") {
				mixed.at(start+60, f)
			}
		}
		if diff := cmp.Diff(straight.got, mixed.got); diff != "" {
			t.Fatalf("sets differ by order (-straight +mixed):\n%s", diff)
		}
		if c := mixed.sync.Counters(); c.Sets != uint64(instants) || c.Incomplete != 0 {
			t.Fatalf("%d sets, %d of them incomplete, of %d instants", c.Sets, c.Incomplete, instants)
		}
	})
}

// TestSetsAreOrderedAndBounded: for any events, the sets of a sequence are in order of
// time, memory is bounded, a set has a frame, and a second run gives the same.
func TestSetsAreOrderedAndBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(anyEvent), 1, 120).Draw(t, "events")
		steps := rapid.SliceOfN(rapid.IntRange(0, 200), len(events), len(events)).Draw(t, "time between")
		o := Options{Pending: 3, Poses: 10, StreamTime: rapid.Bool().Draw(t, "stream time")}
		once, twice := newScript(o), newScript(o)
		var last time.Time
		check := func(sets []Set) {
			for _, set := range sets {
				if set.NewSequence == "" && !set.Time.After(last) {
					t.Fatalf("set at %v after one at %v", set.Time, last)
				}
				if len(set.Missing()) == len(set.Frames) {
					t.Fatal("a set without a frame")
				}
				last = set.Time
			}
		}
		now := 0
		for i, ev := range events {
			now += steps[i]
			sets := once.sync.Push(perception.Delivery{Event: ev}, ms(now))
			once.note(sets)
			check(sets)
			twice.at(now, ev)
			checkBounds(t, once.sync)
			once.sync.Health()
		}
		sets := once.sync.Flush()
		once.note(sets)
		check(sets)
		if diff := cmp.Diff(once.got, twice.flush().got); diff != "" {
			t.Fatalf("the second run differs:\n%s", diff)
		}
		if diff := cmp.Diff(once.sync.Health(), twice.sync.Health()); diff != "" {
			t.Fatalf("the health of the second run differs:\n%s", diff)
		}
	})
}

func checkBounds(t *rapid.T, s *Sync) {
	o := &s.options
	if len(s.keyed.pending) > o.Pending || len(s.poses.poses) > o.Poses || len(s.poses.strays) >= strayLimit {
		t.Fatalf("%d sets of key frames, %d poses and %d strays are held", len(s.keyed.pending), len(s.poses.poses), len(s.poses.strays))
	}
	for i := range s.cameras {
		if n := len(s.cameras[i].waiting); n > 2*o.Pending {
			t.Fatalf("%d frames of a camera wait", n)
		}
	}
	p := s.plan()
	if n := len(p.all()); n > 2*o.Pending*len(s.cameras) {
		t.Fatalf("%d sets wait", n)
	}
}

// ledger records how often each delivery was settled, and with what the last time.
type ledger struct {
	times []int
	last  []error
}

// deliver returns a delivery of ev that the ledger records.
func (l *ledger) deliver(ev perception.Event) perception.Delivery {
	i := len(l.times)
	l.times, l.last = append(l.times, 0), append(l.last, nil)
	return perception.Delivery{Event: ev, Done: func(err error) {
		l.times[i]++
		l.last[i] = err
	}}
}

// TestEveryDeliveryIsSettledOnce: for any events, and whether the end flushes or
// discards; the counters count the deliveries that are settled with a Reason.
func TestEveryDeliveryIsSettledOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, out, settled := New(Options{Pending: 3, Poses: 10}), ledger{}, 0
		take := func(sets []Set) {
			for i := range sets {
				sets[i].Settle(nil)
				settled += len(sets[i].Frames) - len(sets[i].Missing())
			}
		}
		events := rapid.SliceOfN(rapid.Custom(anyEvent), 1, 120).Draw(t, "events")
		step := rapid.IntRange(1, 100).Draw(t, "step")
		for now, ev := range events {
			take(s.Push(out.deliver(ev), ms(step*now)))
		}
		if rapid.Bool().Draw(t, "discard") {
			s.Discard()
		}
		take(s.Flush())
		dropped := [reasons]uint64{}
		for i, n := range out.times {
			if n != 1 {
				t.Fatalf("delivery %d, %+v, was settled %d times", i, events[i], n)
			}
			var drop *Drop
			if errors.As(out.last[i], &drop) {
				dropped[drop.Reason]++
			} else if _, isFrame := events[i].(*perception.Frame); isFrame {
				settled--
			}
		}
		if dropped != s.Counters().Dropped || settled != 0 {
			t.Fatalf("settled as dropped %v, counted %v; %d frames of sets are not settled", dropped, s.Counters().Dropped, settled)
		}
	})
}

func anyEvent(t *rapid.T) perception.Event {
	at := rapid.IntRange(0, 3000).Draw(t, "at")
	switch rapid.IntRange(0, 20).Draw(t, "kind") {
	case 0:
		return perception.Reset{Reason: "scene"}
	case 1:
		return rig(cameras[:rapid.IntRange(0, 4).Draw(t, "cameras")]...)
	case 2, 3, 4, 5:
		p := poseAt(at)
		if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
			p.GlobalFromEgo.Rotation.X = math.NaN()
		}
		return p
	}
	f := frame(rapid.SampledFrom([]string{"a", "b", "c", "d", "x"}).Draw(t, "camera"), at)
	f.Sequence = uint64(rapid.IntRange(0, 50).Draw(t, "sequence"))
	switch rapid.IntRange(0, 12).Draw(t, "time") {
	case 0:
		f.Captured = f.Captured.Add(time.Hour)
	case 10:
		f.Captured = f.Captured.Add(-5 * time.Second)
	case 11:
		f.Captured = time.UnixMicro(rapid.SampledFrom([]int64{0, -1, 1, 1_795_000_000, 1_795_000_000_000, math.MaxInt64, math.MinInt64}).Draw(t, "stamp"))
	case 12:
		f.Captured = time.UnixMicro(f.Captured.UnixMicro() * 1000)
	case 1, 2, 3:
		f.Key = &perception.KeyFrame{
			ID: rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, "key frame"), Time: ms(500 * (at / 500)),
		}
	}
	if rapid.Bool().Draw(t, "own pose") {
		own := poseAt(at).GlobalFromEgo
		if rapid.IntRange(0, 9).Draw(t, "bad") == 0 {
			own.Translation[1] = math.Inf(1)
		}
		f.OwnPose = &own
	}
	return f
}

// TestLiveness: whatever came before, frames that keep coming from cameras whose clocks
// agree, with poses, bring a set within two beats and the deadline, or at the start of a
// stream within patience and the deadline of the first frame.
func TestLiveness(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := New(Options{}), 0
		s.Push(perception.Delivery{Event: rig(cameras...)}, ms(0))
		for _, ev := range rapid.SliceOfN(rapid.Custom(anyEvent), 0, 60).Draw(t, "before") {
			now += rapid.IntRange(0, 200).Draw(t, "step")
			s.Push(perception.Delivery{Event: ev}, ms(now))
		}
		s.Push(perception.Delivery{Event: rig(cameras...)}, ms(now))
		start, shift := float64(now)/1000, rapid.SampledFrom([]float64{0, -3600, 3600, -3, -0.5, 5, -60}).Draw(t, "shift")
		clock := func(t float64) float64 { return t + shift }
		rate := func() float64 { return rapid.SampledFrom([]float64{1, 2, 5, 10, 12, 20, 30, 60}).Draw(t, "rate") }
		sources := []source{{name: "pose", rate: 50, delay: 0.005, clock: clock, from: start, phase: -0.1}}
		var periods []time.Duration
		first := 1.0
		for _, name := range cameras {
			c := source{name: name, rate: rate(), clock: clock, from: start}
			c.phase = rapid.Float64Range(0, 1/c.rate).Draw(t, "phase")
			c.delay = rapid.Float64Range(0, 0.05).Draw(t, "delay")
			sources = append(sources, c)
			periods = append(periods, time.Duration(1e9/c.rate))
			first = min(first, c.phase)
		}
		limit := 2 * upperMedian(periods)
		switch {
		case s.start.IsZero():
			limit = max(limit, patience+time.Duration(first*1e9))
		case second(start).Sub(s.start) < patience:
			limit = max(limit, patience)
		}
		limit += s.options.Deadline + 55*time.Millisecond // the way of the frames
		end := second(start).Add(limit)
		for _, m := range messages(start+limit.Seconds()+2, sources...) {
			for at, ok := s.Deadline(); ok && !at.After(second(m.arrives)) && !at.After(end); at, ok = s.Deadline() {
				if len(s.Advance(at)) > 0 {
					return
				}
			}
			if len(s.Push(perception.Delivery{Event: m.event}, second(m.arrives))) > 0 {
				return
			}
			if second(m.arrives).After(end) {
				break
			}
		}
		t.Fatalf("no set within %v, cameras %v: %+v", limit, periods, s.Counters())
	})
}

// TestSetsKeepComing: cameras whose clocks agree, with poses, of any rates and phases, lead
// to a set within two beats and the deadline, again and again. Cameras of few images whose
// captures are far apart make sets that are worth little, but none that is waited for in vain.
func TestSetsKeepComing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(Options{})
		s.Push(perception.Delivery{Event: rig(six...)}, ms(0))
		sources := []source{{name: "pose", rate: 20, delay: 0.005, phase: -0.1}}
		var periods []time.Duration
		rate, others := rapid.SampledFrom([]float64{1, 2, 5, 10, 15, 30}), rapid.IntRange(0, 6).Draw(t, "others")
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)) // rapid prefers small numbers, which are no phases
		rates := [2]float64{rate.Draw(t, "rate"), rate.Draw(t, "rate of others")}
		for i, name := range six {
			c := source{name: name, rate: rates[0]}
			if i < others {
				c.rate = rates[1]
			}
			c.phase, c.delay = dice.Float64()/c.rate, 0.05*dice.Float64()
			sources = append(sources, c)
			periods = append(periods, time.Duration(1e9/c.rate))
		}
		beat, way := upperMedian(periods), s.options.Deadline+55*time.Millisecond // 55 ms is that of the frames
		last, limit := ms(0), max(2*beat, patience+time.Second)+way
		leave := func(sets []Set, at time.Time) {
			if len(sets) > 0 {
				last, limit = at, 2*beat+way
			} else if at.Sub(last) > limit {
				t.Fatalf("no set within %v of %v, cameras %v: %+v", limit, last, periods, s.Counters())
			}
		}
		for _, m := range messages((limit + 3*beat).Seconds(), sources...) {
			for at, ok := s.Deadline(); ok && !at.After(second(m.arrives)); at, ok = s.Deadline() {
				leave(s.Advance(at), at)
			}
			leave(s.Push(perception.Delivery{Event: m.event}, second(m.arrives)), second(m.arrives))
		}
	})
}

// TestMomentsAreSets: cameras that capture together make a set of all of them at each
// moment, however far it is from the one before: what is known of their periods ends no
// set before its last frame.
func TestMomentsAreSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gaps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 {
			return float64(rapid.IntRange(4, 100).Draw(t, "hundredths")) / 100
		}), 1, 12).Draw(t, "gaps")
		way := rapid.Float64Range(0, 0.005).Draw(t, "way")
		d := drive(Options{}, rig(six...), messages(8, cars(100, func(i int, c *source) {
			c.skips, c.delay = apart(gaps...), 0.005+way*float64(i)
		})...))
		d.take(d.sync.Flush(), time.Time{})
		if len(d.sizes()) != 1 || d.sizes()[6] == 0 {
			t.Fatalf("sets by their number of cameras: %v, of %v; drops %v", d.sizes(), gaps, d.drops())
		}
	})
}
