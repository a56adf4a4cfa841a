package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/solofusion/solofusion/perception"
)

// SourceOptions configure a Source.
type SourceOptions struct {
	Queue int // messages that wait at most; default 256

	// Lossless waits where it would drop, and ends at the end of the stream:
	// for replays, whose publisher confirms.
	Lossless bool
}

// Source is a perception.Source of one rig's messages.
type Source struct {
	conn     *Conn
	subjects Subjects
	lossless bool
	sub      *nats.Subscription
	queue    *queue

	malformed, full atomic.Uint64
	warned          atomic.Int64 // when the log last spoke of drops, nanoseconds
}

// NewSource subscribes, and delivers first the calibration that the server
// keeps, where it keeps one.
func NewSource(ctx context.Context, c *Conn, s Subjects, o SourceOptions) (*Source, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if o.Queue == 0 {
		o.Queue = 256
	}
	src := &Source{conn: c, subjects: s, lossless: o.Lossless, queue: newQueue(o.Queue)}
	sub, err := c.nc.Subscribe(s.of(">"), src.receive)
	if err != nil {
		return nil, fmt.Errorf("bus: subscription to %s: %w", s.of(">"), err)
	}
	src.sub = sub
	if o.Lossless {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err = errors.Join(err, c.Flush(ctx), src.recall(ctx)); err != nil {
		src.Close()
		return nil, err
	}
	c.onReconnect(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := src.recall(ctx); err != nil {
			c.log.Warn("calibration not read again", "error", err)
		}
	})
	return src, nil
}

// recall delivers the calibration in the bucket, if there is one.
func (s *Source) recall(ctx context.Context) error {
	js, err := jetstream.New(s.conn.nc)
	if err != nil {
		return fmt.Errorf("bus: calibration bucket: %w", err)
	}
	bucket, err := js.KeyValue(ctx, s.subjects.bucket())
	if noJetStream(err) {
		s.conn.log.Warn("the NATS server keeps no calibration (it has no JetStream): waiting for one to be sent")
		return nil
	}
	var entry jetstream.KeyValueEntry
	if err == nil {
		entry, err = bucket.Get(ctx, s.subjects.Rig)
	}
	if errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil // nobody sent one yet
	}
	if err != nil {
		return fmt.Errorf("bus: calibration bucket: %w", err)
	}
	rig, err := decodeRig(entry.Value())
	if err != nil {
		s.malformed.Add(1)
		s.warn("the calibration kept by the server cannot be understood", "bucket", s.subjects.bucket(), "reason", err)
		return nil
	}
	s.queue.prepend(item{event: rig})
	return nil
}

// receive runs in the subscription's goroutine.
func (s *Source) receive(msg *nats.Msg) {
	kind := s.subjects.kind(msg.Subject)
	if kind == detections || kind == status {
		return
	}
	ev, err := decodeEvent(kind, msg.Data)
	next := item{event: ev, answer: answer(msg)}
	switch {
	case err == errEnd && !s.lossless:
		next.answer("")
		return
	case err == errEnd:
		next.end = true
	case err != nil:
		s.malformed.Add(1)
		s.warn("message dropped", "subject", msg.Subject, "reason", err)
		next.answer(err.Error())
		return
	}
	if s.lossless {
		s.queue.wait(next)
		return
	}
	if dropped := s.queue.push(next); dropped != nil {
		s.full.Add(1)
		s.warn("the service is behind: oldest frames are dropped", "queue_full", s.full.Load())
		dropped.answer("queue_full")
	}
}

// answer returns how to confirm msg: "" says that it was taken.
func answer(msg *nats.Msg) func(refusal string) {
	return func(refusal string) {
		if msg.Reply != "" {
			_ = msg.Respond([]byte(refusal)) // a lost connection is the asker's to notice
		}
	}
}

// warn logs at most once a second.
func (s *Source) warn(text string, args ...any) {
	now, last := time.Now().UnixNano(), s.warned.Load()
	if now-last >= int64(time.Second) && s.warned.CompareAndSwap(last, now) {
		s.conn.log.Log(context.Background(), slog.LevelWarn, text, args...)
	}
}

// Next returns the next event. It returns io.EOF after the end of a lossless
// stream and after Close.
func (s *Source) Next(ctx context.Context) (perception.Event, error) {
	for {
		if next, ok := s.queue.pop(); ok {
			next.answer("")
			if next.end {
				return nil, io.EOF
			}
			return next.event, nil
		}
		select {
		case <-s.queue.filled:
		case <-s.queue.done:
			return nil, io.EOF
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.conn.closed:
			return nil, errors.New("bus: the connection to the NATS server is closed")
		}
	}
}

// Drops calls yield with each reason for which messages were dropped, and how
// many.
func (s *Source) Drops(yield func(reason string, n uint64) bool) {
	_ = yield("malformed", s.malformed.Load()) && yield("queue_full", s.full.Load())
}

// Close ends the subscription.
func (s *Source) Close() error {
	s.queue.close()
	if err := s.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("bus: %w", err)
	}
	return nil
}
