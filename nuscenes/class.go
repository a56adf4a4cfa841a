package nuscenes

import (
	"slices"

	"github.com/solofusion/solofusion/perception"
)

// MaxBoxesPerSample is the most boxes that a submission may have for a sample.
const MaxBoxesPerSample = 500

// BoxAttribute is the attribute of a found box, an index into [Attributes].
type BoxAttribute uint8

// The attributes.
const (
	NoAttribute BoxAttribute = iota
	PedestrianMoving
	PedestrianSittingLyingDown
	PedestrianStanding
	CycleWithRider
	CycleWithoutRider
	VehicleMoving
	VehicleParked
	VehicleStopped
)

// Attributes are the names that a box's attribute may have; the first stands
// for none.
var Attributes = [...]string{
	"",
	"pedestrian.moving", "pedestrian.sitting_lying_down", "pedestrian.standing",
	"cycle.with_rider", "cycle.without_rider",
	"vehicle.moving", "vehicle.parked", "vehicle.stopped",
}

// String returns the attribute's name.
func (a BoxAttribute) String() string { return Attributes[a] }

// ParseAttribute returns the attribute of that name.
func ParseAttribute(name string) (BoxAttribute, bool) {
	i := slices.Index(Attributes[:], name)
	return BoxAttribute(max(i, 0)), i >= 0
}

// BicycleRack is the category within whose boxes cycles are not graded.
const BicycleRack = "static_object.bicycle_rack"

// DetectionClass returns the detection class of an annotation category, and
// false for the categories that the detection task leaves out.
func DetectionClass(category string) (perception.Class, bool) {
	switch category {
	case "movable_object.barrier":
		return perception.Barrier, true
	case "vehicle.bicycle":
		return perception.Bicycle, true
	case "vehicle.bus.bendy", "vehicle.bus.rigid":
		return perception.Bus, true
	case "vehicle.car":
		return perception.Car, true
	case "vehicle.construction":
		return perception.ConstructionVehicle, true
	case "vehicle.motorcycle":
		return perception.Motorcycle, true
	case "human.pedestrian.adult", "human.pedestrian.child",
		"human.pedestrian.construction_worker", "human.pedestrian.police_officer":
		return perception.Pedestrian, true
	case "movable_object.trafficcone":
		return perception.TrafficCone, true
	case "vehicle.trailer":
		return perception.Trailer, true
	case "vehicle.truck":
		return perception.Truck, true
	}
	return 0, false
}

// EvaluationRange returns the distance from the ego vehicle, in metres in the ground
// plane, up to which boxes of the class are graded (detection_cvpr_2019).
func EvaluationRange(c perception.Class) float64 {
	switch c {
	case perception.Pedestrian, perception.Motorcycle, perception.Bicycle:
		return 40
	case perception.TrafficCone, perception.Barrier:
		return 30
	}
	return 50
}
