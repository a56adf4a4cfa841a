package bus

import (
	"errors"
	"fmt"
)

// ErrNotKept is returned if a calibration was sent, but the server has no
// JetStream to keep it for services that start later.
var ErrNotKept = errors.New("bus: the calibration was sent, but is not kept for services that start later: " +
	"start the NATS server with JetStream (-js)")

// MalformedError is returned for a message that cannot be decoded.
type MalformedError struct {
	Subject string
	Reason  string
}

// Error names the subject and the reason.
func (e *MalformedError) Error() string {
	return fmt.Sprintf("bus: message on %s: %s", e.Subject, e.Reason)
}

// PayloadError is returned for a message over the server's limit.
type PayloadError struct {
	Subject     string
	Size, Limit int64 // bytes
}

// Error names the limit and the setting to raise.
func (e *PayloadError) Error() string {
	return fmt.Sprintf("bus: message on %s has %d bytes, the server takes %d: raise nats.embedded.max_payload, "+
		"or max_payload in the configuration of a server of your own, or compress the image more",
		e.Subject, e.Size, e.Limit)
}

// InvalidError is returned for an event that no message can hold.
type InvalidError struct{ Reason error }

// Error has the reason.
func (e *InvalidError) Error() string { return fmt.Sprintf("bus: message not sent: %v", e.Reason) }

// Unwrap returns the reason.
func (e *InvalidError) Unwrap() error { return e.Reason }

// NoServiceError is returned for a message sent with Confirm if no service is
// subscribed to its subject.
type NoServiceError struct{ Subject string }

// Error names the subject.
func (e *NoServiceError) Error() string {
	return fmt.Sprintf("bus: message on %s: no service is subscribed there", e.Subject)
}

// RefusedError is returned for a message sent with Confirm that the service
// refused.
type RefusedError struct {
	Subject string
	Reason  string
}

// Error names the subject and the reason.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("bus: the service did not take a message on %s: %s", e.Subject, e.Reason)
}

// DeniedError is returned for what the server does not let this client do.
type DeniedError struct {
	Right   string // that is missing: publish to or subscribe to
	Subject string
	Who     string // the client, as it named itself to the server
}

// Error names the right, the subject and the client.
func (e *DeniedError) Error() string {
	return fmt.Sprintf("the NATS server does not let %s %s %s: give it that right, see docs/nats.md", e.Who, e.Right, e.Subject)
}
