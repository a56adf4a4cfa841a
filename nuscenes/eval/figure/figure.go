package figure

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/solofusion/solofusion/nuscenes/eval"
)

// Write writes summary.png and one picture for each class with true boxes into
// a folder, which is made if need be. Each file appears whole or not at all.
// Without a spread there are no intervals.
func Write(folder string, m *eval.Metrics, spread *eval.Spread) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	if err := save(filepath.Join(folder, "summary.png"), summary(m, spread)); err != nil {
		return err
	}
	for i := range m.Classes {
		if m.Classes[i].Truth == 0 {
			continue
		}
		file := filepath.Join(folder, m.Classes[i].Class.String()+".png")
		if err := save(file, classPicture(m, spread, i)); err != nil {
			return err
		}
	}
	return nil
}

// save writes a picture under another name and then renames it.
func save(file string, picture io.WriterTo) error {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return saveError(file, err)
	}
	_, err = picture.WriteTo(f)
	if err = cmp.Or(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
		return saveError(file, err)
	}
	return nil
}

// saveError names the file, not the temporary one that the system names.
func saveError(file string, err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr):
		err = pathErr.Err
	case errors.As(err, &linkErr):
		err = linkErr.Err
	}
	return fmt.Errorf("figure: %s: %w", file, err)
}
