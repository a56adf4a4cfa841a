package model

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"github.com/solofusion/solofusion/internal/whole"
)

// Files returns the bundle's files but the manifest, by name. The map is the
// caller's, what they hold is not to be modified.
func (b *Bundle) Files() map[string][]byte { return maps.Clone(b.files) }

// New makes a bundle of a manifest and the files, whose SHA-256 it puts into the
// manifest. It is checked as if it were read; the error names the faults.
func New(m Manifest, files map[string][]byte) (*Bundle, error) {
	m.Files = make(map[string]string, len(files))
	for name, data := range files {
		m.Files[name] = hexSum(data)
	}
	text, err := marshal(&m)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", manifestFile, err)
	}
	checked, err := ReadManifest(text)
	if err != nil {
		return nil, err
	}
	b, err := assemble(text, checked, maps.Clone(files))
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	return b, nil
}

func marshal(m *Manifest) ([]byte, error) {
	var text bytes.Buffer
	e := yaml.NewEncoder(&text)
	e.SetIndent(2)
	err := errors.Join(e.Encode(m), e.Close())
	return text.Bytes(), err
}

// Write writes the bundle into a folder that is absent, empty or a bundle's, which
// is as it was after an error or an interruption. Other files in it stay.
func (b *Bundle) Write(folder string) error {
	if err := CheckOut(folder); err != nil {
		return err
	}
	files := b.Files()
	files[manifestFile] = b.text
	if err := whole.WriteFolder(folder, files); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// CheckOut returns an error unless a bundle may be written into the folder.
// Programs ask it before long work.
func CheckOut(folder string) error {
	there, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("model: %s is no folder that can be read, want a new one's name: %w", folder, err)
	}
	_, err = os.Stat(filepath.Join(folder, manifestFile))
	if len(there) > 0 && err != nil {
		return fmt.Errorf("model: %s has files but no %s: want a new, an empty or a bundle's folder", folder, manifestFile)
	}
	return nil
}
