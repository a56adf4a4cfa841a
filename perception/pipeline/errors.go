package pipeline

import (
	"fmt"
	"time"
)

// SetError is the reason why a set cannot be used: its rig, its poses or its form. The
// memory is as if the set had never come.
type SetError struct {
	Time   time.Time // of the set
	Reason error
}

func (e *SetError) Error() string {
	return fmt.Sprintf("pipeline: set of %s: %v", e.Time.UTC().Format(time.RFC3339Nano), e.Reason)
}

// Unwrap returns the reason.
func (e *SetError) Unwrap() error { return e.Reason }
