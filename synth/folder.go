package synth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// claim prepares dir for the drives. Two runs must not mix there: it returns an
// error if a folder of the data set has a file that the options do not write over.
// It removes the table of scenes, so that an interrupted run leaves no data set.
func claim(dir string, o *Options) error {
	ours := files(o)
	check := func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("synth: %w", err)
		}
		if entry.IsDir() {
			return nil
		}
		if name, err := filepath.Rel(dir, path); err != nil || !ours[filepath.ToSlash(name)] {
			return fmt.Errorf("synth: %s is of another data set: want a new folder, or one that was rendered with the same options", path)
		}
		return nil
	}
	for _, folder := range []string{"samples", "sweeps", "depth", "maps"} {
		if err := filepath.WalkDir(filepath.Join(dir, folder), check); err != nil {
			return err
		}
	}
	scenes := filepath.Join(dir, Version, "scene.json")
	if err := os.Remove(scenes); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("synth: %w", err)
	}
	return nil
}

// files returns the paths below the data set's folder of all files but the tables.
func files(o *Options) map[string]bool {
	all := map[string]bool{mapFile(o.Seed): true}
	for n := range o.Drives {
		v := outline(o, n, newDice(o.Seed, uint64(n)))
		for f := range v.frames {
			all[v.lidarFile(f)] = true
		}
		for _, e := range v.exposures() {
			all[v.imageFile(e)] = true
			if o.Depth {
				all[v.depthFile(e)] = true
			}
		}
	}
	return all
}
