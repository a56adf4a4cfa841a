package framesync

// Counters count deliveries and sets since New.
type Counters struct {
	Frames     uint64          // that arrived
	Poses      uint64          // that arrived
	Sets       uint64          // that left
	Incomplete uint64          // of Sets, those that lacked a camera
	Dropped    [reasons]uint64 // frames, poses and calibrations, by Reason
}

// Drops calls yield with each reason's name and count, in the order of the
// reasons, zeros included.
func (c *Counters) Drops(yield func(reason string, n uint64) bool) {
	for r, n := range c.Dropped {
		if !yield(reasonNames[r], n) {
			return
		}
	}
}
