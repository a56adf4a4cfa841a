package service

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// pulse is the time between two looks at the facts, and the largest delay of what they
// show.
const pulse = 100 * time.Millisecond

// outdated is the age of a view from which it does not show that the service is ready: a
// look takes no time, unless something in it hangs.
const outdated = 20 * pulse

// watch looks at the facts each pulse, and publishes the status each period and when the
// condition changes.
func (s *Service) watch(ctx context.Context) {
	looks, periods := time.NewTicker(pulse), time.NewTicker(s.options.StatusPeriod)
	defer looks.Stop()
	defer periods.Stop()
	for {
		s.publishStatus(ctx)
		for due := false; !due; {
			select {
			case <-looks.C:
				due = s.look()
			case <-s.changed:
				due = true
			case <-periods.C:
				due = true
			case <-ctx.Done():
				s.look()
				return
			}
		}
	}
}

func (s *Service) publishStatus(ctx context.Context) {
	if err := s.sink.Status(ctx, s.Status()); err != nil {
		s.account.unsent(err)
	}
}

// look makes a new view of the facts and logs what changed. It reports whether the state,
// what is waited for, or the readiness did.
func (s *Service) look() (changed bool) {
	s.looking.Lock()
	defer s.looking.Unlock()
	f, l := s.gather(), s.options.limits()
	changes := s.journal.observe(f.now, f.symptoms(l))
	next := view{facts: f, troubles: s.journal.troubles(), since: f.now}
	next.condition = judge(&f, next.troubles, l)
	last := s.seen.Load()
	if next.state == last.state && next.waitingFor == last.waitingFor {
		next.since = last.since
	}
	s.seen.Store(&next)
	s.logCondition(last, &next)
	for i := range changes {
		s.logChange(&changes[i], next.state)
	}
	return next.state != last.state || next.waitingFor != last.waitingFor || next.ready != last.ready
}

// view returns what the last look saw. One that should have been renewed long ago is not
// ready, and says so.
func (s *Service) view() *view {
	v := s.seen.Load()
	age := time.Since(v.now)
	if !v.ready || age <= outdated {
		return v
	}
	old := *v
	old.ready, old.words = false, fmt.Sprintf("the state has not been looked at for %s, since it was %s", seconds(age), v.words)
	return &old
}

// gather returns the facts of now, the source's with them.
func (s *Service) gather() facts {
	f := s.account.now(time.Now())
	f.lossless = s.options.Lossless
	f.down = s.down()
	f.source = s.inbox()
	if strict, ok := s.source.(refusingSource); ok {
		words, at := strict.Refused()
		f.refused = later(f.refused, fault{words, at})
	}
	return f
}

// refusingSource is a source that refuses calibrations before the service has them.
type refusingSource interface {
	Refused() (words string, at time.Time) // the last one; zero before
}

// down returns why the source has no connection, nil if it has one or needs none.
func (s *Service) down() error {
	if s.options.Link == nil {
		return nil
	}
	return s.options.Link.Down()
}

// inbox returns what the source dropped, by reason, and what it counts beside.
func (s *Service) inbox() map[string]uint64 {
	counts := maps.Collect(s.source.Drops)
	if more, ok := s.source.(countingSource); ok {
		maps.Insert(counts, more.Counts)
	}
	return counts
}

// logCondition logs a change of the condition, except one between running and degraded,
// which the lines of the troubles show.
func (s *Service) logCondition(last, next *view) {
	same := next.waitingFor == last.waitingFor && next.ready == last.ready
	if s.options.Lossless || same && (next.state == last.state || flowing(next.state) && flowing(last.state)) {
		return
	}
	words, level := next.words, slog.LevelInfo
	if !next.ready && next.state == perception.Waiting {
		level = slog.LevelWarn
	}
	if flowing(next.state) && last.state == perception.Waiting {
		words += ", after " + seconds(next.since.Sub(last.since)) + " of waiting for " + last.waitingFor
	}
	s.log.Log(context.Background(), level, words, "state", next.state, "waiting_for", next.waitingFor, "ready", next.ready)
}

// flowing reports whether results come in a state.
func flowing(s perception.State) bool { return s == perception.Running || s == perception.Degraded }

// logChange logs the beginning of a trouble, and its end if it cost anything that the first
// line does not have.
func (s *Service) logChange(c *change, state perception.State) {
	level, words, part := slog.LevelWarn, "", c.Subject
	if c.IsCamera {
		part = ""
	}
	switch {
	case part == ofHistory && s.options.Lossless: // a recording's scenes
		return
	case part == ofSource: // which logs it itself, with more to tell
		return
	case !c.ended:
		words = c.begun(s.options.Lossless)
	case c.Degrades || c.more:
		level, words = slog.LevelInfo, c.over()
	default:
		return
	}
	switch {
	case s.options.Lossless && c.IsCamera: // the summary tells it, with counts
		level = slog.LevelDebug
	case part == ofHistory:
		level = slog.LevelInfo
	}
	s.log.Log(context.Background(), level, words, "subject", c.Subject, "cause", c.Cause, "count", c.Count, "state", state)
}
