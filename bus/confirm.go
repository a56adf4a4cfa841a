package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// confirmHeader is the header that names the subject for the service's
// confirmation of a message: empty if the service took the message, otherwise
// the reason for the refusal. The reply subject cannot serve: a JetStream stream
// that captures the message sends its acknowledgement there.
const confirmHeader = "Solofusion-Confirm"

// A publisher without a confirmation checks again and again that there is a service.
const (
	pingPeriod = time.Second      // time without a confirmation before each ping
	pingLimit  = 10 * time.Second // time for the answer to a ping, which does not wait in the queue
)

// errNoAnswer is returned if no answer came within the limit.
var errNoAnswer = errors.New("no answer")

// request is a message that a service confirms.
type request struct {
	sub     *nats.Subscription
	confirm string
}

// request sends data and the subject for the confirmation. The reply subject only
// serves the server's report that the subject has no subscriber.
func (c *Conn) request(subject string, data []byte) (*request, error) {
	inbox := nats.NewInbox()
	sub, err := c.nc.SubscribeSync(inbox + ".*")
	if err != nil {
		return nil, fmt.Errorf("bus: message on %s: %w", subject, err)
	}
	r := &request{sub: sub, confirm: inbox + ".confirm"}
	msg := &nats.Msg{Subject: subject, Reply: inbox + ".reply", Header: nats.Header{confirmHeader: {r.confirm}}, Data: data}
	if err := c.nc.PublishMsg(msg); err != nil {
		r.close()
		return nil, fmt.Errorf("bus: message on %s: %w", subject, err)
	}
	return r, nil
}

// answer waits for the service's answer, no longer than limit. It returns
// nats.ErrNoResponders if the subject has no subscriber, and errNoAnswer when
// limit is over. Acknowledgements of streams on the reply subject are ignored.
func (r *request) answer(ctx context.Context, limit time.Duration) (string, error) {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		msg, err := r.sub.NextMsgWithContext(bounded)
		switch {
		case err != nil && ctx.Err() == nil && bounded.Err() != nil:
			return "", errNoAnswer
		case err != nil:
			return "", err
		case msg.Subject == r.confirm:
			return string(msg.Data), nil
		}
	}
}

func (r *request) close() { _ = r.sub.Unsubscribe() } // fails only if the connection is closed

// confirm sends data and waits until a service takes or refuses it.
func (p *Publisher) confirm(ctx context.Context, subject string, data []byte) error {
	r, err := p.conn.request(subject, data)
	if err != nil {
		return err
	}
	defer r.close()
	for {
		refusal, err := r.answer(ctx, pingPeriod)
		switch {
		case err == nil && refusal == "":
			return nil
		case err == nil:
			return &RefusedError{subject, refusal}
		case errors.Is(err, errNoAnswer):
			err = p.ping(ctx)
		}
		if errors.Is(err, nats.ErrNoResponders) {
			return &NoServiceError{subject}
		}
		if err != nil {
			return fmt.Errorf("bus: message on %s: %w", subject, err)
		}
	}
}

// ping returns nats.ErrNoResponders if there is no service. The message itself
// does not show that if a stream captures it: the stream is then a subscriber.
func (p *Publisher) ping(ctx context.Context) error {
	r, err := p.conn.request(p.subjects.of(service), nil)
	if err != nil {
		return err
	}
	defer r.close()
	_, err = r.answer(ctx, pingLimit)
	if errors.Is(err, errNoAnswer) {
		return nats.ErrNoResponders
	}
	return err
}

// answer returns the function that confirms msg, with "", or refuses it, with the
// reason. It does nothing if the publisher did not ask for a confirmation.
func (c *Conn) answer(msg *nats.Msg) func(refusal string) {
	confirm := msg.Header.Get(confirmHeader)
	if confirm == "" {
		return func(string) {}
	}
	return func(refusal string) {
		_ = c.nc.Publish(confirm, []byte(refusal)) // without a connection, the publisher's ping fails
	}
}
