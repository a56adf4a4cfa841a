package service

import (
	"context"
	"fmt"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// step detects in the sets of the backlog until it is closed and empty. When ctx is
// done, the remaining sets are lost.
func (s *Service) step(ctx context.Context) {
	for {
		set, err := s.backlog.Take(context.Background())
		if err != nil { // closed and empty
			return
		}
		if err := ctx.Err(); err != nil {
			s.lose(&set, unfinished, err)
			continue
		}
		s.detect(ctx, &set)
	}
}

// detect steps one set, publishes the moment and settles the set.
func (s *Service) detect(ctx context.Context, set *waiting) {
	way := &Way{Set: set.FrameSet, Left: set.left, Began: time.Now()}
	defer s.trace(way)
	if set.number != s.begun {
		set.NewSequence = set.reason
	}
	s.account.begin(way.Began)
	defer s.account.end() // when it is counted: until then the result is on its way
	way.Result, way.Lost = s.stepper.Step(set.FrameSet)
	way.Stepped = time.Now()
	if way.Lost != nil {
		s.lose(set, failed, way.Lost)
		return
	}
	s.begun = set.number
	way.Lost = s.sink.Publish(ctx, &perception.Moment{Set: set.FrameSet, Result: way.Result})
	if way.Lost != nil {
		s.lose(set, unpublished, way.Lost)
		return
	}
	way.Published = time.Now()
	s.warnUnlike(way.Result, s.account.publish(way.Result, s.down() != nil, s.inbox(), way.Published))
	s.metrics.observe(way.Result, way.Published.Sub(way.Began))
	s.notice()
	set.Settle(nil)
}

// notice looks at the facts, and has the status published if the condition changed.
func (s *Service) notice() {
	if s.look() {
		select {
		case s.changed <- struct{}{}:
		default: // it will be published anyway
		}
	}
}

// warnUnlike logs what of the cameras and their rate the model's training never saw.
func (s *Service) warnUnlike(r *perception.Result, unlike []string) {
	for _, words := range unlike {
		s.log.Warn("unlike what training saw", "rig", r.Rig, "what", words)
	}
}

// lose counts and settles a set that led to no result.
func (s *Service) lose(set *waiting, why loss, cause error) {
	s.account.loseSet(why, cause)
	set.Settle(fmt.Errorf("service: set lost: %s: %w", lossNames[why], cause))
}
