package main

import (
	"fmt"
	"math"
)

// sensor is one of the vehicle's, at a place in the ego frame.
type sensor struct {
	channel, modality string
	x, y, z           float64
	degrees           float64 // counter-clockwise from straight ahead
	delay             int64   // of its key frames after the sample, microseconds
	sweeps            float64 // between key frames, in proportion to the other sensors
}

// rig returns nuScenes' twelve sensors, the lidar first.
func rig() []sensor {
	return []sensor{
		{"LIDAR_TOP", "lidar", 0.94, 0, 1.84, -90, 0, 9},
		{"CAM_FRONT", "camera", 1.72, 0, 1.49, 0, -35_188, 5},
		{"CAM_FRONT_RIGHT", "camera", 1.58, -0.5, 1.52, -56, -27_108, 5},
		{"CAM_BACK_RIGHT", "camera", 1.05, -0.48, 1.56, -111, -19_477, 5},
		{"CAM_BACK", "camera", 0.05, 0, 1.58, 180, -9_990, 5},
		{"CAM_BACK_LEFT", "camera", 1.05, 0.48, 1.56, 111, -150, 5},
		{"CAM_FRONT_LEFT", "camera", 1.58, 0.5, 1.52, 56, -42_743, 5},
		{"RADAR_FRONT", "radar", 3.41, 0, 0.5, 0, -11_201, 5.5},
		{"RADAR_FRONT_LEFT", "radar", 2.42, 0.8, 0.78, 90, -22_114, 5.5},
		{"RADAR_FRONT_RIGHT", "radar", 2.42, -0.8, 0.77, -90, -5_870, 5.5},
		{"RADAR_BACK_LEFT", "radar", -0.56, 0.62, 0.53, 180, 12_544, 5.5},
		{"RADAR_BACK_RIGHT", "radar", -0.56, -0.62, 0.53, 180, 20_017, 5.5},
	}
}

// rotation returns ego from sensor. A camera's frame is x right, y down, z ahead.
func (s sensor) rotation() [4]float64 {
	sin, cos := math.Sincos(s.degrees * math.Pi / 360)
	if s.modality == "camera" {
		return [4]float64{(cos + sin) / 2, (sin - cos) / 2, (cos - sin) / 2, -(cos + sin) / 2}
	}
	return [4]float64{cos, 0, 0, sin}
}

// fileFormat returns the columns fileformat, width and height, and how
// names of files end.
func (s sensor) fileFormat() (format, ending string, width, height int64) {
	switch s.modality {
	case "camera":
		return "jpg", ".jpg", 1600, 900
	case "lidar":
		return "pcd", ".pcd.bin", 0, 0
	}
	return "pcd", ".pcd", 0, 0
}

// sweeper shares the rows of sample_data that are no key frames out among the
// gaps between key frames, of which each sensor has its own.
type sweeper struct {
	sweeps, weights float64 // in all
	given           int
	upTo            float64
}

func newSweeper(size sizes, plans []plan) *sweeper {
	s := &sweeper{sweeps: float64(size.data)}
	for _, p := range plans {
		s.sweeps -= float64(p.samples * len(size.sensors))
		for _, sensor := range size.sensors {
			s.weights += sensor.sweeps * float64(p.samples-1)
		}
	}
	return s
}

// next returns the number of sweeps in the next gap.
func (s *sweeper) next(sensor sensor) int {
	s.upTo += sensor.sweeps
	n := int(s.sweeps*s.upTo/s.weights+0.5) - s.given
	s.given += n
	return n
}

// frame is a measurement: a key frame, or a sweep before one.
type frame struct {
	sample int // which it is the key frame of, or comes before
	key    bool
	time   int64
}

// frames returns a sensor's measurements through a scene, in order of time.
func (s *scene) frames(sensor sensor, sweeps *sweeper) []frame {
	var frames []frame
	for i, time := range s.times {
		time += sensor.delay
		if i > 0 {
			before, n := s.times[i-1]+sensor.delay, sweeps.next(sensor)
			for j := range n {
				frames = append(frames, frame{i, false, before + (time-before)*int64(j+1)/int64(n+1)})
			}
		}
		frames = append(frames, frame{i, true, time})
	}
	return frames
}

func (s sensor) filename(f frame, logfile string) string {
	folder := "sweeps"
	if f.key {
		folder = "samples"
	}
	_, ending, _, _ := s.fileFormat()
	return fmt.Sprintf("%s/%s/%s__%s__%d%s", folder, s.channel, logfile, s.channel, f.time, ending)
}
