// Package timeline says which earlier sets a set is seen together with, so that a
// model sees frames as far apart as in its training, whatever the stream's rate.
//
//	rule := timeline.Rule{Interval: 500 * time.Millisecond, Frames: 8}
//	plan := rule.Plan(kept, now)  // kept: times of earlier sets, newest first
//	past := plan.Earlier          // indices of those about 0.5, 1.0, … 4.0 s before now
//	kept = plan.After(kept, now)  // what later sets may be seen together with
//
// The rule, for a stream of 10 Hz, a model of 0.5 s and a set at time 0 (| kept, ^ chosen):
//
//	s  -2.0   -1.8   -1.6   -1.4   -1.2   -1.0   -0.8   -0.6 -0.5 -0.4 -0.3 -0.2 -0.1  0
//	    |      |      |      |      |      |      |      |    |    |    |    |    |    now
//	    ^                    ^             ^                  ^
//
// Earlier sets are found one after another. The next is the one nearest to an interval
// before the last found, and at least half an interval before it. If the last found is
// too old or too new for its place, the next interval is shorter or longer by as much,
// by an eighth at most, so that errors do not add up. So every set counts if sets
// are 3/4 of an interval apart or more, as nuScenes' key frames are; of a faster stream
// those count that are an interval apart. If sets are further apart than the interval,
// each counts, as in the reference.
//
// Every set is kept at first. It is forgotten once the kept ones before and after it
// are at most a quarter of an interval apart, or 5/12 of it if the set is older than
// 1.5 intervals; so are all that are older than the last of Frames earlier ones. At
// most [Rule.Most] are kept, at any rate.
//
// There is no clock and no state: the same times give the same plan.
package timeline

import "time"

// Rule is what a model was trained with.
type Rule struct {
	Interval time.Duration // between frames, positive
	Frames   int           // earlier ones that a frame is seen together with; 0 if each is seen alone
}

// Plan is what becomes of a set and the kept ones. Indices are of the kept ones,
// newest first.
type Plan struct {
	Earlier []int // that the set is seen together with: an interval before it, two, …
	Keep    []int // that stay kept
	Near    int   // how many of Keep, the newest, may be an interval before a later set
}

// Plan returns the plan for a set at now, which is later than all kept ones.
func (r Rule) Plan(kept []time.Time, now time.Time) Plan {
	p := Plan{Earlier: r.earlier(kept, now)}
	p.Keep = r.keep(p.needed(r, kept), now)
	p.Near = r.Near(p.After(kept, now)) - 1
	return p
}

// Near returns how many of kept, the newest, may be an interval before a later set.
func (r Rule) Near(kept []time.Time) (n int) {
	for n < len(kept) && kept[0].Sub(kept[n]) < r.Interval {
		n++
	}
	return min(n+1, len(kept))
}

// earlier finds the sets about an interval apart.
func (r Rule) earlier(kept []time.Time, now time.Time) (found []int) {
	at, late := now, time.Duration(0) // the last found; how much later than it should be
	for i := 0; len(found) < r.Frames; i++ {
		for i < len(kept) && at.Sub(kept[i]) < r.Interval/2 {
			i++
		}
		if i == len(kept) {
			break
		}
		want := r.Interval + min(max(late, -r.Interval/8), r.Interval/8)
		off := func(k int) time.Duration { return (at.Sub(kept[k]) - want).Abs() }
		for i+1 < len(kept) && off(i+1) < off(i) {
			i++
		}
		late += r.Interval - at.Sub(kept[i])
		at = kept[i]
		found = append(found, i)
	}
	return found
}

// needed returns the kept sets without those that are too old.
func (p *Plan) needed(r Rule, kept []time.Time) []time.Time {
	n := len(p.Earlier)
	switch {
	case r.Frames == 0:
		return nil
	case n == r.Frames:
		return kept[:p.Earlier[n-1]+1]
	}
	return kept
}

// keep returns those of kept that stay once there is a set at now.
func (r Rule) keep(kept []time.Time, now time.Time) (stay []int) {
	newer := now // that stays
	for i, t := range kept {
		close := r.Interval / 4
		if now.Sub(t) > 3*r.Interval/2 {
			close = 5 * r.Interval / 12
		}
		if i+1 < len(kept) && newer.Sub(kept[i+1]) <= close {
			continue
		}
		newer = t
		stay = append(stay, i)
	}
	return stay
}

// After returns the kept ones after the plan's set, which is the newest of them. It
// does not change kept.
func (p *Plan) After(kept []time.Time, now time.Time) []time.Time {
	after := append(make([]time.Time, 0, len(p.Keep)+1), now)
	for _, i := range p.Keep {
		after = append(after, kept[i])
	}
	return after
}

// Most is the largest number of kept sets.
func (r Rule) Most() int { return 5*r.Frames + 16 }

// Apart returns how far apart the sets of a plan for now are on average, 0 if
// there are none.
func (p *Plan) Apart(kept []time.Time, now time.Time) time.Duration {
	n := len(p.Earlier)
	if n == 0 {
		return 0
	}
	return now.Sub(kept[p.Earlier[n-1]]) / time.Duration(n)
}
