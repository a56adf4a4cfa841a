package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

// rigFlags say what a data set's tables do not say of its vehicles.
type rigFlags struct {
	Base string `help:"Where the ground under the middle of the rear axle is in the data set's ego frame, in metres, and the yaw in degrees; the ego frame's origin if not given." placeholder:"X,Y,Z[,YAW]"`
}

// Validate returns an error for a flag that cannot be read.
func (f *rigFlags) Validate() error {
	_, err := f.egoFromBase()
	return err
}

// tell tells the data set where its vehicles' base is.
func (f *rigFlags) tell(ds *nuscenes.Dataset) (err error) {
	ds.EgoFromBase, err = f.egoFromBase()
	return err
}

// egoFromBase returns what --base says, nil if it is not given.
func (f *rigFlags) egoFromBase() (*geom.Transform, error) {
	if f.Base == "" {
		return nil, nil
	}
	var numbers []float64
	for part := range strings.SplitSeq(f.Base, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || math.IsNaN(x) || math.Abs(x) > 1e4 {
			return nil, fmt.Errorf("--base %s: %q is no number of metres or degrees", f.Base, part)
		}
		numbers = append(numbers, x)
	}
	if len(numbers) != 3 && len(numbers) != 4 {
		return nil, fmt.Errorf("--base %s: %d numbers, want X,Y,Z or X,Y,Z,YAW", f.Base, len(numbers))
	}
	yaw := 0.0
	if len(numbers) == 4 {
		yaw = numbers[3] * math.Pi / 180
	}
	return &geom.Transform{Rotation: geom.QuatFromYaw(yaw), Translation: geom.Vec3(numbers[:3])}, nil
}
