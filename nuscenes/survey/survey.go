package survey

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/nuscenes"
)

// Survey is what is in a data set.
type Survey struct {
	Dataset *nuscenes.Dataset
	Rigs    []Rig // the most frequent first
	Pace    Pace
	Images  Images
	OwnPose int // samples whose cameras have other ego poses than the key frame
	Detect  Ability
	Grade   Ability

	seen map[*nuscenes.Sample]bool // those with an image
}

// Rig is the sensors of some samples.
type Rig struct {
	Cameras []string // with the sizes of their images
	Lidar   string   // channels of other sensors, "" if there are none
	Samples int
	First   string // token of the first sample
}

// Images are the files of the cameras' key frames.
type Images struct {
	All, Absent int
	First       string // path of the first absent one
	Unreadable  int    // that exist
	Why         error  // of the first unreadable one
}

// Ability is what a command can do.
type Ability struct {
	Samples  int      // that it works on; 0 if it stops in every scene
	Skipped  int      // that it passes over: without a camera's image
	Unusable int      // at which it stops
	Why      []string // what is wrong with the latter, or with the data set
}

// Of examines a version of a data set. It fails only if there is no folder of
// tables.
func Of(dir, version string) (*Survey, error) {
	ds, err := nuscenes.Survey(dir, version)
	if err != nil {
		return nil, err
	}
	s := &Survey{Dataset: ds, Pace: paceOf(ds), seen: map[*nuscenes.Sample]bool{}}
	for _, sample := range ds.Samples {
		s.look(sample)
	}
	slices.SortStableFunc(s.Rigs, func(a, b Rig) int { return b.Samples - a.Samples })
	s.Detect, s.Grade = s.detection(), grading(ds)
	return s, nil
}

// Useless returns an error if no command can use the data set.
func (s *Survey) Useless() error {
	if s.Detect.Samples+s.Grade.Samples == 0 {
		return fmt.Errorf("doctor: no command can use %s of %s", s.Dataset.Version, s.Dataset.Dir)
	}
	return nil
}

// look takes in a sample's rig, images and poses.
func (s *Survey) look(sample *nuscenes.Sample) {
	s.count(rigOf(sample), sample)
	key, own := sample.KeyPose(), false
	for _, data := range sample.Cameras() {
		own = own || key != nil && data.EgoPose != nil && data.EgoPose.GlobalFromEgo != key.GlobalFromEgo
		s.Images.All++
		path := s.Dataset.Path(data)
		err := s.Dataset.CheckFile(data)
		switch {
		case data.Filename == "" || errors.Is(err, fs.ErrNotExist):
			s.Images.First = cmp.Or(s.Images.First, path)
			s.Images.Absent++
		case err != nil:
			s.Images.Why = cmp.Or(s.Images.Why, err)
			s.Images.Unreadable++
		default:
			s.seen[sample] = true
		}
	}
	if own {
		s.OwnPose++
	}
}

func (s *Survey) count(rig Rig, sample *nuscenes.Sample) {
	same := slices.IndexFunc(s.Rigs, func(r Rig) bool { return r.Lidar == rig.Lidar && slices.Equal(r.Cameras, rig.Cameras) })
	if same < 0 {
		rig.First = sample.Token
		s.Rigs = append(s.Rigs, rig)
		same = len(s.Rigs) - 1
	}
	s.Rigs[same].Samples++
}

func rigOf(sample *nuscenes.Sample) (rig Rig) {
	cameras := sample.Cameras()
	for _, data := range cameras {
		rig.Cameras = append(rig.Cameras, fmt.Sprintf("%s %d x %d", data.Channel(), data.Width, data.Height))
	}
	var others []string
	for _, data := range sample.KeyFrames() {
		if !slices.Contains(cameras, data) {
			others = append(others, data.Channel())
		}
	}
	rig.Lidar = strings.Join(others, ", ")
	return rig
}

// detection says in which samples replay and trace can detect.
func (s *Survey) detection() Ability {
	if absent := s.Dataset.LacksForDetection(); len(absent) > 0 {
		return Ability{Why: []string{"tables are absent or broken: " + strings.Join(absent, ", ")}}
	}
	withCameras := slices.DeleteFunc(slices.Clone(s.Dataset.Samples), func(sample *nuscenes.Sample) bool { return len(sample.Cameras()) == 0 })
	a := each(withCameras, func(sample *nuscenes.Sample) error {
		_, err := s.Dataset.Rig(sample, nil)
		return err
	})
	if a.Unusable == 0 {
		a.Samples = len(s.seen)
	}
	a.Skipped = len(s.Dataset.Samples) - len(s.seen)
	return a
}

// grading says which samples eval can grade.
func grading(ds *nuscenes.Dataset) Ability {
	if absent := ds.LacksForGrading(); len(absent) > 0 {
		return Ability{Why: []string{"tables are absent or broken: " + strings.Join(absent, ", ")}}
	}
	boxes, others := 0, map[string]bool{}
	a := each(ds.Samples, func(sample *nuscenes.Sample) error {
		for _, box := range sample.Annotations {
			if _, graded := box.Class(); graded {
				boxes++
			} else {
				others[box.Instance.Category.Name] = true
			}
		}
		if err := sample.CheckTruth(); err != nil {
			return err
		}
		if sample.KeyPose() == nil {
			return errors.New("have no key frame, whose ego pose the metric needs")
		}
		return nil
	})
	if boxes == 0 && a.Samples > 0 {
		return Ability{Why: append(a.Why, "there are no boxes of the detection classes"+named(others))}
	}
	return a
}

// named says of which categories boxes are, "" for none.
func named(categories map[string]bool) string {
	if len(categories) == 0 {
		return ""
	}
	names := slices.Sorted(maps.Keys(categories))
	return fmt.Sprintf(", but of %s; want names such as vehicle.car", strings.Join(names[:min(len(names), most)], ", "))
}

// each says for which samples the check has no error, and what the errors of others
// are: one for each field of each table.
func each(samples []*nuscenes.Sample, check func(*nuscenes.Sample) error) (a Ability) {
	type reason struct {
		count int
		first string
	}
	reasons, order := map[string]*reason{}, []string(nil)
	scenes, stops := map[*nuscenes.Scene]bool{}, map[*nuscenes.Scene]bool{}
	for _, sample := range samples {
		scenes[sample.Scene] = true
		err := check(sample)
		if err == nil {
			a.Samples++
			continue
		}
		stops[sample.Scene] = true
		kind := kindOf(err)
		if reasons[kind] == nil {
			reasons[kind] = &reason{first: err.Error()}
			order = append(order, kind)
		}
		reasons[kind].count++
		a.Unusable++
	}
	for _, kind := range order {
		a.Why = append(a.Why, fmt.Sprintf("%d samples: %s", reasons[kind].count, reasons[kind].first))
	}
	if len(stops) == len(scenes) {
		a.Samples = 0
	}
	if len(samples) == 0 {
		a.Why = append(a.Why, "there are no samples for it")
	}
	return a
}

// kindOf returns the place of an error in the tables, or its text.
func kindOf(err error) string {
	var table *nuscenes.TableError
	if errors.As(err, &table) {
		return table.File + " " + table.Field
	}
	return err.Error()
}
