package service

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// step detects in the sets of the backlog until it is closed and empty. When ctx is
// done, the remaining sets are lost. With Overlap a set is looked at while the one before
// it is finished.
func (s *Service) step(ctx context.Context) {
	finish := func(g *glance) { s.finish(ctx, g) }
	if s.options.Overlap {
		looked := make(chan *glance)
		var finishing sync.WaitGroup
		finishing.Go(func() {
			for g := range looked {
				s.finish(ctx, g)
			}
		})
		defer finishing.Wait()
		defer close(looked)
		finish = func(g *glance) { looked <- g }
	}
	for {
		set, err := s.backlog.Take(context.Background())
		if err != nil { // closed and empty
			return
		}
		if err := ctx.Err(); err != nil {
			s.lose(&set, unfinished, err)
			continue
		}
		finish(s.glance(&set))
	}
}

// glance is a set that the stepper has looked at.
type glance struct {
	set    *waiting
	way    *Way
	finish func() (*perception.Result, error)
}

// glance begins with a set.
func (s *Service) glance(set *waiting) *glance {
	way := &Way{Set: set.FrameSet, Left: set.left, Began: time.Now()}
	s.account.begin(way.Began)
	return &glance{set, way, s.stepper.Look(set.FrameSet)}
}

// finish ends the step of a set, publishes the moment and settles the set.
func (s *Service) finish(ctx context.Context, g *glance) {
	set, way := g.set, g.way
	defer s.trace(way)
	defer s.account.end() // when it is counted: until then the result is on its way
	if set.number != s.begun {
		set.NewSequence = set.reason
	}
	way.Result, way.Lost = g.finish()
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
	s.metrics.observe(way)
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
