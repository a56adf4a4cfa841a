package pipeline

import (
	"fmt"
	"time"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/timeline"
)

// sequence decides which sets the history connects. It is the one place that
// does: a source only puts its own reasons into [perception.FrameSet].
type sequence struct {
	ended string      // why the next set is a first one, "" if it is not
	last  time.Time   // of the last set; meaningless if ended
	way   way         // of the vehicle until then
	kept  []time.Time // of the sets in stereo's past and in the history, newest first
	slow  string      // that sets are further apart than in training; "" if they are not
}

func newSequence() sequence { return sequence{ended: "first set"} }

// end makes the next set a first one; of several reasons the first stays.
func (s *sequence) end(reason string) {
	if s.ended == "" {
		s.ended = reason
	}
}

// next takes in a set and returns why it is the first of a sequence, "" if it is
// not. A history connects what one vehicle saw from one height, forward in time and
// without a gap in which the scene may have changed, and from places that it went to: the
// model was trained on nothing else. The times of a recording's key frames may be anything
// that goes on, so that its places are not judged by them. moved says that the model's
// frame is elsewhere on the vehicle. The set's own reason comes before others.
func (s *sequence) next(set *perception.FrameSet, moved bool, maxGap time.Duration) (reset string) {
	gap := set.Time.Sub(s.last)
	switch {
	case set.NewSequence != "":
		reset = set.NewSequence
	case s.ended != "":
		reset = s.ended
	case moved:
		reset = "the base changed"
	case gap <= 0:
		reset = fmt.Sprintf("time went back by %v", -gap)
	case gap > maxGap:
		reset = fmt.Sprintf("a gap of %v exceeds %v", gap, maxGap)
	case set.KeyFrame == "":
		reset = s.way.jump(set.GlobalFromEgo, gap)
	}
	s.ended, s.last = "", set.Time
	if reset != "" {
		s.kept, s.slow, s.way = nil, "", way{}
	}
	s.way.add(set.GlobalFromEgo, gap)
	return reset
}

// plan takes the sequence's next set, at now, among those that are kept.
func (s *sequence) plan(rule timeline.Rule, now time.Time) timeline.Plan {
	p := rule.Plan(s.kept, now)
	s.judge(rule, &p, now)
	s.kept = p.After(s.kept, now)
	return p
}

// judge notes whether the sets are further apart than the model's training had them.
// It waits for some of them, and keeps to its word for small changes.
func (s *sequence) judge(rule timeline.Rule, p *timeline.Plan, now time.Time) {
	const some = 3
	apart := p.Apart(s.kept, now)
	switch {
	case len(p.Earlier) < min(some, rule.Frames):
	case apart < rule.Interval*5/4:
		s.slow = ""
	case apart > rule.Interval*3/2 && s.slow == "":
		s.slow = fmt.Sprintf("sets are %.1f s apart, training saw %g s", apart.Seconds(), rule.Interval.Seconds())
	}
}
