package replay

import (
	"cmp"
	"slices"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// measurements returns the images of a sample that are sent, camera by camera in the
// rig's order and each camera's by time.
func (s *Source) measurements(sample *nuscenes.Sample, rig *perception.Rig) (images []*nuscenes.SampleData) {
	for i := range rig.Cameras {
		key := image(sample, rig.Cameras[i].Name)
		if s.options.Live && s.options.Sweeps {
			images = append(images, key.Sweeps()...)
		}
		images = append(images, key)
	}
	return images
}

// asSent takes from frames what a vehicle does not know, and puts poses and frames in
// order of time, poses first. Other events stay before them.
func asSent(queue []event) {
	for i := range queue {
		if frame, is := queue[i].Event.(*perception.Frame); is {
			frame.Key, frame.OwnPose = nil, nil
		}
	}
	slices.SortStableFunc(queue, func(a, b event) int { return cmp.Compare(nanos(a), nanos(b)) })
}

// nanos returns the time of a pose or a frame, the least number for other events.
func nanos(e event) int64 {
	switch e := e.Event.(type) {
	case perception.EgoPose:
		return e.Time.UnixNano()
	case *perception.Frame:
		return e.Captured.UnixNano()
	}
	return -1 << 63
}
