package onnx_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/onnx"
)

// stub compiles a library that says it is ONNX Runtime of that version.
func stub(t *testing.T, file, version string) {
	t.Helper()
	source := fmt.Sprintf(`
static const void *get(unsigned version) { return 0; }
static const char *name(void) { return "%s"; }
static const struct { const void *(*get)(unsigned); const char *(*name)(void); } base = {get, name};
const void *OrtGetApiBase(void) { return &base; }`, version)
	compile(t, file, source)
}

// compile makes a shared library of C source.
func compile(t *testing.T, file, source string, flags ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("gcc", append([]string{"-shared", "-fPIC", "-o", file, "-x", "c", "-", "-x", "none"}, flags...)...)
	c.Stdin = strings.NewReader(source)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
}

// checkout returns a folder with a working directory below it, which is made the
// current one, and the folder of its libraries.
func checkout(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	below := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	t.Setenv(onnx.LibraryVariable, "")
	return filepath.Join(root, ".deps", "onnxruntime")
}

func TestTheNewestUsableLibraryIsFound(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string // to their versions; what is no library has none
		want  string
	}{
		{"numbers, not text", map[string]string{"libonnxruntime.so.1.100.0": "1.100.0", "libonnxruntime.so.1.99.0": "1.99.0"}, "libonnxruntime.so.1.100.0"},
		{"the newest is cut short", map[string]string{"libonnxruntime.so.1.40.0": "", "libonnxruntime.so.1.30.0": "1.30.0"}, "libonnxruntime.so.1.30.0"},
		{"others beside it", map[string]string{
			"libonnxruntime.so.1.30.0": "1.30.0", "libonnxruntime.so.1.40.0.bak": "1.40.0", "libonnxruntime.so.sha256": "", "libonnxruntime_providers_shared.so": "",
		}, "libonnxruntime.so.1.30.0"},
		{"a name without version", map[string]string{"libonnxruntime.so": "1.30.0"}, "libonnxruntime.so"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := checkout(t)
			for name, version := range tt.files {
				file := filepath.Join(folder, name)
				if version != "" {
					stub(t, file, version)
				} else if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(file, nil, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			want := filepath.Join(folder, tt.want)
			if got, err := onnx.FindLibrary(); err != nil || got != want {
				t.Errorf("%q, %v; want %q", got, err, want)
			}
			t.Setenv(onnx.LibraryVariable, folder)
			if got, err := onnx.FindLibrary(); err != nil || got != want {
				t.Errorf("by the folder's name: %q, %v; want %q", got, err, want)
			}
		})
	}
}

func TestUnusableLibrariesAreNamed(t *testing.T) {
	folder := checkout(t)
	if _, err := onnx.FindLibrary(); !errors.Is(err, onnx.ErrNoLibrary) {
		t.Errorf("without a library: %v", err)
	}
	stub(t, filepath.Join(folder, "libonnxruntime.so.1.9.0"), "1.9.0")
	stub(t, filepath.Join(folder, "libonnxruntime.so.1.23.2"), "1.23.2")
	_, err := onnx.FindLibrary()
	wantError(t, err, "libonnxruntime.so.1.23.2 is ONNX Runtime 1.23.2, want "+onnx.OldestVersion+" or newer")
	wantError(t, err, "libonnxruntime.so.1.9.0 is ONNX Runtime 1.9.0")

	compile(t, filepath.Join(folder, "libonnxruntime.so.2.0"), "int x;")
	_, err = onnx.FindLibrary()
	wantError(t, err, "libonnxruntime.so.2.0 is not ONNX Runtime: it lacks OrtGetApiBase")
}

func TestTheVariableNamesAFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("lib.so", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	want, err := filepath.Abs("lib.so")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lib.so", "./lib.so", want} {
		t.Setenv(onnx.LibraryVariable, name)
		if got, err := onnx.FindLibrary(); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	t.Setenv(onnx.LibraryVariable, "libonnxruntime.so") // left to the system's loader
	if got, err := onnx.FindLibrary(); err != nil || got != "libonnxruntime.so" {
		t.Errorf("a name that is no file: %q, %v", got, err)
	}
	for name, want := range map[string]string{"./absent.so": "no such file", ".": "no libonnxruntime.so in ."} {
		t.Setenv(onnx.LibraryVariable, name)
		_, err := onnx.FindLibrary()
		wantError(t, err, onnx.LibraryVariable)
		wantError(t, err, want)
	}
}

// A provider that does not load is named with the library that it lacks.
func TestProvidersNameWhatTheyLack(t *testing.T) {
	rt := open(t)
	if rt.Available("cuda") == nil {
		t.Skip("this library has CUDA")
	}
	wantError(t, rt.Available("cuda"), "has no libonnxruntime_providers_cuda.so beside it: it is a build without cuda")

	folder := t.TempDir()
	compile(t, filepath.Join(folder, "libcudnn.so.9"), "int cudnn(void) { return 0; }", "-Wl,-soname,libcudnn.so.9")
	compile(t, filepath.Join(folder, "libonnxruntime_providers_cuda.so"), "int cudnn(void); int x(void) { return cudnn(); }",
		filepath.Join(folder, "libcudnn.so.9"))
	if err := os.Remove(filepath.Join(folder, "libcudnn.so.9")); err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(folder, "libonnxruntime.so")
	if got := onnx.Lacking(beside, "cuda"); !strings.Contains(got, "libcudnn.so.9") || !strings.Contains(got, "cannot open") {
		t.Errorf("%q does not name libcudnn.so.9", got)
	}
	if got := onnx.Lacking("libonnxruntime.so", "cuda"); got != "" {
		t.Errorf("of a library at an unknown place: %q", got)
	}
}

func TestLibraryFallsBackWithAWord(t *testing.T) {
	var log strings.Builder
	previous := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(previous)
	folder := checkout(t)
	stub(t, filepath.Join(folder, "libonnxruntime.so.1.30.0"), "1.30.0")
	if err := os.WriteFile(filepath.Join(folder, "libonnxruntime.so.1.31.0"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := onnx.FindLibrary(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "passing over an ONNX Runtime") || !strings.Contains(log.String(), "1.31.0") {
		t.Errorf("the log lacks why: %s", log.String())
	}
}
