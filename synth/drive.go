package synth

import (
	"fmt"
	"math"
	"strings"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
)

// annotated is how far from the vehicle objects are annotated, metres.
const annotated = 65.0

// lidarBeam is the part of a square radian that a beam of a 32-line spinning
// lidar stands for: a third of a degree by one and a third.
const lidarBeam = (math.Pi / 180 / 3) * (math.Pi / 180 * 4 / 3)

// drive is one scene to be rendered.
type drive struct {
	*world
	name   string
	seed   uint64
	number int
	start  nuscenes.Timestamp
	rig    []camera
	window *Window
	frames int
	per    int // images of each camera per key frame
}

// exposure is one image of a drive.
type exposure struct {
	camera int
	frame  int // of the key frame whose time is at or before it
	sub    int // 0 at the key frame, then counting images until the next
}

func newDrive(o *Options, number int) *drive {
	d := newDice(o.Seed, uint64(number))
	v := outline(o, number, d)
	seconds := float64(o.Frames-1)/keyRate + 0.05
	if o.Rate > keyRate {
		seconds += 1 / keyRate
	}
	v.world = newWorld(d, seconds)
	return v
}

// outline returns the drive without its world, which names its files.
func outline(o *Options, number int, d dice) *drive {
	return &drive{
		name: fmt.Sprintf("synth-%d-%d", o.Seed, number), seed: o.Seed, number: number,
		start: 1_600_000_000_000_000 + nuscenes.Timestamp(number)*3_600_000_000,
		rig:   newRig(d), window: o.Window, frames: o.Frames, per: int(o.Rate / keyRate),
	}
}

// exposures lists the drive's images; after the last key frame there are none.
func (v *drive) exposures() []exposure {
	var e []exposure
	for f := range v.frames {
		for sub := range v.per {
			if f == v.frames-1 && sub > 0 {
				break
			}
			for c := range v.rig {
				e = append(e, exposure{c, f, sub})
			}
		}
	}
	return e
}

// seconds is when the exposure happens, from the first key frame.
func (v *drive) seconds(e exposure) float64 {
	return float64(e.frame)/keyRate + float64(e.sub)/(keyRate*float64(v.per)) + v.rig[e.camera].delay
}

func (v *drive) timestamp(t float64) nuscenes.Timestamp {
	return v.start + nuscenes.Timestamp(math.Round(t*1e6))
}

// file is the path of a sensor's file below the data set's folder.
func (v *drive) file(folder, channel, suffix string, t float64) string {
	return fmt.Sprintf("%s/%s/%s__%s__%d.%s", folder, channel, v.name, channel, v.timestamp(t), suffix)
}

func (v *drive) imageFile(e exposure) string {
	folder := "samples"
	if e.sub > 0 {
		folder = "sweeps"
	}
	return v.file(folder, v.rig[e.camera].name, "jpg", v.seconds(e))
}

func (v *drive) depthFile(e exposure) string {
	return v.file("depth", v.rig[e.camera].name, "png", v.seconds(e))
}

func (v *drive) lidarFile(frame int) string {
	return v.file("samples", nuscenes.LidarTop, "pcd.bin", float64(frame)/keyRate)
}

func (v *drive) sampleToken(frame int) string { return token(v.name, "sample", frame) }

// sighting is how much of each object one key image shows.
type sighting struct{ visible, covered []float64 }

// record adds the drive's rows. Sightings are those of each key frame's
// cameras together.
func (v *drive) record(t *tables, seen []sighting) {
	log := token(v.name, "log")
	t.log = append(t.log, nuscenes.LogRow{Token: log, File: v.name, Vehicle: "synth", Date: "2020-09-13", Location: "synth-town"})
	t.scene = append(t.scene, nuscenes.SceneRow{
		Token: token(v.name, "scene"), LogToken: log, Samples: v.frames, Name: v.name, Description: v.describe(),
		FirstSampleToken: v.sampleToken(0), LastSampleToken: v.sampleToken(v.frames - 1),
	})
	for f := range v.frames {
		row := nuscenes.SampleRow{Token: v.sampleToken(f), Timestamp: v.timestamp(float64(f) / keyRate), SceneToken: token(v.name, "scene")}
		if f > 0 {
			row.Prev = v.sampleToken(f - 1)
		}
		if f < v.frames-1 {
			row.Next = v.sampleToken(f + 1)
		}
		t.sample = append(t.sample, row)
	}
	v.recordSensors(t)
	v.recordObjects(t, seen)
}

func (v *drive) describe() string {
	parts := []string{"Synthetic street"}
	if len(v.roads) > 1 {
		parts = append(parts, "crossing")
	}
	return strings.Join(parts, ", ")
}

func quad(q geom.Quat) [4]float64 { return [4]float64{q.W, q.X, q.Y, q.Z} }

// recordSensors adds calibrations, files and the vehicle's pose at each.
func (v *drive) recordSensors(t *tables) {
	for i := range v.rig {
		c := &v.rig[i]
		k := c.through(v.window)
		t.calibratedSensor = append(t.calibratedSensor, nuscenes.CalibrationRow{
			Token: token(v.name, "calibration", c.name), SensorToken: token("sensor", c.name),
			Translation: c.egoFromCamera.Translation, Rotation: quad(c.egoFromCamera.Rotation),
			Intrinsics: [][3]float64{{k[0], k[1], k[2]}, {k[3], k[4], k[5]}, {k[6], k[7], k[8]}},
		})
	}
	t.calibratedSensor = append(t.calibratedSensor, nuscenes.CalibrationRow{
		Token: token(v.name, "calibration", nuscenes.LidarTop), SensorToken: token("sensor", nuscenes.LidarTop),
		Translation: egoFromLidar.Translation, Rotation: quad(egoFromLidar.Rotation),
	})
	last := map[string]int{}
	for f := range v.frames {
		v.recordFile(t, last, nuscenes.LidarTop, f, float64(f)/keyRate, true, "pcd", v.lidarFile(f))
	}
	for _, e := range v.exposures() {
		f := e.frame
		if 2*e.sub > v.per {
			f++
		}
		v.recordFile(t, last, v.rig[e.camera].name, f, v.seconds(e), e.sub == 0, "jpg", v.imageFile(e))
	}
}

// recordFile adds a file's row, linked to its channel's last one.
func (v *drive) recordFile(t *tables, last map[string]int, channel string, frame int, at float64, key bool, format, file string) {
	id := token(v.name, "data", channel, v.timestamp(at))
	pose := v.placed.Mul(v.egoPose(at))
	t.egoPose = append(t.egoPose, nuscenes.EgoPoseRow{
		Token: id, Timestamp: v.timestamp(at), Rotation: quad(geom.QuatFromMat3(pose.R)), Translation: pose.T,
	})
	row := nuscenes.SampleDataRow{
		Token: id, SampleToken: v.sampleToken(frame), EgoPoseToken: id, CalibrationToken: token(v.name, "calibration", channel),
		Timestamp: v.timestamp(at), Format: format, KeyFrame: key, Filename: file,
	}
	if format == "jpg" {
		row.Width, row.Height = v.window.size()
	}
	if i, ok := last[channel]; ok {
		row.Prev = t.sampleData[i].Token
		t.sampleData[i].Next = id
	}
	last[channel] = len(t.sampleData)
	t.sampleData = append(t.sampleData, row)
}

// recordObjects adds the instances that ever come near, with their
// annotations.
func (v *drive) recordObjects(t *tables, seen []sighting) {
	for i := range v.objects {
		first := len(t.annotation)
		for f := range v.frames {
			if row, ok := v.annotate(i, f, seen[f]); ok {
				t.annotation = append(t.annotation, row)
			}
		}
		rows := t.annotation[first:]
		if len(rows) == 0 {
			continue
		}
		for k := 1; k < len(rows); k++ {
			rows[k].Prev, rows[k-1].Next = rows[k-1].Token, rows[k].Token
		}
		t.instance = append(t.instance, nuscenes.InstanceRow{
			Token: token(v.name, "instance", i), CategoryToken: token("category", v.objects[i].category), Annotations: len(rows),
			FirstAnnotationToken: rows[0].Token, LastAnnotationToken: rows[len(rows)-1].Token,
		})
	}
}

func (v *drive) annotate(i, frame int, seen sighting) (nuscenes.AnnotationRow, bool) {
	o, at := &v.objects[i], float64(frame)/keyRate
	p, e := o.track.at(at), v.ego.at(at)
	if math.Hypot(p.x-e.x, p.y-e.y) > annotated {
		return nuscenes.AnnotationRow{}, false
	}
	pose := v.placed.Mul(o.pose(at))
	row := nuscenes.AnnotationRow{
		Token: token(v.name, "annotation", i, frame), SampleToken: v.sampleToken(frame), InstanceToken: token(v.name, "instance", i),
		Translation: pose.Apply(geom.Vec3{0, 0, o.size[2] / 2}), Size: o.size,
		Rotation: quad(geom.QuatFromMat3(pose.R)),
	}
	row.VisibilityToken, row.LidarPoints = visibility(seen.visible[i], seen.covered[i])
	if a := o.attribute(at); a != "" {
		row.AttributeTokens = append(row.AttributeTokens, token("attribute", a))
	}
	return row, true
}

// visibility grades how much of an object is seen, and counts the beams that a
// lidar at the cameras would have had on it.
func visibility(visible, covered float64) (string, int) {
	points := int(math.Round(visible / lidarBeam))
	if points == 0 && visible > lidarBeam/5 {
		points = 1
	}
	switch share := visible / max(covered, 1e-12); {
	case share < 0.4:
		return "1", points
	case share < 0.6:
		return "2", points
	case share < 0.8:
		return "3", points
	}
	return "4", points
}

// attribute is the object's state in nuScenes' words, "" for things.
func (o *object) attribute(t float64) string {
	moving := o.track.velocity(t) > 0.3
	switch kind := strings.Split(o.category, "."); {
	case kind[0] == "movable_object":
		return ""
	case kind[0] == "human" && moving:
		return "pedestrian.moving"
	case kind[0] == "human":
		return "pedestrian.standing"
	case (kind[1] == "bicycle" || kind[1] == "motorcycle") && o.ridden:
		return "cycle.with_rider"
	case kind[1] == "bicycle" || kind[1] == "motorcycle":
		return "cycle.without_rider"
	case moving:
		return "vehicle.moving"
	case o.parked:
		return "vehicle.parked"
	}
	return "vehicle.stopped"
}
