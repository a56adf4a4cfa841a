package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/nuscenes"
)

// openDataset opens a version of a data set, and warns of what reading it passed
// over. With an empty version the folder must have exactly one.
func openDataset(dir, version string) (*nuscenes.Dataset, error) {
	version, err := versionOf(dir, version)
	if err != nil {
		return nil, err
	}
	ds, err := nuscenes.Open(dir, version)
	if err != nil {
		return nil, err
	}
	warnOfFindings(ds)
	return ds, nil
}

// versionOf returns the version, or the only one of the folder if it is empty.
func versionOf(dir, version string) (string, error) {
	if version != "" {
		return version, nil
	}
	return nuscenes.OnlyVersion(dir)
}

// warnOfFindings logs what reading a data set passed over.
func warnOfFindings(ds *nuscenes.Dataset) {
	if len(ds.Findings) > 0 {
		slog.Warn("faults in "+ds.Version+" were passed over", ds.Findings.Attrs()...)
	}
}

// warnOfAbsentScenes logs that a split is incomplete.
func warnOfAbsentScenes(ds *nuscenes.Dataset, split nuscenes.Split) {
	if n := len(split.Absent); n > 0 {
		slog.Warn("scenes of the split are absent from the data set", "split", split.Name, "count", n, "first", split.Absent[0], "version", ds.Version)
	}
}

// scenesOf returns the scenes of those names or tokens, or all scenes if there are
// none.
func scenesOf(ds *nuscenes.Dataset, names []string) ([]*nuscenes.Scene, error) {
	if len(names) == 0 {
		return ds.Scenes, nil
	}
	var scenes []*nuscenes.Scene
	for _, name := range names {
		scene, err := sceneOf(ds, name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(scenes, scene) {
			return nil, fmt.Errorf("--scenes has scene %q twice", name)
		}
		scenes = append(scenes, scene)
	}
	return scenes, nil
}

// sceneOf returns the scene of a name, or else of a token.
func sceneOf(ds *nuscenes.Dataset, name string) (*nuscenes.Scene, error) {
	var named, tokens []*nuscenes.Scene
	for _, scene := range ds.Scenes {
		if scene.Name == name {
			named = append(named, scene)
		}
		if scene.Token == name {
			tokens = append(tokens, scene)
		}
	}
	switch {
	case len(named) > 1:
		return nil, fmt.Errorf("%s has %d scenes of the name %q: choose by token, %s",
			ds.Version, len(named), name, tokensOf(named))
	case len(named) == 1:
		return named[0], nil
	case len(tokens) > 0:
		return tokens[0], nil
	}
	return nil, fmt.Errorf("%s has no scene %q", ds.Version, name)
}

func tokensOf(scenes []*nuscenes.Scene) string {
	var tokens []string
	for _, scene := range scenes {
		tokens = append(tokens, scene.Token)
	}
	return strings.Join(tokens, " or ")
}
