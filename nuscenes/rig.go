package nuscenes

import (
	"cmp"
	"fmt"

	"github.com/solofusion/solofusion/perception"
)

// Rig returns the calibrated cameras of a sample in the order of the given
// names, without those that the sample does not have; without names, all its
// cameras in the order of the sensor table. The lidar is LIDAR_TOP, if
// the sample has it. It fails with a [*TableError] if a field that
// detection needs cannot be used.
func (d *Dataset) Rig(sample *Sample, cameras []string) (*perception.Rig, error) {
	if err := sample.checkKey(); err != nil {
		return nil, err
	}
	rig := &perception.Rig{Name: d.rigName(sample), EgoFromBase: d.EgoFromBase}
	if lidar := sample.Key(LidarTop); lidar != nil {
		rig.EgoFromLidar = &lidar.Calibration.EgoFromSensor
	}
	for _, data := range sample.ordered(cameras) {
		if err := data.checkImage(); err != nil {
			return nil, err
		}
		rig.Cameras = append(rig.Cameras, perception.Camera{
			Name:          data.Channel(),
			Width:         data.Width,
			Height:        data.Height,
			Intrinsics:    *data.Calibration.Intrinsics,
			EgoFromCamera: data.Calibration.EgoFromSensor,
		})
	}
	if err := rig.Validate(); err != nil {
		return nil, fmt.Errorf("nuscenes: sample %s of %s: %w", sample.Token, sample.Scene.Name, err)
	}
	return rig, nil
}

// checkKey returns an error if a field cannot be used that tells where and when the
// sample's boxes are.
func (s *Sample) checkKey() error {
	if err := cmp.Or(s.faults.of(answering), s.checkPose(placing|turning)); err != nil {
		return err
	}
	if s.stray != nil {
		return cmp.Or(s.stray.faults.of(mounting), s.stray.calibrationFault())
	}
	if lidar := s.Key(LidarTop); lidar != nil {
		return cmp.Or(lidar.faults.of(timing), lidar.calibrationFault())
	}
	return s.faults.of(timing)
}

// checkImage returns an error if a field cannot be used that detection in a camera's
// image needs.
func (d *SampleData) checkImage() error {
	return cmp.Or(d.faults.of(timing|viewing), d.checkPose(placing|turning),
		d.Calibration.faults.of(mounting|viewing), d.Calibration.Sensor.faults.of(viewing))
}

func (d *Dataset) rigName(sample *Sample) string {
	if vehicle := sample.Scene.Log.Vehicle; vehicle != "" {
		return vehicle
	}
	return d.Version
}

// ordered returns the sample's key frames of the named cameras, or of all.
func (s *Sample) ordered(cameras []string) []*SampleData {
	all := s.Cameras()
	if cameras == nil {
		return all
	}
	var named []*SampleData
	for _, name := range cameras {
		for _, data := range all {
			if data.Channel() == name {
				named = append(named, data)
			}
		}
	}
	return named
}
