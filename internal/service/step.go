package service

import (
	"context"
	"errors"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// fatalError is an error after which the service cannot go on.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return "service: " + e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

func isFatal(err error) bool {
	var f interface{ Fatal() bool }
	return errors.As(err, &f) && f.Fatal()
}

// step takes sets until there are no more, or until ctx, the time to finish, is
// over. It stops reading at a fatal error.
func (s *Service) step(ctx context.Context, stop context.CancelCauseFunc) {
	failed := false
	for {
		set := s.backlog.take()
		switch {
		case set == nil:
			return
		case failed || ctx.Err() != nil:
			s.account.loseSet(unfinished)
			continue
		}
		if err := s.detect(ctx, set); err != nil {
			failed = true
			s.backlog.close()
			stop(&fatalError{err})
		}
	}
}

// detect steps one set and publishes the result. It returns fatal errors only.
func (s *Service) detect(ctx context.Context, set *perception.FrameSet) error {
	began := time.Now()
	s.account.begin(began)
	result, err := s.stepper.Step(set)
	s.account.end()
	if err != nil {
		s.backlog.lost(set)
		s.account.loseSet(failed)
		s.account.fail(err)
		s.log.Error("a set failed", "time", set.Time, "error", err)
		if isFatal(err) {
			return err
		}
		return nil
	}
	if err := s.sink.Publish(ctx, result); err != nil {
		s.account.loseSet(unpublished)
		s.account.fail(err)
		s.log.Error("a result was not published", "time", set.Time, "error", err)
		return nil
	}
	s.account.publish(result)
	s.metrics.observe(result, time.Since(began))
	return nil
}
