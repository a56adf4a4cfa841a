package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// confirmHeader is the header that names the subject on which a publisher wants
// to hear what became of its message: an empty answer says that it was taken,
// any other why it was not. It is not the reply subject, on which a JetStream
// stream that captures the message acknowledges it too.
const confirmHeader = "Solofusion-Confirm"

// A publisher that hears nothing asks again and again whether there is a service.
const (
	patience  = time.Second      // before each question
	pingLimit = 10 * time.Second // for its answer, which needs no queue
)

// errSilent says that nothing was heard for a while.
var errSilent = errors.New("no answer")

// question is a message to which a service answers.
type question struct {
	sub     *nats.Subscription
	confirm string
}

// ask sends data and the subject for the answer. The reply subject is there
// only to learn from the server that nobody listens.
func (c *Conn) ask(subject string, data []byte) (*question, error) {
	inbox := nats.NewInbox()
	sub, err := c.nc.SubscribeSync(inbox + ".*")
	if err != nil {
		return nil, fmt.Errorf("bus: message on %s: %w", subject, err)
	}
	q := &question{sub: sub, confirm: inbox + ".confirm"}
	msg := &nats.Msg{Subject: subject, Reply: inbox + ".reply", Header: nats.Header{confirmHeader: {q.confirm}}, Data: data}
	if err := c.nc.PublishMsg(msg); err != nil {
		q.close()
		return nil, fmt.Errorf("bus: message on %s: %w", subject, err)
	}
	return q, nil
}

// answer waits for the answer, no longer than limit. It returns
// nats.ErrNoResponders if nobody listens, and errSilent when limit is over.
// What streams say on the reply subject is not heeded.
func (q *question) answer(ctx context.Context, limit time.Duration) (string, error) {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		msg, err := q.sub.NextMsgWithContext(bounded)
		switch {
		case err != nil && ctx.Err() == nil && bounded.Err() != nil:
			return "", errSilent
		case err != nil:
			return "", err
		case msg.Subject == q.confirm:
			return string(msg.Data), nil
		}
	}
}

func (q *question) close() { _ = q.sub.Unsubscribe() } // fails only with the connection

// confirm sends data and waits until a service says what became of it.
func (p *Publisher) confirm(ctx context.Context, subject string, data []byte) error {
	q, err := p.conn.ask(subject, data)
	if err != nil {
		return err
	}
	defer q.close()
	for {
		refusal, err := q.answer(ctx, patience)
		switch {
		case err == nil && refusal == "":
			return nil
		case err == nil:
			return &RefusedError{subject, refusal}
		case errors.Is(err, errSilent):
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

// ping returns nats.ErrNoResponders if there is no service. A stream that
// captures a message keeps the server from saying so of the message itself.
func (p *Publisher) ping(ctx context.Context) error {
	q, err := p.conn.ask(p.subjects.of(service), nil)
	if err != nil {
		return err
	}
	defer q.close()
	_, err = q.answer(ctx, pingLimit)
	if errors.Is(err, errSilent) {
		return nats.ErrNoResponders
	}
	return err
}

// answer returns how to say what became of msg, "" that it was taken.
func (c *Conn) answer(msg *nats.Msg) func(refusal string) {
	confirm := msg.Header.Get(confirmHeader)
	if confirm == "" {
		return func(string) {}
	}
	return func(refusal string) {
		_ = c.nc.Publish(confirm, []byte(refusal)) // a lost connection is the asker's to notice
	}
}
