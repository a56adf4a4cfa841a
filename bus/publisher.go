package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/solofusion/solofusion/perception"
	pb "github.com/solofusion/solofusion/proto/solofusion/v1"
)

// PublisherOptions configure a Publisher.
type PublisherOptions struct {
	// Confirm waits until the service has taken each message: until the source's
	// Next has delivered it, which is before there is a result. It is for replays,
	// which must lose nothing, not for vehicles.
	Confirm bool
}

// Publisher sends events to the service.
type Publisher struct {
	conn     *Conn
	subjects Subjects
	options  PublisherOptions
}

// NewPublisher returns a publisher for one rig.
func NewPublisher(c *Conn, s Subjects, o PublisherOptions) *Publisher {
	return &Publisher{conn: c, subjects: s, options: o}
}

// Publish sends ev. A calibration is also kept for services that start later;
// [ErrNotKept] is returned if it was sent but the server cannot keep it. The error
// is a [PayloadError] for an image over the server's limit and an [InvalidError]
// for what no message can hold: a calibration with a camera's name that is not
// UTF-8, a frame of a camera that no rig can have. Other faults of a calibration
// are the service's to refuse. With Confirm it is a [RefusedError] if the service
// refuses the event, and a [NoServiceError] if there is no service.
func (p *Publisher) Publish(ctx context.Context, ev perception.Event) error {
	if err := validate(ev); err != nil {
		return &InvalidError{err}
	}
	kind, m := encodeEvent(ev)
	if kind == calibration {
		if err := p.keep(ctx, m); err != nil {
			return errors.Join(p.send(ctx, kind, m), err)
		}
	}
	return p.send(ctx, kind, m)
}

// validate returns why no message can hold ev.
func validate(ev perception.Event) error {
	switch e := ev.(type) {
	case *perception.Rig:
		if slices.ContainsFunc(e.Cameras, func(c perception.Camera) bool { return !utf8.ValidString(c.Name) }) {
			return e.Validate()
		}
	case *perception.Frame:
		if err := perception.CheckName(e.Camera); err != nil {
			return fmt.Errorf("name %q of a frame's camera: %w", e.Camera, err)
		}
	}
	return nil
}

// End sends the end of a recording. A source that is not lossless ignores it.
func (p *Publisher) End(ctx context.Context) error {
	return p.send(ctx, control, &pb.Control{Command: &pb.Control_EndOfStream{EndOfStream: &pb.EndOfStream{}}})
}

// Flush waits until the server has all that was published.
func (p *Publisher) Flush(ctx context.Context) error { return p.conn.Flush(ctx) }

func (p *Publisher) send(ctx context.Context, kind string, m proto.Message) error {
	subject := p.subjects.of(kind)
	if !p.options.Confirm {
		return p.conn.publish(subject, m)
	}
	data, err := p.conn.encode(subject, m)
	if err != nil {
		return err
	}
	return p.confirm(ctx, subject, data)
}
