package main

import (
	"fmt"
	"strings"

	"github.com/solofusion/solofusion/nuscenes"
)

// openDataset opens a version of a data set. With an empty version the folder must
// have exactly one.
func openDataset(dir, version string) (*nuscenes.Dataset, error) {
	version, err := versionOf(dir, version)
	if err != nil {
		return nil, err
	}
	return nuscenes.Open(dir, version)
}

// versionOf returns the version, or the only one of the folder if it is empty.
func versionOf(dir, version string) (string, error) {
	if version != "" {
		return version, nil
	}
	switch versions := nuscenes.Versions(dir); len(versions) {
	case 0:
		return "", fmt.Errorf("%s holds no folder with nuScenes tables (sample.json and others)", dir)
	case 1:
		return versions[0], nil
	default:
		return "", fmt.Errorf("%s has %s: choose one with --dataset-version", dir, strings.Join(versions, ", "))
	}
}

// scenesOf returns the named scenes, or all scenes if names is empty.
func scenesOf(ds *nuscenes.Dataset, names []string) ([]*nuscenes.Scene, error) {
	if len(names) == 0 {
		return ds.Scenes, nil
	}
	var scenes []*nuscenes.Scene
	for _, name := range names {
		scene := ds.Scene(name)
		if scene == nil {
			return nil, fmt.Errorf("%s has no scene %q", ds.Version, name)
		}
		scenes = append(scenes, scene)
	}
	return scenes, nil
}
