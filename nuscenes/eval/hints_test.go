package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
)

// mistakes are mistakes in conventions, by the name of the hint.
var mistakes = map[string]func(s *nuscenes.Sample, b *nuscenes.Box){
	"size-swapped":     func(_ *nuscenes.Sample, b *nuscenes.Box) { b.Size[0], b.Size[1] = b.Size[1], b.Size[0] },
	"yaw-quarter-turn": func(_ *nuscenes.Sample, b *nuscenes.Box) { b.Rotation = geom.QuatFromYaw(b.Rotation.Yaw() + math.Pi/2) },
	"yaw-half-turn":    func(_ *nuscenes.Sample, b *nuscenes.Box) { b.Rotation = geom.QuatFromYaw(b.Rotation.Yaw() + math.Pi) },
	"yaw-mirrored":     func(_ *nuscenes.Sample, b *nuscenes.Box) { b.Rotation = geom.QuatFromYaw(-b.Rotation.Yaw()) },
	"yaw-ego-frame": func(s *nuscenes.Sample, b *nuscenes.Box) {
		globalFromEgo, _ := lidarPose(s)
		b.Rotation = geom.QuatFromYaw(b.Rotation.Yaw() - heading(globalFromEgo))
	},
	"yaw-lidar-frame": func(s *nuscenes.Sample, b *nuscenes.Box) {
		_, globalFromLidar := lidarPose(s)
		b.Rotation = geom.QuatFromYaw(b.Rotation.Yaw() - heading(globalFromLidar))
	},
	"bottom-center": func(_ *nuscenes.Sample, b *nuscenes.Box) { b.Center[2] -= b.Size[2] / 2 },
	"ego-frame": func(s *nuscenes.Sample, b *nuscenes.Box) {
		globalFromEgo, _ := lidarPose(s)
		b.Center = globalFromEgo.Inv().Apply(b.Center)
	},
	"lidar-frame": func(s *nuscenes.Sample, b *nuscenes.Box) {
		_, globalFromLidar := lidarPose(s)
		b.Center = globalFromLidar.Inv().Apply(b.Center)
	},
	"ego-translation": func(s *nuscenes.Sample, b *nuscenes.Box) {
		globalFromEgo, _ := lidarPose(s)
		b.Center = b.Center.Sub(globalFromEgo.T)
	},
	"rotation-xyzw": func(_ *nuscenes.Sample, b *nuscenes.Box) {
		q := b.Rotation
		b.Rotation = geom.Quat{W: q.X, X: q.Y, Y: q.Z, Z: q.W}
	},
	"velocity-ego-frame": func(s *nuscenes.Sample, b *nuscenes.Box) {
		globalFromEgo, _ := lidarPose(s)
		turnVelocity(b, globalFromEgo.Inv())
	},
	"velocity-lidar-frame": func(s *nuscenes.Sample, b *nuscenes.Box) {
		_, globalFromLidar := lidarPose(s)
		turnVelocity(b, globalFromLidar.Inv())
	},
	"velocity-box-frame": func(_ *nuscenes.Sample, b *nuscenes.Box) {
		turnVelocity(b, geom.NewPose(geom.QuatFromYaw(-b.Rotation.Yaw()), geom.Vec3{}))
	},
	"velocity-relative": func(s *nuscenes.Sample, b *nuscenes.Box) {
		v := egoVelocity(s)
		b.Velocity[0] -= v[0]
		b.Velocity[1] -= v[1]
	},
	"scores-equal": func(_ *nuscenes.Sample, b *nuscenes.Box) { b.Score = 0.5 },
}

func turnVelocity(b *nuscenes.Box, p geom.Pose) {
	v := p.R.Apply(geom.Vec3{b.Velocity[0], b.Velocity[1], 0})
	b.Velocity = [2]float64{v[0], v[1]}
}

// streets opens a data set in which the vehicle and cars drive in all
// directions.
func streets(t *testing.T) (*nuscenes.Dataset, nuscenes.Split) {
	t.Helper()
	const samples, cars = 20, 15
	dice := rand.New(rand.NewPCG(5, 6))
	tables := tinyset.New()
	for _, name := range []string{"scene", "sample", "sample_data", "ego_pose", "instance", "sample_annotation"} {
		tables[name] = nil
	}
	add := func(table string, row tinyset.Row) { tables[table] = append(tables[table], row) }
	name := func(kind string, i int) string {
		if i < 0 || i >= samples {
			return ""
		}
		return fmt.Sprint(kind, "-", i)
	}
	add("scene", tinyset.Row{"token": "scene", "log_token": "log-1", "name": "scene-0103", "description": "",
		"first_sample_token": name("sample", 0), "last_sample_token": name("sample", samples-1)})
	for i := range samples {
		angle, time := 2*math.Pi*float64(i)/samples, 1_500_000_000_000_000+500_000*i
		q := geom.QuatFromYaw(angle + math.Pi/2)
		add("sample", tinyset.Row{"token": name("sample", i), "timestamp": time, "scene_token": "scene", "prev": name("sample", i-1), "next": name("sample", i+1)})
		add("ego_pose", tinyset.Row{"token": name("pose", i), "timestamp": time,
			"translation": []float64{400 + 20*math.Cos(angle), 900 + 20*math.Sin(angle), 0}, "rotation": []float64{q.W, 0, 0, q.Z}})
		add("sample_data", tinyset.Row{"token": name("data", i), "sample_token": name("sample", i), "ego_pose_token": name("pose", i),
			"calibrated_sensor_token": "lidar-1", "timestamp": time, "is_key_frame": true, "width": 0, "height": 0, "filename": "none.bin", "prev": "", "next": ""})
	}
	for car := range cars {
		instance := fmt.Sprint("car-", car)
		add("instance", tinyset.Row{"token": instance, "category_token": "car"})
		x, y, angle, speed := 370+60*dice.Float64(), 870+60*dice.Float64(), 2*math.Pi*dice.Float64(), 2+3*dice.Float64()
		q := geom.QuatFromYaw(angle)
		for i := range samples {
			gone := speed * 0.5 * float64(i-samples/2)
			add("sample_annotation", tinyset.Row{"token": name(instance, i), "sample_token": name("sample", i), "instance_token": instance,
				"visibility_token": "4", "attribute_tokens": []string{"moving"}, "size": []float64{1.9, 4.5, 1.6}, "rotation": []float64{q.W, 0, 0, q.Z},
				"translation": []float64{x + gone*math.Cos(angle), y + gone*math.Sin(angle), 0.8}, "prev": name(instance, i-1), "next": name(instance, i+1),
				"num_lidar_pts": 9, "num_radar_pts": 0})
		}
	}
	ds, split, err := nuscenes.OpenTruth(tables.Write(t), tinyset.Version, nuscenes.Part{Split: "mini_val"})
	if err != nil {
		t.Fatal(err)
	}
	return ds, split
}

// goodResults answers samples as a fair detector would, with a wrong direction
// now and then.
func goodResults(samples []*nuscenes.Sample, dice *rand.Rand) *nuscenes.Results {
	r := &nuscenes.Results{Meta: nuscenes.CameraMeta()}
	for _, s := range samples {
		answer := nuscenes.SampleResult{Token: s.Token}
		for _, a := range s.Annotations {
			class, ok := a.Class()
			if !ok {
				continue
			}
			v := a.Velocity()
			b := nuscenes.Box{
				Class: class, Score: dice.Float64(), Center: a.Center, Size: a.Size.Scale(1 + 0.1*dice.NormFloat64()),
				Rotation: geom.QuatFromYaw(a.Rotation.Yaw() + 0.2*dice.NormFloat64()),
				Velocity: [2]float64{v[0] + 0.2*dice.NormFloat64(), v[1] + 0.2*dice.NormFloat64()}, Points: -1,
			}
			if dice.Float64() < 0.2 {
				b.Rotation = geom.QuatFromYaw(b.Rotation.Yaw() + math.Pi)
			}
			for i, sigma := range []float64{0.5, 0.5, 0.2} {
				b.Center[i] += sigma * dice.NormFloat64()
			}
			answer.Boxes = append(answer.Boxes, b)
		}
		r.Samples = append(r.Samples, answer)
	}
	return r
}

// TestEachMistakeHasItsHint makes each mistake in good results.
func TestEachMistakeHasItsHint(t *testing.T) {
	ds, split := streets(t)
	hintsFor := func(mistake func(*nuscenes.Sample, *nuscenes.Box)) []string {
		results := goodResults(split.Samples, rand.New(rand.NewPCG(1, 2)))
		for i := range results.Samples {
			for j := range results.Samples[i].Boxes {
				mistake(ds.Sample(results.Samples[i].Token), &results.Samples[i].Boxes[j])
			}
		}
		return hintNames(t, ds, split, results)
	}
	if hints := hintsFor(func(*nuscenes.Sample, *nuscenes.Box) {}); len(hints) > 0 {
		t.Errorf("good results have hints %v", hints)
	}
	for name, mistake := range mistakes {
		if hints := hintsFor(mistake); !slices.Equal(hints, []string{name}) {
			t.Errorf("%s: hints %v", name, hints)
		}
	}
}

func hintNames(t *testing.T, ds *nuscenes.Dataset, split nuscenes.Split, results *nuscenes.Results) (names []string) {
	t.Helper()
	frames, err := Frames(ds, split, results, CVPR2019())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range Evaluate(CVPR2019(), frames).Hints(frames) {
		t.Logf("%s: %s", h.Name, h.Text)
		names = append(names, h.Name)
	}
	return names
}

// TestRealResultsHaveNoHint, and the right one once a mistake is made in them.
func TestRealResultsHaveNoHint(t *testing.T) {
	ds, split, err := nuscenes.OpenTruth(golden.Shared(t, "data/nuscenes"), "v1.0-mini", nuscenes.Part{Split: "mini_val"})
	if err != nil {
		t.Fatal(err)
	}
	read := func() *nuscenes.Results {
		results, err := nuscenes.ReadResults(golden.Shared(t, "data/results/cc3dt_mini_val.json"))
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	if hints := hintNames(t, ds, split, read()); len(hints) > 0 {
		t.Errorf("hints %v", hints)
	}
	for name, mistake := range mistakes {
		if strings.HasPrefix(name, "velocity-") {
			continue // this detector's are zero, in any frame of reference
		}
		results := read()
		for i := range results.Samples {
			for j := range results.Samples[i].Boxes {
				mistake(ds.Sample(results.Samples[i].Token), &results.Samples[i].Boxes[j])
			}
		}
		if hints := hintNames(t, ds, split, results); !slices.Equal(hints, []string{name}) {
			t.Errorf("%s: hints %v", name, hints)
		}
	}
}
