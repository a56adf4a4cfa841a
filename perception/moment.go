package perception

import "context"

// Moment is one instant whole: what the rig saw, with images, poses and
// calibration, and what the detector made of it. It is for reading only.
type Moment struct {
	Set    *FrameSet
	Result *Result
}

// Sink takes a service's results and messages. A sink that has no use for a kind of
// message returns nil.
type Sink interface {
	Publish(ctx context.Context, m *Moment) error // in order of time
	Status(ctx context.Context, s *Status) error  // at any time, from another goroutine
	Flush(ctx context.Context) error              // after the last moment: returns when all are out
}
