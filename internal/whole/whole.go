// Package whole writes files that appear whole or not at all, so that nobody
// reads half a file, and a failed program leaves none.
//
//	err := whole.Write(whole.File{Path: "out/results.json", Write: results.Write})
package whole

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a file to be written.
type File struct {
	Path  string // in a folder that is there
	Write func(io.Writer) error
}

// Text returns what writes a file's content.
func Text(content []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}
}

// Write writes all files or, where it fails, none; only where renaming fails may some
// be there. Errors name the file.
func Write(files ...File) error {
	var parts []string
	defer func() {
		for _, part := range parts {
			os.Remove(part) // those that were not renamed
		}
	}()
	for _, f := range files {
		part, err := write(f)
		if part != "" {
			parts = append(parts, part)
		}
		if err != nil {
			return named(f.Path, err)
		}
	}
	for i, f := range files {
		if err := os.Rename(parts[i], f.Path); err != nil {
			return named(f.Path, err)
		}
	}
	return nil
}

// write writes a file under another name in its folder, which it returns where
// there is one.
func write(f File) (part string, err error) {
	w, err := os.CreateTemp(filepath.Dir(f.Path), "."+filepath.Base(f.Path)+".*")
	if err != nil {
		return "", err
	}
	return w.Name(), cmp.Or(f.Write(w), w.Chmod(0o644), w.Close())
}

// named gives an error the file's name, in place of the one that the system
// knows.
func named(file string, err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr):
		err = pathErr.Err
	case errors.As(err, &linkErr):
		err = linkErr.Err
	}
	return fmt.Errorf("%s: %w", file, err)
}
