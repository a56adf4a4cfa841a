package whole

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// contents returns a folder's files with what they hold, and the names beside it.
func contents(t *testing.T, path string) string {
	t.Helper()
	var list []string
	for _, e := range entries(t, path) {
		data, err := os.ReadFile(filepath.Join(path, e))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e+"="+string(data))
	}
	return fmt.Sprint(list, " beside ", entries(t, filepath.Dir(path)))
}

func entries(t *testing.T, path string) []string {
	t.Helper()
	list, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestWriteFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in", "bundle")
	for _, step := range []struct {
		files map[string][]byte
		want  string
	}{
		{map[string][]byte{"a": []byte("1"), "b": []byte("2")}, "[a=1 b=2] beside [bundle]"},
		{map[string][]byte{"a": []byte("3"), "c": nil}, "[a=3 b=2 c=] beside [bundle]"},
	} {
		if err := WriteFolder(path, step.files); err != nil {
			t.Fatal(err)
		}
		if got := contents(t, path); got != step.want {
			t.Errorf("%s, want %s", got, step.want)
		}
	}
}

func TestWriteFolderLeavesTheOldOneAfterAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bundle")
	if err := WriteFolder(path, map[string][]byte{"a": []byte("1")}); err != nil {
		t.Fatal(err)
	}
	err := WriteFolder(path, map[string][]byte{"a": []byte("2"), "no/such": nil})
	if err == nil || !strings.Contains(err.Error(), "bundle") {
		t.Errorf("error %v, want one with the folder's name", err)
	}
	if got, want := contents(t, path), "[a=1] beside [bundle]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	file := filepath.Join(path, "a")
	if err := WriteFolder(file, nil); err == nil || contents(t, path) != "[a=1] beside [bundle]" {
		t.Errorf("error %v for the name of a file", err)
	}
	if err := os.Mkdir(filepath.Join(path, "d"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := WriteFolder(path, nil); err == nil || !strings.Contains(err.Error(), "holds the folder d") {
		t.Errorf("error %v for a folder with folders", err)
	}
}

func TestWriteFolderBehindALink(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "bundle"), filepath.Join(dir, "link")
	if err := WriteFolder(path, map[string][]byte{"a": []byte("1")}); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("bundle", link); err != nil {
		t.Fatal(err)
	}
	if err := WriteFolder(link, map[string][]byte{"a": []byte("2")}); err != nil {
		t.Fatal(err)
	}
	if got, want := contents(t, path), "[a=2] beside [bundle link]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSwap(t *testing.T) {
	dir := t.TempDir()
	made, path := filepath.Join(dir, "made"), filepath.Join(dir, "path")
	for _, folder := range []string{made, path} {
		if err := WriteFolder(folder, map[string][]byte{filepath.Base(folder): nil}); err != nil {
			t.Fatal(err)
		}
	}
	if err := swap(made, path); err != nil {
		t.Fatal(err)
	}
	if got, want := contents(t, path), "[made=] beside [made.old path]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := swap(filepath.Join(dir, "absent"), path); err == nil || contents(t, path) != "[made=] beside [made.old path]" {
		t.Errorf("error %v, folder %s", err, contents(t, path))
	}
}
