package pipeline

import (
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/lift"
	"github.com/solofusion/solofusion/stereo"
)

// Memory is what a [Detector] keeps of one rig: its cameras with their tables,
// where its sequence stands, earlier frames for stereo, and the history. It is
// one goroutine's at a time, but that one may look while another finishes.
type Memory struct {
	detector *Detector // that made it

	// of the sets that were looked at
	rig   *mounted // of the latest; nil before the first
	still []still  // of the rig's cameras

	// of the sets that were finished
	sequence sequence
	origin   geom.Vec3            // of the sequence's frame, in the global frame
	seen     map[string]time.Time // of the sequence's latest set in which each camera had an image, or of its first
	points   lift.Table           // which cells the cameras' pixels may fall into
	past     stereo.Past
	ring     *history.Ring
}

// calibration returns the rig, nil before the first set.
func (m *Memory) calibration() *perception.Rig {
	if m.rig == nil {
		return nil
	}
	return m.rig.Rig
}

// rows returns how many cameras the encoder has of the rig.
func (m *Memory) rows() int {
	if m.rig == nil {
		return 0
	}
	return len(m.rig.cameras)
}

// Reset makes history start anew with the next set; its result has the reason.
func (m *Memory) Reset(reason string) { m.sequence.end(reason) }

// For returns a detector for one rig, which remembers in m.
func (d *Detector) For(m *Memory) One { return One{d, m} }

// One is a detector with the memory of its only rig.
type One struct {
	detector *Detector
	memory   *Memory
}

// Step is [Detector.Step].
func (o One) Step(set *perception.FrameSet) (*perception.Result, error) {
	return o.detector.Step(o.memory, set)
}

// Fits is [Detector.Fits].
func (o One) Fits(r *perception.Rig) error { return o.detector.Fits(r) }

// Look is [Detector.Look]; it returns the Glance's Finish.
func (o One) Look(set *perception.FrameSet) (finish func() (*perception.Result, error)) {
	return o.detector.Look(o.memory, set).Finish
}
