package nuscenes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/nuscenes/internal/filekind"
)

// newTables finds the folder of a version's tables, which has the required ones. The
// purpose is what they are required for.
func newTables(dir, version, purpose string, required []string) (*tables, error) {
	t := &tables{folder: filepath.Join(dir, version), required: map[string]bool{}, counts: map[string]int{}}
	if info, err := os.Stat(t.folder); err != nil || !info.IsDir() {
		return nil, wrongFolder(dir, t.folder)
	}
	var absent []string
	for _, table := range required {
		t.required[table] = true
		if _, err := os.Stat(t.file(table)); errors.Is(err, fs.ErrNotExist) {
			absent = append(absent, table+".json")
		}
	}
	if len(absent) > 0 {
		return nil, fmt.Errorf("nuscenes: %s lacks tables that %s needs: %s: no such file", t.folder, purpose, strings.Join(absent, ", "))
	}
	return t, nil
}

// wrongFolder says what is wrong with the folder of a data set that has no folder of
// tables where it should be.
func wrongFolder(dir, folder string) error {
	if err := CheckFolder(dir); err != nil {
		return err
	}
	found := Versions(dir)
	if len(found) == 0 {
		return fmt.Errorf("nuscenes: %s is no folder of tables, and no folder beside it is one%s", folder, setsBelow(dir))
	}
	return fmt.Errorf("nuscenes: %s is no folder of tables; %s has %s", folder, dir, strings.Join(found, ", "))
}

// OnlyVersion returns the name of dir's only folder of tables. The error says what
// would be right if there is none, or if there are several.
func OnlyVersion(dir string) (string, error) {
	if err := CheckFolder(dir); err != nil {
		return "", err
	}
	switch versions := Versions(dir); len(versions) {
	case 0:
		return "", fmt.Errorf("nuscenes: %s holds no folder with nuScenes tables (sample.json and others)%s", dir, setsBelow(dir))
	case 1:
		return versions[0], nil
	default:
		return "", fmt.Errorf("nuscenes: %s has %s: choose one with --dataset-version", dir, strings.Join(versions, ", "))
	}
}

// CheckFolder returns an error if dir is not a folder that may hold those of versions,
// which says what would be right: it is a file, or a folder of tables itself.
func CheckFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("nuscenes: %s is no folder of tables, and no folder beside it is one: no such folder", dir)
		}
		return fmt.Errorf("nuscenes: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("nuscenes: %s is %s, want the data set's folder, unpacked", dir, kindOfFile(dir))
	}
	if _, err := os.Stat(filepath.Join(dir, "sample.json")); err == nil {
		whole, err := filepath.Abs(dir)
		if err != nil {
			whole = dir
		}
		return fmt.Errorf("nuscenes: %s is the folder of the tables themselves: give the one above it, %s, and the version %s",
			dir, filepath.Dir(whole), filepath.Base(whole))
	}
	return nil
}

// setsBelow names the data sets in folders of dir, "" if there is none.
func setsBelow(dir string) string {
	found, _ := fs.Glob(os.DirFS(dir), "*/*/sample.json") // errs on bad patterns only
	var sets []string
	for _, file := range found {
		set, _, _ := strings.Cut(file, "/")
		sets = append(sets, filepath.Join(dir, set))
	}
	switch sets = slices.Compact(sets); len(sets) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(" (%s is a data set)", sets[0])
	}
	return fmt.Sprintf(" (%s are data sets: give one)", firstFew(sets))
}

func kindOfFile(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return "a file"
	}
	defer f.Close()
	head := make([]byte, filekind.Head)
	n, _ := f.Read(head)
	if kind := filekind.Kind(head[:n]); kind != "" {
		return kind
	}
	return "a file"
}
