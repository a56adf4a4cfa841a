package nuscenes

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/geom"
)

// Dataset is the linked tables of one version of a data set. Nothing in it
// may be modified but EgoFromBase, before its rigs are made.
type Dataset struct {
	Dir     string // the folder that holds the version's folder and the files
	Version string // for example v1.0-mini
	Scenes  []*Scene
	Samples []*Sample // of known scenes, in the table's order, which is that of results on custom splits

	// Findings are the faults that reading passed over. What they are of is empty,
	// or left out if it belongs to something that is not there.
	Findings Findings

	Rows map[string]int // of each table that was read; none of one that is absent or broken

	// EgoFromBase places the ground under the rear axle in the ego frame of all
	// vehicles, which tables cannot say; nil if the ego frame is there.
	EgoFromBase *geom.Transform

	sceneByName   map[string]*Scene
	sampleByToken map[string]*Sample
}

// Tables without which nothing can be detected in a data set, and what grading
// needs beside them.
var (
	detectionTables = [...]string{"scene", "sample", "sample_data", "sensor", "calibrated_sensor", "ego_pose"}
	truthTables     = [...]string{"category", "instance", "sample_annotation"}
)

// Open reads the tables DIR/VERSION/*.json. It fails with a [*TableError] that
// names the first thing that makes a table no list of objects, and if there is no
// table of scenes, samples, measurements, sensors, calibrations or poses. All else
// that is wrong is in Findings, and a fault where something needs the field: for
// [Dataset.Rig], and for [Sample.CheckTruth].
func Open(dir, version string) (*Dataset, error) {
	return open(dir, version, detectionTables[:])
}

// Survey is Open for a data set that need not have any table.
func Survey(dir, version string) (*Dataset, error) { return open(dir, version, nil) }

func open(dir, version string, required []string) (*Dataset, error) {
	t, err := newTables(dir, version, "detection", required)
	if err != nil {
		return nil, err
	}
	err = t.read(t.readObjects, t.readSensors, t.readSamples, t.readData, t.readAnnotations,
		t.linkSamples, t.linkData, t.linkAnnotations, t.orderSamples)
	if err != nil {
		return nil, err
	}
	return t.dataset(dir, version), nil
}

// Versions returns the names of dir's folders that hold tables, sorted.
func Versions(dir string) []string {
	found, _ := fs.Glob(os.DirFS(dir), "*/sample.json") // errs on bad patterns only
	for i, file := range found {
		found[i] = path.Dir(file)
	}
	return found
}

func (t *tables) dataset(dir, version string) *Dataset {
	d := &Dataset{
		Dir: dir, Version: version, Findings: t.findings, Rows: t.counts,
		sceneByName:   make(map[string]*Scene, len(t.scenes.rows)),
		sampleByToken: make(map[string]*Sample, len(t.samples.rows)),
	}
	for scene := range t.scenes.unique() {
		d.Scenes = append(d.Scenes, scene)
		d.sceneByName[scene.Name] = scene
	}
	for sample := range t.samples.unique() {
		if sample.Scene != nil {
			d.Samples = append(d.Samples, sample)
			d.sampleByToken[sample.Token] = sample
		}
	}
	return d
}

// LacksForDetection returns the names of the tables that detection needs and that were
// not read.
func (d *Dataset) LacksForDetection() []string { return d.lacks(detectionTables[:]) }

// LacksForGrading returns the names of the tables that grading needs and that were
// not read.
func (d *Dataset) LacksForGrading() []string {
	return append(d.lacks(detectionTables[:]), d.lacks(truthTables[:])...)
}

func (d *Dataset) lacks(tables []string) (absent []string) {
	for _, table := range tables {
		if _, read := d.Rows[table]; !read {
			absent = append(absent, table)
		}
	}
	return absent
}

// Scene returns the scene of that name, nil if there is none.
func (d *Dataset) Scene(name string) *Scene { return d.sceneByName[name] }

// Sample returns the sample with that token, nil if there is none.
func (d *Dataset) Sample(token string) *Sample { return d.sampleByToken[token] }

// Files returns the tables that were read, and that of custom splits.
func (d *Dataset) Files() []string {
	files := []string{d.splitsFile()}
	for _, table := range slices.Sorted(maps.Keys(d.Rows)) {
		files = append(files, filepath.Join(d.folder(), table+".json"))
	}
	return files
}

// Path returns where the file of a measurement lies. Backslashes in its name are
// separators, unless a file has them in its name.
func (d *Dataset) Path(data *SampleData) string {
	path := filepath.Join(d.Dir, filepath.FromSlash(data.Filename))
	if strings.Contains(data.Filename, `\`) {
		if _, err := os.Lstat(path); err != nil {
			return filepath.Join(d.Dir, unixName(data.Filename))
		}
	}
	return path
}

// CheckFile returns an error if the file of a measurement cannot be read, one that is
// [fs.ErrNotExist] if there is none or the table says that it is not valid.
func (d *Dataset) CheckFile(data *SampleData) error {
	path := d.Path(data)
	if data.Invalid {
		return fmt.Errorf("nuscenes: %s is not valid by its table: %w", path, fs.ErrNotExist)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("nuscenes: %w", err)
	case info.IsDir():
		return fmt.Errorf("nuscenes: %s is a folder, want a file", path)
	case !info.Mode().IsRegular(): // opening a pipe would wait for a writer
		return fmt.Errorf("nuscenes: %s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("nuscenes: %w", err)
	}
	return f.Close()
}
