package nuscenes

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/solofusion/solofusion/geom"
)

// Dataset is the linked tables of one version of a data set. Nothing in it
// may be modified but EgoFromBase, before its rigs are made.
type Dataset struct {
	Dir     string // the folder that holds the version's folder and the files
	Version string // for example v1.0-mini
	Scenes  []*Scene
	Samples []*Sample // in the table's order, which is that of results on custom splits

	// EgoFromBase places the ground under the rear axle in the ego frame of all
	// vehicles, which tables cannot say; nil if the ego frame is there.
	EgoFromBase *geom.Transform

	sceneByName   map[string]*Scene
	sampleByToken map[string]*Sample
}

// Open reads the tables DIR/VERSION/*.json. It fails with a [*TableError] that
// names the first thing wrong.
func Open(dir, version string) (*Dataset, error) {
	var t tables
	err := t.read(dir, version,
		t.readObjects, t.readSensors, t.readSamples, t.readData, t.readAnnotations,
		t.linkSamples, t.linkData, t.linkAnnotations, t.orderSamples)
	if err != nil {
		return nil, err
	}
	return t.dataset(dir, version), nil
}

// OpenTruth reads what grading a part of a data set needs, which is a small
// share of its tables: scenes, samples, and for the part's samples the
// annotations and the key frame of LIDAR_TOP with its pose. Other measurements,
// and the names and links of files, are not there.
func OpenTruth(dir, version string, part Part) (*Dataset, Split, error) {
	var t tables
	err := t.read(dir, version, t.readObjects, t.readSensors, t.readSamples, t.linkSamples, t.orderSamples)
	if err != nil {
		return nil, Split{}, err
	}
	d := t.dataset(dir, version)
	split, err := d.Part(part)
	if err != nil {
		return nil, Split{}, err
	}
	for _, sample := range d.Samples {
		sample.unread = true
	}
	for _, sample := range split.Samples {
		sample.unread = false
	}
	err = t.read(dir, version, t.readLidar, t.readLidarPoses, t.readAnnotations, t.linkAnnotations)
	return d, split, err
}

// versionsHint lists the folders of dir that hold tables.
func versionsHint(dir string) string {
	found := Versions(dir)
	if len(found) == 0 {
		return ", and no folder beside it is one"
	}
	return fmt.Sprintf("; %s has %s", dir, strings.Join(found, ", "))
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
		Dir: dir, Version: version,
		sceneByName:   make(map[string]*Scene, len(t.scenes.rows)),
		sampleByToken: t.samples.byToken,
	}
	for i := range t.scenes.rows {
		scene := &t.scenes.rows[i]
		d.Scenes = append(d.Scenes, scene)
		d.sceneByName[scene.Name] = scene
	}
	for i := range t.samples.rows {
		d.Samples = append(d.Samples, &t.samples.rows[i])
	}
	return d
}

// Scene returns the scene of that name, nil if there is none.
func (d *Dataset) Scene(name string) *Scene { return d.sceneByName[name] }

// Sample returns the sample with that token, nil if there is none.
func (d *Dataset) Sample(token string) *Sample { return d.sampleByToken[token] }

// Path returns where the file of a measurement lies.
func (d *Dataset) Path(data *SampleData) string {
	return filepath.Join(d.Dir, filepath.FromSlash(data.Filename))
}
