package whole

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFolder makes a folder of the files, by name. One that is there is exchanged
// for it in one step where the file system can do that, and is as it was after an
// error or an interruption before; its other files stay, and it must hold no
// folders. Its parents are made. Errors name the folder.
func WriteFolder(path string, files map[string][]byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if err := writeFolder(path, files); err != nil {
		return named(path, err)
	}
	return nil
}

func writeFolder(path string, files map[string][]byte) error {
	parent := filepath.Dir(path)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	aside, err := os.MkdirTemp(parent, "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(aside) // what was there before, at the end
	made := filepath.Join(aside, "folder")
	if err := os.Mkdir(made, 0o777); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(made, name), content, 0o666); err != nil {
			return err
		}
	}
	there, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.Rename(made, path)
	case err != nil:
		return err
	}
	if err := linkOthers(made, path, there); err != nil {
		return err
	}
	return exchange(made, path)
}

// linkOthers gives the new folder those of the old one's files that it lacks.
func linkOthers(made, path string, there []fs.DirEntry) error {
	for _, e := range there {
		if e.IsDir() {
			return fmt.Errorf("holds the folder %s, want one that holds files only", e.Name())
		}
		err := os.Link(filepath.Join(path, e.Name()), filepath.Join(made, e.Name()))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// swap exchanges two folders in two steps; only an interruption between them leaves
// the second one without its name.
func swap(made, path string) error {
	old := made + ".old"
	if err := os.Rename(path, old); err != nil {
		return err
	}
	if err := os.Rename(made, path); err != nil {
		return errors.Join(err, os.Rename(old, path))
	}
	return nil
}
