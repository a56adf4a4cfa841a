package replay

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

func class(t *testing.T, name string) perception.Class {
	t.Helper()
	c, ok := perception.ParseClass(name)
	if !ok {
		t.Fatalf("no class %s", name)
	}
	return c
}

func TestBoxesAreInTheGlobalFrame(t *testing.T) {
	// The vehicle stands at (100, 200) and looks along the global y axis; its
	// lidar is 1 m ahead and looks along the vehicle's x axis with its y axis.
	result := &perception.Result{
		GlobalFromEgo: geom.NewPose(geom.QuatFromYaw(math.Pi/2), geom.Vec3{100, 200, 0}),
		EgoFromModel:  geom.NewPose(geom.QuatFromYaw(-math.Pi/2), geom.Vec3{1, 0, 2}),
		Detections: []perception.Detection{{
			Class: class(t, "car"), Score: 0.5,
			Center:   geom.Vec3{3, 10, -1}, // 3 m to the right, 10 m ahead of the lidar
			Size:     geom.Vec3{2, 4, 1.5},
			Yaw:      math.Pi / 2, // ahead
			Velocity: [2]float64{0, 5},
		}},
	}
	boxes := Boxes(result)
	if len(boxes) != 1 {
		t.Fatalf("%d boxes, want 1", len(boxes))
	}
	b := boxes[0]
	if want := (geom.Vec3{103, 211, 1}); b.Center.Sub(want).Norm() > 1e-9 {
		t.Errorf("centre %v, want %v", b.Center, want)
	}
	if math.Abs(b.Rotation.Yaw()-math.Pi/2) > 1e-9 {
		t.Errorf("heading %g, want that of the vehicle, pi/2", b.Rotation.Yaw())
	}
	if math.Abs(b.Velocity[0]) > 1e-9 || math.Abs(b.Velocity[1]-5) > 1e-9 {
		t.Errorf("velocity %v, want 5 m/s along y", b.Velocity)
	}
	if b.Size != (geom.Vec3{2, 4, 1.5}) || b.Score != 0.5 || b.Attribute != nuscenes.VehicleMoving || b.Points != -1 {
		t.Errorf("box %+v", b)
	}
}

// TestBoxesInvertTheLidarPlacement moves boxes to the global frame and back to the
// lidar frame, for vehicles and sensors that tilt.
func TestBoxesInvertTheLidarPlacement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string, bound float64) float64 { return rapid.Float64Range(-bound, bound).Draw(t, name) }
		pose := func(name string) geom.Pose {
			q := geom.Quat{W: 1, X: number(name+" x", 0.1), Y: number(name+" y", 0.1), Z: number(name+" z", 3)}
			return geom.NewPose(q, geom.Vec3{number(name+" tx", 1000), number(name+" ty", 1000), number(name+" tz", 2)})
		}
		r := &perception.Result{GlobalFromEgo: pose("ego"), EgoFromModel: geom.NewPose(geom.QuatFromYaw(-1.5), geom.Vec3{1, 0, 2})}
		d := perception.Detection{
			Center: geom.Vec3{number("cx", 20), number("cy", 20), number("cz", 2)}, Size: geom.Vec3{1, 2, 3},
			Yaw: number("yaw", 3.1),
		}
		r.Detections = []perception.Detection{d}
		b := Boxes(r)[0]
		lidarFromGlobal := r.GlobalFromEgo.Mul(r.EgoFromModel).Inv()
		if off := lidarFromGlobal.Apply(b.Center).Sub(d.Center).Norm(); off > 1e-9 {
			t.Errorf("the centre is off by %g m", off)
		}
		forward := lidarFromGlobal.R.Apply(b.Rotation.Mat3().Apply(geom.Vec3{1, 0, 0}))
		if want := (geom.Vec3{math.Cos(d.Yaw), math.Sin(d.Yaw), 0}); forward.Sub(want).Norm() > 1e-9 {
			t.Errorf("the length axis is %v, want %v", forward, want)
		}
	})
}

func TestAttributesFollowSpeed(t *testing.T) {
	tests := []struct{ class, still, moving string }{
		{"car", "vehicle.parked", "vehicle.moving"},
		{"truck", "vehicle.parked", "vehicle.moving"},
		{"construction_vehicle", "vehicle.parked", "vehicle.moving"},
		{"trailer", "vehicle.parked", "vehicle.moving"},
		{"bus", "vehicle.stopped", "vehicle.moving"},
		{"bicycle", "cycle.without_rider", "cycle.with_rider"},
		{"motorcycle", "cycle.without_rider", "cycle.with_rider"},
		{"pedestrian", "pedestrian.standing", "pedestrian.moving"},
		{"barrier", "", ""},
		{"traffic_cone", "", ""},
	}
	for _, test := range tests {
		c := class(t, test.class)
		if got := attribute(c, 0.2).String(); got != test.still {
			t.Errorf("%s at 0.2 m/s: %q, want %q", test.class, got, test.still)
		}
		if got := attribute(c, 0.21).String(); got != test.moving {
			t.Errorf("%s at 0.21 m/s: %q, want %q", test.class, got, test.moving)
		}
	}
}

func TestBoxesKeepTheBestWithinRange(t *testing.T) {
	r := &perception.Result{GlobalFromEgo: geom.IdentityPose(), EgoFromModel: geom.IdentityPose()}
	add := func(name string, x float64, score float32) {
		r.Detections = append(r.Detections, perception.Detection{
			Class: class(t, name), Center: geom.Vec3{x, 0, 0}, Size: geom.Vec3{1, 1, 1}, Score: score,
		})
	}
	add("car", 50, 0.1)
	add("car", 50.001, 0.9)
	add("barrier", 30.001, 0.9)
	add("pedestrian", 39, 0.2)
	if boxes := Boxes(r); len(boxes) != 2 || boxes[0].Class.String() != "pedestrian" {
		t.Errorf("boxes %+v, want the pedestrian and the nearer car", boxes)
	}
	for i := range 600 {
		add("car", 1, float32(i+1)/1000)
	}
	boxes := Boxes(r)
	if len(boxes) != nuscenes.MaxBoxesPerSample || boxes[0].Score != float64(float32(0.6)) {
		t.Errorf("%d boxes from score %g", len(boxes), boxes[0].Score)
	}
	for i := 1; i < len(boxes); i++ {
		if boxes[i].Score > boxes[i-1].Score {
			t.Fatalf("scores %g, %g are not descending", boxes[i-1].Score, boxes[i].Score)
		}
	}
}

func TestRowsFindTheirSample(t *testing.T) {
	ds := openTiny(t, false)
	rows, err := NewRows(ds.Samples)
	if err != nil {
		t.Fatal(err)
	}
	result := &perception.Result{
		Time:     ds.Samples[1].KeyTime().Time(), // of another sample: the token counts
		KeyFrame: ds.Samples[2].Token, GlobalFromEgo: geom.IdentityPose(), EgoFromModel: geom.IdentityPose(),
		Detections: []perception.Detection{{Size: geom.Vec3{1, 1, 1}}},
	}
	if err := rows.Publish(t.Context(), &perception.Moment{Result: result}); err != nil {
		t.Fatal(err)
	}
	if err := rows.Publish(t.Context(), &perception.Moment{Result: result}); err == nil || !strings.Contains(err.Error(), "two results") {
		t.Errorf("a second result: %v", err)
	}
	other := *result
	other.KeyFrame = "elsewhere"
	if err := rows.Publish(t.Context(), &perception.Moment{Result: &other}); err == nil || !strings.Contains(err.Error(), "no sample has the token \"elsewhere\"") {
		t.Errorf("another token: %v", err)
	}
	got := rows.Results()
	for i, s := range got.Samples {
		if want := map[bool]int{true: 1}[i == 2]; s.Token != ds.Samples[i].Token || s.Boxes == nil || len(s.Boxes) != want {
			t.Errorf("sample %d: %s with %d boxes, want %d", i, s.Token, len(s.Boxes), want)
		}
	}
	if !strings.Contains(string(got.Meta), `"use_camera":true`) {
		t.Errorf("meta %s", got.Meta)
	}
	if _, err := NewRows(append(ds.Samples[:1:1], ds.Samples[0])); err == nil || !strings.Contains(err.Error(), "want distinct ones") {
		t.Errorf("the same token twice: %v", err)
	}
}

func ExampleParseCameraDrop() {
	drop, err := ParseCameraDrop("CAM_BACK@3-10")
	fmt.Println(drop.Camera, drop.First, drop.Last, err)
	// Output: CAM_BACK 3 10 <nil>
}
