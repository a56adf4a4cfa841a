package bus

import (
	"context"

	"github.com/solofusion/solofusion/perception"
)

// Sink publishes what the service says.
type Sink struct {
	conn     *Conn
	subjects Subjects
}

// NewSink returns a sink for one rig's results.
func NewSink(c *Conn, s Subjects) *Sink { return &Sink{conn: c, subjects: s} }

// Publish sends a result.
func (s *Sink) Publish(_ context.Context, r *perception.Result) error {
	return s.conn.publish(s.subjects.of(detections), encodeResult(s.subjects.Rig, r))
}

// PublishStatus sends a status.
func (s *Sink) PublishStatus(_ context.Context, st *perception.Status) error {
	return s.conn.publish(s.subjects.of(status), encodeStatus(s.subjects.Rig, st))
}

// Flush waits until the server has all that was published.
func (s *Sink) Flush(ctx context.Context) error { return s.conn.Flush(ctx) }
