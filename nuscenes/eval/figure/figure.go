package figure

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/solofusion/solofusion/internal/whole"
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

// save writes a picture's file.
func save(file string, picture io.WriterTo) error {
	err := whole.Write(whole.File{Path: file, Write: func(w io.Writer) error {
		_, err := picture.WriteTo(w)
		return err
	}})
	if err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}
