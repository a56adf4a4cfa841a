package bus

import (
	"context"

	"github.com/solofusion/solofusion/perception"
)

// Sink publishes results and statuses. It is a [perception.Sink].
type Sink struct {
	conn     *Conn
	subjects Subjects
	options  SinkOptions
}

// NewSink returns a sink for one rig's results.
func NewSink(c *Conn, s Subjects, o SinkOptions) *Sink {
	return &Sink{conn: c, subjects: s, options: o}
}

// Publish sends the moment's result, without its images and without the boxes that the
// options leave out.
func (s *Sink) Publish(_ context.Context, m *perception.Moment) error {
	return s.conn.publish(s.subjects.of(detections), encodeResult(m.Result, s.options))
}

// Status sends a status.
func (s *Sink) Status(_ context.Context, st *perception.Status) error {
	return s.conn.publish(s.subjects.of(status), encodeStatus(s.subjects.Rig, st))
}

// Flush waits until the server has all that was published.
func (s *Sink) Flush(ctx context.Context) error { return s.conn.Flush(ctx) }
