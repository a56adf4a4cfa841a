package replay

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUnreadableImages: what cannot be opened is skipped, counted and named, and the
// other images are sent.
func TestUnreadableImages(t *testing.T) {
	for name, replace := range map[string]func(file string) error{
		"folder": func(file string) error { return os.Mkdir(file, 0o755) },
		"pipe":   func(file string) error { return syscall.Mkfifo(file, 0o644) },
		"loop":   func(file string) error { return os.Symlink(filepath.Base(file), file) },
	} {
		ds := openTiny(t, true)
		file := ds.Path(ds.Samples[0].Key("CAM_BACK"))
		if err := errors.Join(os.Remove(file), replace(file)); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		s := newSource(t, ds, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		drain(t, s)
		got := s.Stats()
		if got.Unreadable["CAM_BACK"] != 1 || total(got.Unreadable) != 1 || total(got.Absent) != 0 || got.Frames != total(got.Images)-1 {
			t.Errorf("%s: stats %+v", name, got)
		}
		if !strings.Contains(got.WhyUnreadable, file) || !strings.Contains(log.String(), "cannot be read") || !strings.Contains(log.String(), file) {
			t.Errorf("%s: %q, log:\n%s", name, got.WhyUnreadable, log.String())
		}
		want := "; 1 unreadable (CAM_BACK 1): " + got.WhyUnreadable
		if line := new(Usage).Describe(got, ""); !strings.Contains(line, want) {
			t.Errorf("%s: %q lacks %q", name, line, want)
		}
	}
}
