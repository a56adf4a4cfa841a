package synth

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/geom"
)

// testDrive is a drive of ten seconds.
func testDrive(seed uint64) *drive {
	o := Options{Seed: seed, Drives: 1, Frames: 21}.withDefaults()
	return newDrive(&o, 0)
}

func TestObjectsFillTheirBoxes(t *testing.T) {
	d := newDice(1, 1)
	kinds := []kind{
		aCar, aTruck, aTrailer, aBus, aDigger, aCone, aBarrier(0), aBarrier(1), aBarrier(2), aMotorcycle(false), aMotorcycle(true),
		aBicycle(false), aBicycle(true), aPerson(true, false), aPerson(false, false), aPerson(false, true),
	}
	for i, of := range kinds {
		for range 20 {
			o := of(d)
			lo, hi := bounds(o.poses)
			got := [3]float64{float64(hi[1] - lo[1]), float64(hi[0] - lo[0]), float64(hi[2] - lo[2])}
			for k := range got {
				if math.Abs(got[k]-o.size[k]) > 1e-4 {
					t.Errorf("kind %d: %s drawn as %v, boxed as %v", i, o.category, got, o.size)
				}
			}
			if math.Abs(float64(hi[0]+lo[0])) > 1e-4 || math.Abs(float64(hi[1]+lo[1])) > 1e-4 || math.Abs(float64(lo[2])) > 1e-4 {
				t.Errorf("kind %d: %s does not stand on the origin: %v to %v", i, o.category, lo, hi)
			}
		}
	}
}

func TestNothingTouches(t *testing.T) {
	for seed := range uint64(4) {
		v := testDrive(seed)
		for at := 0.0; at <= 10; at += 0.5 {
			ego := rect{v.ego.at(at).ahead(1.4, 0), 2.4, 0.9}
			for i := range v.objects {
				a := &v.objects[i]
				if a.footprint(at).overlaps(ego, 0) {
					t.Errorf("seed %d, %g s: %s %d touches the recording vehicle", seed, at, a.category, i)
				}
				for j := range i {
					if b := &v.objects[j]; a.footprint(at).overlaps(b.footprint(at), 0) {
						t.Errorf("seed %d, %g s: %s %d touches %s %d", seed, at, a.category, i, b.category, j)
					}
				}
				for _, c := range v.casters {
					if c.from < a.size[2] && a.footprint(at).overlaps(rect{c.at, c.a, c.b}, 0) {
						t.Errorf("seed %d, %g s: %s %d touches scenery at %v", seed, at, a.category, i, c.at)
					}
				}
			}
		}
	}
}

func TestSpeedsArePlausible(t *testing.T) {
	top := map[string]float64{
		"human.pedestrian.adult": 1.9, "vehicle.bicycle": 14, "movable_object.barrier": 0, "movable_object.trafficcone": 0, "vehicle.construction": 0,
	}
	for seed := range uint64(4) {
		v := testDrive(seed)
		for at := 0.0; at <= 10; at += 0.25 {
			if s := v.ego.velocity(at); s < 0 || s > 12.01 {
				t.Errorf("seed %d: the recording vehicle drives at %g m/s", seed, s)
			}
			for i := range v.objects {
				o := &v.objects[i]
				limit, ok := top[o.category]
				if !ok {
					limit = 14
				}
				a, b := o.track.at(at-0.05), o.track.at(at+0.05)
				moved := math.Hypot(b.x-a.x, b.y-a.y) / 0.1
				if moved > limit+1e-6 {
					t.Errorf("seed %d: %s moves at %g m/s", seed, o.category, moved)
				}
				if math.Abs(moved-o.track.velocity(at)) > 0.25 {
					t.Errorf("seed %d: %s moves at %g m/s, its velocity is %g", seed, o.category, moved, o.track.velocity(at))
				}
			}
		}
	}
}

func TestEveryDriveHoldsTheTenClasses(t *testing.T) {
	want := []string{
		"vehicle.car", "vehicle.truck", "vehicle.construction", "vehicle.bus.rigid", "vehicle.trailer",
		"movable_object.barrier", "vehicle.motorcycle", "vehicle.bicycle", "human.pedestrian.adult", "movable_object.trafficcone",
	}
	for seed := range uint64(4) {
		v := testDrive(seed)
		met := map[string]bool{}
		for i := range v.objects {
			for f := range v.frames {
				p, e := v.objects[i].track.at(float64(f)/keyRate), v.ego.at(float64(f)/keyRate)
				if math.Hypot(p.x-e.x, p.y-e.y) < annotated {
					met[v.objects[i].category] = true
				}
			}
		}
		for _, c := range want {
			if !met[c] {
				t.Errorf("seed %d never meets a %s", seed, c)
			}
		}
	}
}

// TestPixelsLieInBoxes puts every pixel of an object back into the world, by
// its depth, and checks that it is in the object's box.
func TestPixelsLieInBoxes(t *testing.T) {
	v := testDrive(2)
	v.window = network
	p := &painter{}
	checked := 0
	for c := range v.rig {
		e := exposure{camera: c, frame: 4}
		at := v.seconds(e)
		s := v.expose(p, e)
		r := &p.raster
		for y := range r.h {
			for x := range r.w {
				id := r.id[y*r.w+x]
				if id == 0 || r.drawn[id-1].object < 0 {
					continue
				}
				o := &v.objects[r.drawn[id-1].object]
				px, py := (float64(x)+0.5)/3-0.5, (float64(y)+0.5)/3-0.5
				z := r.drawn[id-1].depth(px, py)
				q := o.pose(at).Inv().Apply(s.view.worldFromCamera.Apply(geom.Vec3{(px - s.view.cx) / s.view.fx * z, (py - s.view.cy) / s.view.fy * z, z}))
				const slack = 0.03
				if math.Abs(q[0]) > o.size[1]/2+slack || math.Abs(q[1]) > o.size[0]/2+slack || q[2] < -slack || q[2] > o.size[2]+slack {
					t.Fatalf("camera %s: %s of size %v is drawn at %v", v.rig[c].name, o.category, o.size, q)
				}
				checked++
			}
		}
	}
	if checked < 10_000 {
		t.Fatalf("only %d samples show objects", checked)
	}
}

func TestSightings(t *testing.T) {
	v := testDrive(2)
	v.window = network
	p := &painter{}
	for c := range v.rig {
		s := v.expose(p, exposure{camera: c, frame: 0})
		for i := range s.visible {
			if s.visible[i] < 0 || s.visible[i] > s.covered[i]*(1+1e-9) {
				t.Errorf("camera %d: object %d shows %g of %g", c, i, s.visible[i], s.covered[i])
			}
		}
	}
}

func TestVisibility(t *testing.T) {
	type grade struct {
		Token  string
		Points int
	}
	for _, tt := range []struct {
		visible, covered float64
		want             grade
	}{
		{0, 0, grade{"1", 0}},
		{0, 1, grade{"1", 0}},
		{0.1 * lidarBeam, lidarBeam, grade{"1", 0}},
		{0.3 * lidarBeam, lidarBeam, grade{"1", 1}},
		{5 * lidarBeam, 10 * lidarBeam, grade{"2", 5}},
		{7 * lidarBeam, 10 * lidarBeam, grade{"3", 7}},
		{10 * lidarBeam, 10 * lidarBeam, grade{"4", 10}},
	} {
		var got grade
		got.Token, got.Points = visibility(tt.visible, tt.covered)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("visibility(%g, %g): %s", tt.visible, tt.covered, diff)
		}
	}
}

// TestLongDrivesHaveCrossings checks for people who start at one kerb and stop at
// the other, in drives that last longer than their way.
func TestLongDrivesHaveCrossings(t *testing.T) {
	crossed := 0
	for seed := range uint64(3) {
		o := Options{Seed: seed, Drives: 1, Frames: 50}.withDefaults()
		v := newDrive(&o, 0)
		for i := range v.objects {
			k := &v.objects[i].track
			if len(k.speed) < 2 || v.objects[i].category != "human.pedestrian.adult" {
				continue
			}
			crossed++
			way := k.speed.distance(100)
			if way < 2*v.roads[0].half()-12 || way > 2*v.roads[0].half()+2 || k.velocity(100) != 0 {
				t.Errorf("seed %d: someone crosses %g m of a road of %g m", seed, way, 2*v.roads[0].half())
			}
		}
	}
	if crossed == 0 {
		t.Error("nobody crosses")
	}
}
