package perception

import (
	"math"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/geom"
)

func TestMissing(t *testing.T) {
	set := FrameSet{Rig: pair(), Frames: []*Frame{nil, {Camera: "RIGHT"}}}
	if got := set.Missing(); !slices.Equal(got, []string{"LEFT"}) {
		t.Errorf("missing %v, want LEFT", got)
	}
	if pair().Index("RIGHT") != 1 || pair().Index("TOP") != -1 {
		t.Error("cameras are not found by name")
	}
}

func TestClasses(t *testing.T) {
	for i, name := range Classes {
		if c, ok := ParseClass(name); !ok || int(c) != i || c.String() != name {
			t.Errorf("%s became %v, %v", name, c, ok)
		}
	}
	if c, _ := ParseClass("traffic_cone"); c.Words() != "traffic cone" {
		t.Errorf("in words %q, want traffic cone", c.Words())
	}
	if _, ok := ParseClass("tram"); ok {
		t.Error("a tram is no class")
	}
}

// TestPlacement: a box moved to another frame, at once or by way of a third, is
// the same box.
func TestPlacement(t *testing.T) {
	d := Detection{Center: geom.Vec3{3, 10, 1}, Yaw: 2.5, Velocity: [2]float64{1, -4}}
	egoFromLidar := geom.NewPose(geom.Quat{W: 0.7, X: 0.01, Y: -0.02, Z: -0.7}, geom.Vec3{0.9, 0, 1.8})
	globalFromEgo := geom.NewPose(geom.QuatFromYaw(1.1), geom.Vec3{600, 1600, 0})
	at := d.Placement()
	if at.Center != d.Center || math.Abs(at.Yaw()-d.Yaw) > 1e-12 || at.Rotation() != geom.QuatFromYaw(d.Yaw) {
		t.Errorf("in its own frame %+v", at)
	}
	once, twice := at.In(globalFromEgo.Mul(egoFromLidar)), at.In(egoFromLidar).In(globalFromEgo)
	near := func(name string, a, b geom.Vec3) {
		if a.Sub(b).Norm() > 1e-9 {
			t.Errorf("%s: %v and %v", name, a, b)
		}
	}
	near("centre", once.Center, twice.Center)
	near("velocity", once.Velocity, twice.Velocity)
	near("centre", once.Center, globalFromEgo.Apply(egoFromLidar.Apply(d.Center)))
	axis := twice.Rotation().Mat3().Apply(geom.Vec3{1, 0, 0})
	if got := math.Atan2(axis[1], axis[0]); math.Abs(got-once.Yaw()) > 1e-9 {
		t.Errorf("the rotation's heading is %v, the yaw %v", got, once.Yaw())
	}
	back := twice.In(globalFromEgo.Mul(egoFromLidar).Inv())
	near("and back", back.Center, d.Center)
	if math.Abs(back.Yaw()-d.Yaw) > 1e-9 {
		t.Errorf("yaw %v came back as %v", d.Yaw, back.Yaw())
	}
}

func TestRigsAreEqualByWhatIsComputedWithThem(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Rig)
		want   bool
	}{
		{"nothing", func(*Rig) {}, true},
		{"name", func(r *Rig) { r.Name = "other" }, true},
		{"order of cameras", func(r *Rig) { slices.Reverse(r.Cameras) }, false},
		{"fewer cameras", func(r *Rig) { r.Cameras = r.Cameras[:1] }, false},
		{"name of a camera", func(r *Rig) { r.Cameras[1].Name = "MIDDLE" }, false},
		{"image size", func(r *Rig) { r.Cameras[0].Height++ }, false},
		{"intrinsics", func(r *Rig) { r.Cameras[0].Intrinsics[2]++ }, false},
		{"place of a camera", func(r *Rig) { r.Cameras[1].EgoFromCamera.Translation[0]++ }, false},
		{"place of the lidar", func(r *Rig) { r.EgoFromLidar.Translation[2]++ }, false},
	} {
		a, b := pair(), pair()
		test.change(b)
		if a.Equal(b) != test.want || b.Equal(a) != test.want {
			t.Errorf("%s differs: equal is %v, want %v", test.name, a.Equal(b), test.want)
		}
	}
}

func TestTitle(t *testing.T) {
	for want, trouble := range map[string]Trouble{
		"CAM_BACK clock offset": {Subject: "CAM_BACK", IsCamera: true, Cause: "clock_offset"},
		"pose late":             {Subject: "poses", Cause: "pose_late"},
		"poses unit":            {Subject: "poses", Cause: "unit"},
		"a late":                {Subject: "a", IsCamera: true, Cause: "late"},
		"sync spread":           {Subject: "sync", Cause: "spread"},
		"camera sync spread":    {Subject: "sync", IsCamera: true, Cause: "spread"},
		"camera pose late":      {Subject: "pose", IsCamera: true, Cause: "late"},
	} {
		if got := trouble.Title(); got != want {
			t.Errorf("title %q, want %q", got, want)
		}
	}
}
