package bus

import (
	"errors"
	"fmt"
)

// ErrNotKept is returned when a calibration was sent, but the server has no
// JetStream to keep it for those who join later.
var ErrNotKept = errors.New("bus: the calibration was sent, but is not kept for late joiners: " +
	"start the NATS server with JetStream (-js)")

// MalformedError says why a message could not be understood.
type MalformedError struct {
	Subject string
	Reason  string
}

// Error names the subject.
func (e *MalformedError) Error() string {
	return fmt.Sprintf("bus: message on %s: %s", e.Subject, e.Reason)
}

// PayloadError says that a message is larger than the server takes.
type PayloadError struct {
	Subject     string
	Size, Limit int64 // bytes
}

// Error names the setting to raise.
func (e *PayloadError) Error() string {
	return fmt.Sprintf("bus: message on %s has %d bytes, the server takes %d: raise nats.embedded.max_payload, "+
		"or max_payload in the configuration of a server of your own, or compress the image more",
		e.Subject, e.Size, e.Limit)
}

// NameError says that a camera cannot be part of a subject.
type NameError struct{ Camera string }

// Error says what a name may have.
func (e *NameError) Error() string {
	return fmt.Sprintf("bus: camera %q: want letters, digits, _ and -", e.Camera)
}

// NoServiceError says that nobody took a message sent with Confirm.
type NoServiceError struct{ Subject string }

// Error names the subject.
func (e *NoServiceError) Error() string {
	return fmt.Sprintf("bus: message on %s: no service listens there", e.Subject)
}

// RefusedError says that the service did not take a message sent with Confirm.
type RefusedError struct {
	Subject string
	Reason  string
}

// Error names the subject.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("bus: the service did not take a message on %s: %s", e.Subject, e.Reason)
}
