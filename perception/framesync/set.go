package framesync

import "github.com/solofusion/solofusion/perception"

// Set is a frame set together with the deliveries of its frames.
type Set struct {
	*perception.FrameSet
	from []perception.Delivery
}

// Settle settles the deliveries of the set's frames: with nil when its result is
// published, or with the reason if there will be none. The caller that takes a set
// settles it once.
func (s *Set) Settle(err error) {
	for _, d := range s.from {
		d.Settle(err)
	}
}
