package replay

import (
	"context"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// Pace returns a source that delivers frames no sooner than their capture times
// allow, counted from the first frame of the scene, at speed times real time.
// Scenes follow each other without a pause. Speed is positive.
func Pace(source perception.Source, speed float64) perception.Source {
	return &paced{Source: source, speed: speed}
}

type paced struct {
	perception.Source
	speed float64
	began time.Time // when the scene's first frame was delivered; zero before
	first time.Time // its capture time
}

// Next implements [perception.Source].
func (p *paced) Next(ctx context.Context) (perception.Delivery, error) {
	d, err := p.Source.Next(ctx)
	if err != nil {
		return d, err
	}
	switch e := d.Event.(type) {
	case perception.Reset:
		p.began = time.Time{}
	case *perception.Frame:
		if err := p.wait(ctx, e.Captured); err != nil {
			d.Settle(err)
			return perception.Delivery{}, err
		}
	}
	return d, nil
}

// wait returns when a frame with that capture time is due, or ctx is done.
func (p *paced) wait(ctx context.Context, captured time.Time) error {
	if p.began.IsZero() {
		p.began, p.first = time.Now(), captured
	}
	due := time.Duration(float64(captured.Sub(p.first)) / p.speed)
	select {
	case <-time.After(due - time.Since(p.began)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
