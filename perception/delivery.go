package perception

import "context"

// Delivery is an event on its way, with the means to report to its source what
// became of it.
type Delivery struct {
	Event Event

	// Cursor is the position in the source, in the source's own format, after
	// which it can resume: a sample's token in a recording, for example. It is "" if
	// the source cannot.
	Cursor string

	// Done is called once with what became of the event, from any goroutine; nil if
	// the source has no use for that. Use Settle to call it.
	Done func(err error)
}

// Settle reports to the source what became of the event. A frame is settled with
// nil when the result of its set is out, and with the reason if there will be
// none. Other events lead to no result of their own: they are settled when they
// are taken, or refused. The holder of a delivery settles it once or passes it on.
func (d Delivery) Settle(err error) {
	if d.Done != nil {
		d.Done(err)
	}
}

// Source delivers events in the order in which they were sent.
type Source interface {
	// Next waits for a delivery. It returns io.EOF at the end, and ctx's error
	// if that is done first. One goroutine calls it, and not after an error.
	Next(ctx context.Context) (Delivery, error)

	// Drops calls yield with each reason for which the source itself dropped
	// events, and how many. It may be called at any time.
	Drops(yield func(reason string, n uint64) bool)
}
