package model

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/geom"
)

// Seen are the ranges of the camera numbers that training saw, by the names of
// [CameraNumbers], each as spans. A name that is absent is not known.
type Seen map[string]geom.Spans

// CameraNumbers are the names of what a camera's calibration gives the encoder:
// the pinhole in pixels of the source size; the directions of the camera's axes
// (right and down in the image, and forward) in the model's frame; its place there
// in metres; and horizon, the row of the horizon straight ahead, which follows from
// them. The lengths and turns count the vehicle's motion between the camera's
// exposure and the key time.
var CameraNumbers = []string{
	"fx", "skew", "cx", "fy", "cy",
	"right_x", "down_x", "forward_x", "right_y", "down_y", "forward_y", "right_z", "down_z", "forward_z",
	"x", "y", "z", "horizon",
}

// Camera is what the encoder is told of a camera that stands still.
type Camera struct {
	Intrinsics geom.Mat3 // in pixels of the source size
	Pose       geom.Pose // the model's frame from the camera's
	Horizon    float64   // row at the source size; NaN if the camera does not face the horizon
}

// numbers returns the camera's numbers in the order of CameraNumbers.
func (c *Camera) numbers() []float64 {
	k := &c.Intrinsics
	return slices.Concat([]float64{k[0], k[1], k[2], k[4], k[5]}, c.Pose.R[:], c.Pose.T[:], []float64{c.Horizon})
}

// Slack is by which share a focal length may be outside of what training saw and not be
// worth a word.
const Slack = 0.02

// slack returns by how much a number may be outside and not be worth a word: a degree, a
// hundredth of the image or a tenth of a metre.
func slack(name string, x float64) float64 {
	switch name {
	case "fx", "fy":
		return Slack * math.Abs(x)
	case "cx", "cy", "skew", "horizon":
		return 10
	case "x", "y", "z":
		return 0.1
	}
	return 0.02
}

// Outside returns what of a camera's numbers training never saw: each with its
// value and the range, "" if it saw all or what is outside is within the slack.
func (s Seen) Outside(c *Camera) string {
	var words []string
	for i, x := range c.numbers() {
		name := CameraNumbers[i]
		if seen := s[name]; math.Abs(seen.Nearest(x)-x) > slack(name, x) {
			words = append(words, fmt.Sprintf("%s is %.5g, training saw %s", name, x, seen))
		}
	}
	return strings.Join(words, "; ")
}

func (s Seen) check(f *faults) {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		f.require(slices.Contains(CameraNumbers, name), "seen."+name, "no camera number", strings.Join(CameraNumbers, ", "))
		end := math.Inf(-1)
		for _, span := range s[name] {
			ok := span[0] > end && span[1] >= span[0] && !math.IsInf(span[1], 0)
			f.require(ok, "seen."+name, s[name], "spans [from, to] that ascend and do not touch")
			end = span[1]
		}
	}
}
