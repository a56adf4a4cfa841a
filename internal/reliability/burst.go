package reliability

import (
	"bytes"
	"context"
	"fmt"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
)

const (
	// BurstBegins is the frame in which a burst begins.
	BurstBegins = 4
	// Recovery is how many frames are detected after a burst, if the drive has them.
	Recovery = 8
)

// Bursts are the lengths of bursts in frames, two a second, ascending.
var Bursts = [...]int{2, 4, 8, 16}

// Burst returns the case in which a drive loses one of its cameras for some frames. Which
// one differs from drive to drive.
func Burst(way Way, length int) Case {
	return Case{
		Name: fmt.Sprintf("%s-burst%d", way, length), Way: way,
		lost: func(drive, frame, camera int) bool {
			return camera == BurstCamera(drive) && BurstBegins <= frame && frame < BurstBegins+length
		},
	}
}

// BurstCamera returns which of six cameras a burst takes from a drive.
func BurstCamera(drive int) int { return drive % 6 }

// RunBursts detects in a drive under all bursts, unless that was done before. What the
// bursts have in common is done once: a shorter one ends in the midst of a longer one.
func (s *Study) RunBursts(ctx context.Context, d *Drive, way Way) error {
	longest := Burst(way, Bursts[len(Bursts)-1])
	if s.done(d, longest.Name) {
		return nil
	}
	m := s.Detector.NewMemory()
	var moments []*perception.Moment
	for frame := range min(BurstBegins+Bursts[len(Bursts)-1], len(d.Sets)) {
		set, err := d.under(longest, frame)
		if err != nil {
			return err
		}
		moment, err := s.step(ctx, m, set)
		if err != nil {
			return err
		}
		moments = append(moments, moment)
		for _, length := range Bursts {
			if frame == BurstBegins+length-1 {
				if err := s.recover(ctx, d, Burst(way, length), m, moments); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// recover goes on from the last frame of a burst, with a copy of the memory.
func (s *Study) recover(ctx context.Context, d *Drive, c Case, m *pipeline.Memory, moments []*perception.Moment) error {
	var saved bytes.Buffer
	if err := m.Save(&saved); err != nil {
		return err
	}
	m, err := s.Detector.LoadMemory(&saved)
	if err != nil {
		return err
	}
	begun := len(moments)
	moments = moments[:begun:begun]
	for frame := begun; frame < min(begun+Recovery, len(d.Sets)); frame++ {
		moment, err := s.step(ctx, m, d.Sets[frame])
		if err != nil {
			return err
		}
		moments = append(moments, moment)
	}
	return s.keep(d, c.Name, moments)
}
