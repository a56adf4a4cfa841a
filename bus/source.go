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

// Source receives one rig's messages. It is a [perception.Source].
type Source struct {
	conn     *Conn
	subjects Subjects
	lossless bool
	queue    *queue.Queue[item]
	subs     []*nats.Subscription
	remove   []func() // unregister from the connection
	closed   atomic.Bool

	malformed, full atomic.Uint64
	warned          atomic.Int64 // time of the last warning, nanoseconds since 1970
}

// NewSource subscribes. If the server keeps a calibration, the source delivers it
// first. The caller closes the source; the connection stays open.
func NewSource(ctx context.Context, c *Conn, s Subjects, o SourceOptions) (*Source, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	o = option.Fill(o, DefaultSource())
	least := func(items []item) int { return dispensable(items[:len(items)-1]) } // not the new one
	if o.Lossless {
		least = nil
	}
	src := &Source{conn: c, subjects: s, lossless: o.Lossless, queue: queue.New(o.Queue, least)}
	if err := errors.Join(src.subscribe(), c.Flush(ctx), src.recall(ctx)); err != nil {
		return nil, errors.Join(err, src.Close())
	}
	src.remove = []func(){c.onReconnect.add(src.recallAfterReconnect), c.onClose.add(src.queue.Close)}
	if c.nc.IsClosed() { // before the handler was registered
		src.queue.Close()
	}
	return src, nil
}

// subscribe subscribes to the rig's messages. Pings have a subscription of their
// own, so that they are answered even while the queue is full.
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

// recallAfterReconnect recalls the calibration after a reconnection.
func (s *Source) recallAfterReconnect() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.recall(ctx); err != nil {
		s.conn.log.Warn("calibration not read after the reconnection", "error", err)
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
		s.conn.log.Warn("the NATS server has no JetStream and keeps no calibration: waiting for one to be sent")
		return nil
	}
	var entry jetstream.KeyValueEntry
	if err == nil {
		entry, err = bucket.Get(ctx, s.subjects.key())
	}
	if errors.Is(err, jetstream.ErrBucketNotFound) || errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil // none was sent yet
	}
	if err != nil {
		return fmt.Errorf("bus: calibration bucket: %w", err)
	}
	rig, err := decodeRig(entry.Value())
	if err != nil {
		s.malformed.Add(1)
		s.warn("the calibration kept by the server is malformed", "bucket", s.subjects.bucket(), "reason", err)
		return nil
	}
	_ = s.queue.PutFirst(item{event: rig, answer: func(string) {}}) // not needed after Close
	return nil
}

// item is a message that waits for the service.
type item struct {
	event  perception.Event
	end    bool // of the stream, instead of an event
	answer func(refusal string)
}

// dispensable returns the index of the oldest frame; of the oldest pose if there
// is no frame; 0 if there is no pose either. A set without a frame is merely
// incomplete; without a calibration or a reset all later results are wrong.
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
	if f, ok := ev.(*perception.Frame); ok {
		f.Arrived = time.Now()
	}
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

// put queues an item. In a lossless source it waits for room, and messages wait in
// the subscription.
func (s *Source) put(next item) {
	switch lost, err := s.queue.Put(context.Background(), next); {
	case errors.Is(err, queue.ErrFull):
		s.full.Add(1)
		s.warn("queue full, oldest frames dropped", "queue_full", s.full.Load())
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
// Deliveries have no cursor and ignore how they are settled: NATS sends nothing
// twice.
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

// Drops calls yield with each reason and the number of messages dropped for it:
// malformed, queue_full.
func (s *Source) Drops(yield func(reason string, n uint64) bool) {
	_ = yield("malformed", s.malformed.Load()) && yield("queue_full", s.full.Load())
}

// Down returns why no message can come, nil while there is a connection.
func (s *Source) Down() error { return s.conn.down() }

// Waiting returns how many messages wait for Next.
func (s *Source) Waiting() int { return s.queue.Len() }

// Close ends the subscriptions and refuses the messages that wait.
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

// closed reports whether err means that the subscription has ended already.
func closed(err error) bool {
	return errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrBadSubscription)
}
