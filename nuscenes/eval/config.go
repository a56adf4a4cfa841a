package eval

import (
	"slices"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// numDistances is how many matching distances there are.
const numDistances = 4

// Config is the settings of the metric.
type Config struct {
	Classes         []perception.Class // in the order of reports
	Range           map[perception.Class]float64
	Distances       [numDistances]float64 // below which boxes match, ascending, metres
	ErrorDistance   float64               // the one of them at which errors are taken
	MinRecall       float64               // up to which curves are not counted
	MinPrecision    float64               // below which precision counts as none
	MaxBoxes        int                   // of a sample
	MeanAPWeight    int                   // in the NDS, where each error has weight one
	DistanceMeasure string
}

// CVPR2019 returns the settings that nuScenes' leaderboard uses,
// detection_cvpr_2019.
func CVPR2019() Config {
	cfg := Config{
		Range:           map[perception.Class]float64{},
		Distances:       [numDistances]float64{0.5, 1, 2, 4},
		ErrorDistance:   2,
		MinRecall:       0.1,
		MinPrecision:    0.1,
		MaxBoxes:        nuscenes.MaxBoxesPerSample,
		MeanAPWeight:    5,
		DistanceMeasure: "center_distance",
	}
	for _, class := range []perception.Class{
		perception.Car, perception.Truck, perception.Bus, perception.Trailer, perception.ConstructionVehicle,
		perception.Pedestrian, perception.Motorcycle, perception.Bicycle, perception.TrafficCone, perception.Barrier,
	} {
		cfg.Classes = append(cfg.Classes, class)
		cfg.Range[class] = nuscenes.EvaluationRange(class)
	}
	return cfg
}

// errorIndex is the position of ErrorDistance.
func (c *Config) errorIndex() int { return slices.Index(c.Distances[:], c.ErrorDistance) }

// Error is one of the five errors of a match.
type Error int

// The errors, in the order of the summary.
const (
	Translation Error = iota
	Scale
	Orientation
	Velocity
	Attribute
	numErrors
)

// key is the error's name in the devkit's files.
func (e Error) key() string {
	return [numErrors]string{"trans_err", "scale_err", "orient_err", "vel_err", "attr_err"}[e]
}

// String returns the short name of the error's mean over classes.
func (e Error) String() string {
	return [numErrors]string{"mATE", "mASE", "mAOE", "mAVE", "mAAE"}[e]
}

// counts reports whether the error is defined for a class.
func (e Error) counts(class perception.Class) bool {
	switch class.String() {
	case "traffic_cone":
		return e == Translation || e == Scale
	case "barrier":
		return e != Velocity && e != Attribute
	}
	return true
}
