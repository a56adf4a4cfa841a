package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

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

	malformed, full, over, rival, twin atomic.Uint64
	rejected                           atomic.Pointer[rejection]
	heard                              twins // of the rig's subjects' goroutine

	recalling sync.Mutex // held while the calibration is recalled after a reconnection

	mu     sync.Mutex // of what follows: the rig's subjects and the bucket have a goroutine each
	gate   *gate      // nil in a lossless source
	rivals *rivals
	last   []byte // message of the last calibration, nil if it is not to be skipped
	kept   []byte // last entry of the bucket that the source saw
	taken  uint64 // calibrations that came by messages
}

// NewSource subscribes. If the server keeps a calibration, the source delivers it
// first. The caller closes the source; the connection stays open.
func NewSource(ctx context.Context, c *Conn, s Subjects, o SourceOptions) (*Source, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	o = option.Fill(o, DefaultSource())
	least := func(items []item) int { return dispensable(items[:len(items)-1]) } // not the new one
	src := &Source{conn: c, subjects: s, lossless: o.Lossless, queue: queue.New(o.Queue, least)}
	if o.Lossless {
		src.queue = queue.New[item](o.Queue, nil)
	} else {
		src.gate, src.rivals = newGate(option.Fill(o.Limits, DefaultLimits())), newRivals()
	}
	if err := errors.Join(src.subscribe(ctx), src.recall(ctx)); err != nil {
		return nil, errors.Join(err, src.Close())
	}
	src.remove = []func(){c.onReconnect.add(src.recallAfterReconnect), c.onClose.add(src.queue.Close)}
	if c.nc.IsClosed() { // before the handler was registered
		src.queue.Close()
	}
	return src, nil
}

// subscribe subscribes to the rig's messages and waits until the server has that.
// Pings have a subscription of their own, so that they are answered even while the
// queue is full.
func (s *Source) subscribe(ctx context.Context) error {
	err := s.listen(ctx, s.subjects.of(service), func(msg *nats.Msg) { s.conn.answer(msg)("") })
	if err == nil {
		err = s.listen(ctx, s.subjects.All(), s.receive)
	}
	if err != nil || s.lossless { // a replay sends each calibration before its frames
		return err
	}
	if err := s.listen(ctx, s.subjects.kept(), s.change); err != nil {
		s.conn.log.Warn("changes of the kept calibration are not seen, only calibrations that are sent", "error", err)
	}
	return nil
}

func (s *Source) listen(ctx context.Context, subject string, receive nats.MsgHandler) error {
	sub, err := s.conn.nc.Subscribe(subject, receive)
	if err == nil {
		s.subs = append(s.subs, sub)
	}
	if err == nil && s.lossless {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err == nil {
		err = errors.Join(s.conn.Flush(ctx), s.conn.forbidden(subscribing, subject))
	}
	if err != nil {
		return fmt.Errorf("bus: subscription to %s: %w", subject, err)
	}
	return nil
}

// item is a message that waits for the service.
type item struct {
	event  perception.Event
	end    bool // of the stream, instead of an event
	answer func(refusal string)
}

// kind names what an item is, for words to operators.
func (i item) kind() string {
	switch e := i.event.(type) {
	case *perception.Rig:
		return "calibration"
	case perception.EgoPose:
		return "ego pose"
	case *perception.Frame:
		return "frame of " + e.Camera
	}
	return "control message"
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
	kind, answer := s.subjects.kind(msg.Subject), s.conn.answer(msg)
	switch kind {
	case status:
		s.meet(msg.Subject, time.Now())
		return
	case detections, service:
		return
	}
	ev, err := decodeEvent(kind, msg.Data)
	switch {
	case err == errEnd && !s.lossless:
		answer("")
	case err == errEnd:
		s.put(item{end: true, answer: answer})
	case err != nil:
		s.refuse(msg.Subject, err)
		answer(err.Error())
	default:
		s.take(ev, msg, answer)
	}
}

// meet takes in a status of another service: a connection does not get what it sends.
func (s *Source) meet(subject string, now time.Time) {
	if s.lossless || !s.heard.next(now) {
		return
	}
	s.twin.Add(1)
	s.conn.warnings.Warn("twins", "two services take the same rig, and each result comes twice: end one, or give it another nats.rig",
		"rig", s.subjects.Rig, "subject", subject)
}

// refuse counts a message that cannot be decoded, and says why. A calibration's faults
// are told apart, since each is another to mend.
func (s *Source) refuse(subject string, reason error) {
	s.malformed.Add(1)
	key, text := "malformed "+subject, "message dropped"
	if subject == s.subjects.of(calibration) || subject == s.subjects.kept() {
		key, text = key+reason.Error(), "calibration dropped: one that is in force stays"
		s.rejected.Store(&rejection{reason, time.Now()})
	}
	s.conn.warnings.Warn(key, text, "subject", subject, "reason", reason)
}

// take queues an event that is within the limits. Of a calibration that is the last one
// again it only says that it has it.
func (s *Source) take(ev perception.Event, msg *nats.Msg, answer func(refusal string)) {
	_, isRig := ev.(*perception.Rig)
	if s.lossless {
		if isRig {
			s.mu.Lock()
			s.taken++
			s.mu.Unlock()
		}
		s.put(item{event: ev, answer: answer})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if isRig && s.last != nil && bytes.Equal(s.last, msg.Data) {
		s.taken++
		answer(refusal(ev))
		return
	}
	now := time.Now()
	if err := s.gate.admit(ev, now); err != nil {
		s.over.Add(1)
		if isRig {
			s.rejected.Store(&rejection{err, now})
		}
		s.conn.warnings.Warn("over "+msg.Subject, "message over a limit dropped", "subject", msg.Subject, "reason", err)
		answer(err.Error())
		return
	}
	if evidence := s.rivals.see(ev, now); evidence != "" {
		s.rival.Add(1)
		s.conn.warnings.Warn("rivals "+s.subjects.kind(msg.Subject), "two publishers seem to send for one rig: give each vehicle a name of its own",
			"rig", s.subjects.Rig, "subject", msg.Subject, "reason", evidence)
	}
	if isRig {
		s.last, s.taken = msg.Data, s.taken+1
	}
	s.put(item{event: ev, answer: answer})
}

// put queues an item. In a lossless source it waits for room, and messages wait in
// the subscription.
func (s *Source) put(next item) {
	switch lost, err := s.queue.Put(context.Background(), next); {
	case errors.Is(err, queue.ErrFull):
		s.full.Add(1)
		s.conn.warnings.Warn("queue full "+lost.kind(), "queue full: the service is behind, the oldest "+lost.kind()+" dropped",
			"queue_full", s.full.Load())
		if _, isRig := lost.event.(*perception.Rig); isRig {
			s.last = nil
		}
		lost.answer("queue_full")
	case err != nil:
		lost.answer("the service is closing")
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
	next.answer(refusal(next.event))
	if next.end {
		return perception.Delivery{}, io.EOF
	}
	return perception.Delivery{Event: next.event}, nil
}

// refusal returns why the service will not use an event, "" if it may.
func refusal(ev perception.Event) string {
	if rig, isRig := ev.(*perception.Rig); isRig {
		if err := rig.Validate(); err != nil {
			return err.Error()
		}
	}
	return ""
}

// Drops calls yield with each reason and the number of messages dropped for it:
// malformed, queue_full, over_limit, and slow_consumer for those that were lost before
// the source saw them.
func (s *Source) Drops(yield func(reason string, n uint64) bool) {
	_ = yield("malformed", s.malformed.Load()) && yield("queue_full", s.full.Load()) &&
		yield("over_limit", s.over.Load()) && yield("slow_consumer", s.missed())
}

// missed returns how many messages the client dropped because the source was slow.
func (s *Source) missed() (n uint64) {
	for _, sub := range s.subs {
		if dropped, err := sub.Dropped(); err == nil {
			n += uint64(dropped)
		}
	}
	return n
}

// Counts calls yield with what the source counts beside drops: two_publishers, messages
// that showed that two publishers send for one rig, and two_services, statuses of another
// service for it.
func (s *Source) Counts(yield func(name string, n uint64) bool) {
	_ = yield("two_publishers", s.rival.Load()) && yield("two_services", s.twin.Load())
}

// rejection is a calibration that the source did not deliver.
type rejection struct {
	reason error
	at     time.Time
}

// Refused returns why and when the source refused a calibration last: one that cannot be
// decoded or is over a limit. It returns zero values if there was none.
func (s *Source) Refused() (words string, at time.Time) {
	last := s.rejected.Load()
	if last == nil {
		return "", time.Time{}
	}
	return "bus: calibration: " + last.reason.Error(), last.at
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
