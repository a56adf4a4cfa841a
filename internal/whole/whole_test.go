package whole

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func names(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func TestFilesAreWrittenAndReplaced(t *testing.T) {
	folder := t.TempDir()
	a, b := filepath.Join(folder, "a"), filepath.Join(folder, "b")
	for _, text := range []string{"first", "second"} {
		if err := Write(File{a, Text([]byte(text))}, File{b, Text([]byte("b"))}); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(a); err != nil || string(got) != text {
			t.Errorf("a is %q, %v, want %q", got, err, text)
		}
	}
	if got := names(t, folder); got != "a b" {
		t.Errorf("files %s, want a b", got)
	}
}

func TestLinksAndDevicesStay(t *testing.T) {
	folder := t.TempDir()
	file, link := filepath.Join(folder, "file"), filepath.Join(folder, "link")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second"} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Write(File{link, Text([]byte(text))}); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != text || names(t, folder) != "file link" {
			t.Errorf("file is %q, %v; in the folder %s", got, err, names(t, folder))
		}
	}
	if err := Write(File{os.DevNull, Text([]byte("gone"))}); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s is a regular file now: %v, %v", os.DevNull, info, err)
	}
}

func TestWhereOneFailsNoneIsWritten(t *testing.T) {
	folder := t.TempDir()
	broken := errors.New("broken")
	b := filepath.Join(folder, "b")
	err := Write(File{filepath.Join(folder, "a"), Text([]byte("a"))}, File{b, func(io.Writer) error { return broken }})
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), b+": ") {
		t.Errorf("error %v, want one that names %s", err, b)
	}
	if got := names(t, folder); got != "" {
		t.Errorf("files %q are left", got)
	}
	gone := filepath.Join(folder, "gone", "c")
	if err := Write(File{gone, Text([]byte("c"))}); !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), gone) != 1 {
		t.Errorf("error %v, want one that names %s", err, gone)
	}
	if err := Write(File{folder, Text([]byte("c"))}); err == nil || !strings.HasPrefix(err.Error(), folder+": ") {
		t.Errorf("error %v where a folder is in the way", err)
	}
}

// Check tells before the work what Write would fail of after it, and changes nothing.
func TestCheck(t *testing.T) {
	folder := t.TempDir()
	input, link := filepath.Join(folder, "input"), filepath.Join(folder, "link")
	if err := errors.Join(os.WriteFile(input, []byte("in"), 0o600), os.Symlink("input", link)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(folder, "new"):         "",
		os.DevNull:                           "",
		input:                                "would be written over the input",
		link:                                 "would be written over the input",
		folder:                               "is a directory",
		filepath.Join(folder, "gone", "new"): "no such file or directory",
		filepath.Join(input, "new"):          "not a directory",
	} {
		err := Check(path, filepath.Join(folder, "absent"), input)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
	if err := Check(input); err != nil {
		t.Errorf("a file that is no input: %v", err)
	}
	if got := names(t, folder); got != "input link" {
		t.Errorf("files %s, want input link", got)
	}
	if text, err := os.ReadFile(input); err != nil || string(text) != "in" {
		t.Errorf("the input is %q, %v", text, err)
	}
}
