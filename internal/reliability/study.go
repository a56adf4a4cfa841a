package reliability

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/pipeline"
)

// Study runs drives through a detector under losses.
type Study struct {
	Detector *pipeline.Detector
	Cache    string // folder of the results, one file for each case and drive
}

// Run detects in a drive under a case, unless that was done before.
func (s *Study) Run(ctx context.Context, d *Drive, c Case) error {
	if s.done(d, c.Name) {
		return nil
	}
	m := s.Detector.NewMemory()
	var moments []*perception.Moment
	for frame := range d.Sets {
		set, err := d.under(c, frame)
		if err != nil {
			return err
		}
		moment, err := s.step(ctx, m, set)
		if err != nil {
			return err
		}
		moments = append(moments, moment)
	}
	return s.keep(d, c.Name, moments)
}

func (s *Study) step(ctx context.Context, m *pipeline.Memory, set *perception.FrameSet) (*perception.Moment, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	result, err := s.Detector.Step(m, set)
	return &perception.Moment{Set: set, Result: result}, err
}

// keep writes the results of a drive.
func (s *Study) keep(d *Drive, name string, moments []*perception.Moment) error {
	rows, err := replay.NewRows(d.Scene.Samples[:len(d.Sets)])
	if err != nil {
		return err
	}
	for _, m := range moments {
		if err := rows.Publish(context.Background(), m); err != nil {
			return err
		}
	}
	file := s.file(d.Scene, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return rows.Results().WriteFile(file)
}

func (s *Study) done(d *Drive, name string) bool {
	_, err := os.Stat(s.file(d.Scene, name))
	return !errors.Is(err, fs.ErrNotExist)
}

func (s *Study) file(scene *nuscenes.Scene, name string) string {
	return filepath.Join(s.Cache, name, scene.Name+".json")
}

// Results returns what was found in the first samples of scenes under a case. It fails
// if one of the scenes was not run.
func (s *Study) Results(name string, scenes []*nuscenes.Scene) (*nuscenes.Results, error) {
	all := &nuscenes.Results{}
	for _, scene := range scenes {
		one, err := nuscenes.ReadResults(s.file(scene, name))
		if err != nil {
			return nil, err
		}
		all.Meta = one.Meta
		all.Samples = append(all.Samples, one.Samples...)
	}
	return all, nil
}
