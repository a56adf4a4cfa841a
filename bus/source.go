package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/solofusion/solofusion/internal/option"
	"github.com/solofusion/solofusion/internal/queue"
	"github.com/solofusion/solofusion/perception"
)

// Source is a perception.Source of one rig's messages.
type Source struct {
	conn     *Conn
	subjects Subjects
	lossless bool
	queue    *queue.Queue[item]
	subs     []*nats.Subscription
	remove   []func() // what the connection calls
	closed   atomic.Bool

	malformed, full atomic.Uint64
	warned          atomic.Int64 // when the log last spoke of drops, nanoseconds
}

// NewSource subscribes, and delivers first the calibration that the server
// keeps, where it keeps one.
func NewSource(ctx context.Context, c *Conn, s Subjects, o SourceOptions) (*Source, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	o = option.Fill(o, DefaultSource())
	least := dispensable
	if o.Lossless {
		least = nil
	}
	src := &Source{conn: c, subjects: s, lossless: o.Lossless, queue: queue.New(o.Queue, least)}
	if err := errors.Join(src.subscribe(), c.Flush(ctx), src.recall(ctx)); err != nil {
		return nil, errors.Join(err, src.Close())
	}
	src.remove = []func(){c.onReconnect.add(src.recallAgain), c.onClose.add(src.queue.Close)}
	if c.nc.IsClosed() { // since the subscription: nobody may have called
		src.queue.Close()
	}
	return src, nil
}

// subscribe takes the rig's messages, and apart from them, so that it is answered
// even while the queue is full, the question whether somebody does.
func (s *Source) subscribe() error {
	if err := s.listen(service, func(msg *nats.Msg) { s.conn.answer(msg)("") }); err != nil {
		return err
	}
	return s.listen(">", s.receive)
}

func (s *Source) listen(kind string, receive nats.MsgHandler) error {
	sub, err := s.conn.nc.Subscribe(s.subjects.of(kind), receive)
	if err == nil {
		s.subs = append(s.subs, sub)
	}
	if err == nil && s.lossless {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err != nil {
		return fmt.Errorf("bus: subscription to %s: %w", s.subjects.of(kind), err)
	}
	return nil
}

// recallAgain recalls the calibration after a reconnection.
func (s *Source) recallAgain() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.recall(ctx); err != nil {
		s.conn.log.Warn("calibration not read again", "error", err)
	}
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
	_ = s.queue.PutFirst(item{event: rig, answer: func(string) {}}) // nobody misses it after Close
	return nil
}

// item is a message that waits for the service.
type item struct {
	event  perception.Event
	end    bool // of the stream, instead of an event
	answer func(refusal string)
}

// dispensable is the index of the oldest frame, or else of the oldest pose, or
// else of the oldest of what there is: sets lack frames anyway, and without a
// calibration or a reset all that follows is wrong.
func dispensable(items []item) int {
	isFrame := func(it item) bool { _, ok := it.event.(*perception.Frame); return ok }
	isPose := func(it item) bool { _, ok := it.event.(perception.EgoPose); return ok }
	if i := slices.IndexFunc(items, isFrame); i >= 0 {
		return i
	}
	return max(0, slices.IndexFunc(items, isPose))
}

// receive runs in the subscription's goroutine.
func (s *Source) receive(msg *nats.Msg) {
	kind := s.subjects.kind(msg.Subject)
	if kind == detections || kind == status || kind == service {
		return
	}
	ev, err := decodeEvent(kind, msg.Data)
	next := item{event: ev, answer: s.conn.answer(msg)}
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
	s.put(next)
}

// put queues an item. A lossless source has NATS wait for room.
func (s *Source) put(next item) {
	switch lost, err := s.queue.Put(context.Background(), next); {
	case errors.Is(err, queue.ErrFull):
		s.full.Add(1)
		s.warn("the service is behind: oldest frames are dropped", "queue_full", s.full.Load())
		lost.answer("queue_full")
	case err != nil:
		lost.answer("the service is closing")
	}
}

// warn logs at most once a second.
func (s *Source) warn(text string, args ...any) {
	now, last := time.Now().UnixNano(), s.warned.Load()
	if now-last >= int64(time.Second) && s.warned.CompareAndSwap(last, now) {
		s.conn.log.Log(context.Background(), slog.LevelWarn, text, args...)
	}
}

// Next implements [perception.Source]. It returns io.EOF after the end of a
// lossless stream and after Close. A message is confirmed when Next delivers it.
// NATS sends nothing twice: there is no cursor, and what became of the events
// makes no difference.
func (s *Source) Next(ctx context.Context) (perception.Delivery, error) {
	next, err := s.queue.Take(ctx)
	switch {
	case errors.Is(err, queue.ErrClosed) && !s.closed.Load():
		return perception.Delivery{}, errors.New("bus: the connection to the NATS server is closed")
	case errors.Is(err, queue.ErrClosed):
		return perception.Delivery{}, io.EOF
	case err != nil:
		return perception.Delivery{}, err
	}
	next.answer("")
	if next.end {
		return perception.Delivery{}, io.EOF
	}
	return perception.Delivery{Event: next.event}, nil
}

// Drops calls yield with each reason for which messages were dropped, and how
// many.
func (s *Source) Drops(yield func(reason string, n uint64) bool) {
	_ = yield("malformed", s.malformed.Load()) && yield("queue_full", s.full.Load())
}

// Close ends the subscriptions. Messages that wait are refused.
func (s *Source) Close() error {
	s.closed.Store(true)
	s.queue.Close()
	for _, remove := range s.remove {
		remove()
	}
	var errs []error
	for _, sub := range s.subs {
		if err := sub.Unsubscribe(); err != nil && !closed(err) {
			errs = append(errs, fmt.Errorf("bus: %w", err))
		}
	}
	for {
		left, err := s.queue.Take(context.Background())
		if err != nil {
			return errors.Join(errs...)
		}
		left.answer("the service is closing")
	}
}

// closed reports whether err says that there is nothing left to end.
func closed(err error) bool {
	return errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrBadSubscription)
}
