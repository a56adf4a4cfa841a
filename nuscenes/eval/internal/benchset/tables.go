package main

import (
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// version is the folder of the tables; the official splits are for it.
const version = "v1.0-trainval"

var tableNames = []string{
	"attribute", "calibrated_sensor", "category", "ego_pose", "instance", "log", "map",
	"sample", "sample_annotation", "sample_data", "scene", "sensor", "visibility",
}

// write makes the folder dir and all in it, scene by scene into all files at once.
func write(dir string, size sizes) error {
	t, err := newTables(dir, size)
	if err != nil {
		return err
	}
	plans := size.plans()
	t.sweeps = newSweeper(size, plans)
	var generators []*generator
	for range size.splits {
		generators = append(generators, newGenerator())
	}
	t.vocabulary()
	for i, p := range plans {
		s := generators[p.split].scene(p)
		t.scene(s)
		if t.results != nil {
			t.results.scene(s)
		}
		if (i+1)%50 == 0 {
			fmt.Fprintf(os.Stderr, "benchset: %d of %d scenes\n", i+1, len(plans))
		}
	}
	t.maps()
	return t.finish()
}

// tables are the open files of a data set.
type tables struct {
	dir     string
	size    sizes
	files   map[string]*encoder // by table
	rows    map[string]int
	sweeps  *sweeper
	logs    []int // numbers
	results *results
}

func newTables(dir string, size sizes) (*tables, error) {
	for _, folder := range []string{version, "maps"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o777); err != nil {
			return nil, err
		}
	}
	t := &tables{dir: dir, size: size, files: map[string]*encoder{}, rows: map[string]int{}}
	for _, name := range tableNames {
		e, err := newEncoder(filepath.Join(dir, version, name+".json"), true)
		if err != nil {
			return nil, err
		}
		e.open('[')
		t.files[name] = e
	}
	if size.boxes == 0 {
		return t, nil
	}
	e, err := newEncoder(filepath.Join(dir, "results.json"), false)
	if err != nil {
		return nil, err
	}
	t.results = newResults(e, size.boxes)
	return t, nil
}

// finish completes the files and says how large they are.
func (t *tables) finish() error {
	for _, name := range tableNames {
		e := t.files[name]
		e.close(']')
		length, err := e.finish()
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "benchset: %-17s %9d rows  %7.1f MB\n", name, t.rows[name], float64(length)/1e6)
	}
	if err := writePixel(filepath.Join(t.dir, mapFile)); err != nil || t.results == nil {
		return err
	}
	length, err := t.results.finish()
	fmt.Fprintf(os.Stderr, "benchset: %-17s %9d boxes %7.1f MB\n", "results.json", t.results.written, float64(length)/1e6)
	return err
}

// row begins a row with its token; the caller closes it.
func (t *tables) row(table, token string) *encoder {
	e := t.files[table]
	t.rows[table]++
	e.open('{')
	e.key("token").str(token)
	return e
}

// named writes a row of a token and texts: names and values in turn.
func (t *tables) named(table, token string, texts ...string) {
	e := t.row(table, token)
	for pair := range slices.Chunk(texts, 2) {
		e.key(pair[0]).str(pair[1])
	}
	e.close('}')
}

// vocabulary writes the tables that do not depend on scenes.
func (t *tables) vocabulary() {
	for _, list := range [][]string{vehicleAttributes, cycleAttributes, pedestrianAttributes} {
		for _, name := range list {
			t.named("attribute", attributeToken(name), "name", name, "description", "")
		}
	}
	for i := range kinds {
		t.named("category", categoryToken(&kinds[i]), "name", kinds[i].category, "description", "")
	}
	for i, level := range []string{"v0-40", "v40-60", "v60-80", "v80-100"} {
		t.named("visibility", strconv.Itoa(i+1), "level", level, "description", "")
	}
	for i, s := range t.size.sensors {
		t.named("sensor", token(sensorRow, 0, i, 0), "channel", s.channel, "modality", s.modality)
	}
}

// attributeToken returns the token of a name of the three lists.
func attributeToken(name string) string {
	all := slices.Concat(vehicleAttributes, cycleAttributes, pedestrianAttributes)
	return token(attributeRow, 0, slices.Index(all, name), 0)
}

func categoryToken(k *kind) string {
	i := slices.IndexFunc(kinds, func(other kind) bool { return other.category == k.category })
	return token(categoryRow, 0, i, 0)
}

// mapFile is the one map of all logs.
const mapFile = "maps/map.png"

func (t *tables) maps() {
	e := t.files["map"]
	t.rows["map"]++
	e.open('{')
	e.key("category").str("semantic_prior")
	e.key("token").str(token(mapRow, 0, 0, 0))
	e.key("filename").str(mapFile)
	var logs []string
	for _, log := range t.logs {
		logs = append(logs, token(logRow, 0, log, 0))
	}
	e.key("log_tokens").strs(logs...)
	e.close('}')
}

func writePixel(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	err = png.Encode(f, image.NewGray(image.Rect(0, 0, 1, 1)))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (t *tables) scene(s *scene) {
	log := s.number / scenesPerLog
	if !slices.Contains(t.logs, log) {
		t.logs = append(t.logs, log)
		t.named("log", token(logRow, 0, log, 0), "logfile", logfile(log), "vehicle", "n008",
			"date_captured", logfile(log)[5:15], "location", "boston-seaport")
	}
	e := t.row("scene", token(sceneRow, s.number, 0, 0))
	e.key("log_token").str(token(logRow, 0, log, 0))
	e.key("nbr_samples").integer(int64(s.samples))
	e.key("first_sample_token").str(s.sampleToken(0))
	e.key("last_sample_token").str(s.sampleToken(s.samples - 1))
	e.key("name").str(fmt.Sprintf("scene-%04d", s.number))
	e.key("description").str("Made up")
	e.close('}')
	t.samples(s)
	for i, sensor := range t.size.sensors {
		t.calibration(s, i, sensor)
		t.data(s, i, sensor)
	}
	for _, o := range s.objects {
		t.object(s, o)
	}
}

const scenesPerLog = 16

func logfile(log int) string {
	return fmt.Sprintf("n008-2018-%02d-%02d-15-16-36-0400", 1+log/28%12, 1+log%28)
}

// neighbours writes the fields prev and next of row i of n.
func neighbours(e *encoder, i, n int, token func(int) string) {
	for _, side := range []struct {
		name string
		at   int
	}{{"prev", i - 1}, {"next", i + 1}} {
		if e.key(side.name); side.at < 0 || side.at == n {
			e.str("")
		} else {
			e.str(token(side.at))
		}
	}
}

func (t *tables) samples(s *scene) {
	for i, time := range s.times {
		e := t.row("sample", s.sampleToken(i))
		e.key("timestamp").integer(time)
		e.key("scene_token").str(token(sceneRow, s.number, 0, 0))
		neighbours(e, i, s.samples, s.sampleToken)
		e.close('}')
	}
}

func (t *tables) calibration(s *scene, number int, sensor sensor) {
	q := sensor.rotation()
	e := t.row("calibrated_sensor", token(calibrationRow, s.number, number, 0))
	e.key("sensor_token").str(token(sensorRow, 0, number, 0))
	e.key("translation").floats(sensor.x, sensor.y, sensor.z)
	e.key("rotation").floats(q[:]...)
	e.key("camera_intrinsic").open('[')
	if sensor.modality == "camera" {
		e.floats(1252.8131021185304, 0, 826.588114781398)
		e.floats(0, 1252.8131021185304, 469.9846626224581)
		e.floats(0, 0, 1)
	}
	e.close(']')
	e.close('}')
}

// data writes a sensor's measurements through a scene, and their ego poses.
func (t *tables) data(s *scene, number int, sensor sensor) {
	frames := s.frames(sensor, t.sweeps)
	tokenOf := func(i int) string { return token(dataRow, s.number, number, i) }
	format, _, width, height := sensor.fileFormat()
	for i, f := range frames {
		e := t.row("sample_data", tokenOf(i))
		e.key("sample_token").str(s.sampleToken(f.sample))
		e.key("ego_pose_token").str(tokenOf(i))
		e.key("calibrated_sensor_token").str(token(calibrationRow, s.number, number, 0))
		e.key("timestamp").integer(f.time)
		e.key("fileformat").str(format)
		e.key("is_key_frame").boolean(f.key)
		e.key("height").integer(height)
		e.key("width").integer(width)
		e.key("filename").str(sensor.filename(f, logfile(s.number/scenesPerLog)))
		neighbours(e, i, len(frames), tokenOf)
		e.close('}')
		t.pose(tokenOf(i), f.time, s.at(f.time))
	}
}

func (t *tables) pose(token string, time int64, p pose) {
	sin, cos := math.Sincos(p.yaw / 2)
	roll, pitch := 0.004*math.Sin(p.x/3), 0.008*math.Cos(p.y/5) // as on a street that is not quite even
	length := math.Sqrt(1 + roll*roll + pitch*pitch)
	e := t.row("ego_pose", token)
	e.key("timestamp").integer(time)
	e.key("rotation").floats(cos/length, roll/length, pitch/length, sin/length)
	e.key("translation").floats(p.x, p.y, 0)
	e.close('}')
}

func (t *tables) object(s *scene, o *object) {
	tokenOf := func(i int) string { return s.annotationToken(o, i) }
	n := len(o.boxes)
	e := t.row("instance", s.instanceToken(o))
	e.key("category_token").str(categoryToken(o.kind))
	e.key("nbr_annotations").integer(int64(n))
	e.key("first_annotation_token").str(tokenOf(0))
	e.key("last_annotation_token").str(tokenOf(n - 1))
	e.close('}')
	for i := range o.boxes {
		b := &o.boxes[i]
		e := t.row("sample_annotation", tokenOf(i))
		e.key("sample_token").str(s.sampleToken(o.first + i))
		e.key("instance_token").str(s.instanceToken(o))
		e.key("visibility_token").str(strconv.Itoa(b.visibility))
		e.key("attribute_tokens").open('[')
		if o.attribute >= 0 {
			e.str(attributeToken(o.attributes[o.attribute]))
		}
		e.close(']')
		e.key("translation").floats(b.center[:]...)
		e.key("size").floats(o.size[:]...)
		e.key("rotation").floats(math.Cos(b.yaw/2), 0, 0, math.Sin(b.yaw/2))
		neighbours(e, i, n, tokenOf)
		e.key("num_lidar_pts").integer(int64(b.lidar))
		e.key("num_radar_pts").integer(int64(b.radar))
		e.close('}')
	}
}
