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
	began := time.Now()
	if set.number != s.begun {
		set.NewSequence = set.reason
	}
	s.account.begin(began)
	result, err := s.stepper.Step(set.FrameSet)
	s.account.end()
	if err != nil {
		s.log.Error("set failed", "time", set.Time, "error", err)
		s.account.fail(err)
		s.lose(set, failed, err)
		return
	}
	s.begun = set.number
	if err := s.sink.Publish(ctx, &perception.Moment{Set: set.FrameSet, Result: result}); err != nil {
		s.log.Error("result not published", "time", set.Time, "error", err)
		s.account.fail(err)
		s.lose(set, unpublished, err)
		return
	}
	if s.account.publish(result) {
		s.warnOutside(result)
	}
	s.metrics.observe(result, time.Since(began))
	set.Settle(nil)
}

// warnOutside logs what of the cameras and their rate the model's training never saw.
func (s *Service) warnOutside(r *perception.Result) {
	for _, words := range r.Outside {
		s.log.Warn("unlike what training saw", "rig", r.Rig, "what", words)
	}
}

// lose counts and settles a set that led to no result.
func (s *Service) lose(set *waiting, why loss, cause error) {
	s.account.loseSet(why)
	set.Settle(fmt.Errorf("service: set lost: %s: %w", lossNames[why], cause))
}
