package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/solofusion/solofusion/perception"
)

// Feed reads one kind of the service's messages. A reader that is behind by more
// than NATS' pending limits loses messages, which is logged.
type Feed[T any] struct {
	sub    *nats.Subscription
	decode func([]byte) (T, error)
}

// NewResults returns the feed of results published from now on.
func NewResults(c *Conn, s Subjects) (*Feed[*perception.Result], error) {
	return subscribe(c, s, detections, decodeResult)
}

// NewStatuses returns the feed of status messages published from now on.
func NewStatuses(c *Conn, s Subjects) (*Feed[*perception.Status], error) {
	return subscribe(c, s, status, decodeStatus)
}

func subscribe[T any](c *Conn, s Subjects, kind string, decode func([]byte) (T, error)) (*Feed[T], error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	subject := s.of(kind)
	sub, err := c.nc.SubscribeSync(subject)
	if err == nil {
		err = errors.Join(c.nc.Flush(), c.forbidden(subscribing, subject))
	}
	if err != nil {
		return nil, fmt.Errorf("bus: subscription to %s: %w", subject, err)
	}
	return &Feed[T]{sub: sub, decode: decode}, nil
}

// Next waits for a message, until ctx is done. After a [MalformedError] it may be
// called again. The caller owns the result.
func (f *Feed[T]) Next(ctx context.Context) (T, error) {
	var none T
	msg, err := f.sub.NextMsgWithContext(ctx)
	if err != nil {
		return none, fmt.Errorf("bus: %s: %w", f.sub.Subject, err)
	}
	v, err := f.decode(msg.Data)
	if err != nil {
		return none, &MalformedError{Subject: msg.Subject, Reason: err.Error()}
	}
	return v, nil
}

// Close ends the subscription.
func (f *Feed[T]) Close() error { return f.sub.Unsubscribe() }
