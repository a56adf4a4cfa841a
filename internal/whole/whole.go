// Package whole writes files, and folders of them, that appear whole or not at all, so that nobody
// reads half a file, and a failed program leaves none.
//
//	err := whole.Check("out/results.json", "in/results.json") // before long work
//	err = whole.Write(whole.File{Path: "out/results.json", Write: results.Write})
//	err = whole.WriteFolder("out/bundle", files)              // a folder of them
package whole

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
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

// Write writes all files or, where it fails, none; only where renaming fails may
// some be there. What is there and is no regular file, as /dev/stdout or a pipe, is written
// as it is. Errors name the file.
func Write(files ...File) error {
	var parts []part
	defer func() {
		for _, p := range parts {
			os.Remove(p.name) // those that were not renamed
		}
	}()
	for _, f := range files {
		p, err := write(f)
		if p.name != "" {
			parts = append(parts, p)
		}
		if err != nil {
			return named(f.Path, err)
		}
	}
	for _, p := range parts {
		if err := os.Rename(p.name, p.path); err != nil {
			return named(p.path, err)
		}
	}
	return nil
}

// Check returns an error if a file could not be written, or would take the place of
// one of the inputs; those that do not exist do not matter. Programs ask it before long
// work. It leaves nothing behind.
func Check(path string, inputs ...string) error {
	there, err := os.Stat(path)
	if err == nil {
		for _, input := range inputs {
			if info, err := os.Stat(input); err == nil && os.SameFile(info, there) {
				return named(path, fmt.Errorf("would be written over the input %s, want another file", input))
			}
		}
		if !there.IsDir() && !there.Mode().IsRegular() {
			return nil // opening a pipe has effects
		}
	}
	p, err := write(File{Path: path, Write: Text(nil)})
	if p.name != "" {
		os.Remove(p.name)
	}
	if err != nil {
		return named(path, err)
	}
	return nil
}

// part is a file under another name.
type part struct{ name, path string }

// write writes a file under another name in its folder, behind links if there are any.
// It returns the part where there is one to be renamed.
func write(f File) (p part, err error) {
	path := f.Path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return p, syscall.EISDIR
	case err == nil && !info.Mode().IsRegular():
		name = path
	default:
		p = part{name, path}
	}
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return part{}, err
	}
	return p, cmp.Or(f.Write(w), w.Close())
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
