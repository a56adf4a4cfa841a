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

// A provider that does not load is named with the libraries that it lacks, in a line. What
// lies beside it is found, and what that needs.
func TestProvidersNameWhatTheyLack(t *testing.T) {
	folder := t.TempDir()
	library := func(name string, needs ...string) {
		flags := []string{"-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", "-Wl,-soname," + name}
		for _, n := range needs {
			flags = append(flags, filepath.Join(folder, n))
		}
		compile(t, filepath.Join(folder, name), "int "+strings.NewReplacer(".", "_").Replace(name)+"(void) { return 0; }", flags...)
	}
	remove := func(name string) {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	library("libcuda.so.1")
	library("libabsent.so.3")
	library("libdeep.so.13", "libabsent.so.3")
	library("libcublas.so.13", "libdeep.so.13")
	library("libnvinfer.so.10")
	library("libonnxruntime_providers_cuda.so", "libcublas.so.13", "libcuda.so.1")
	library("libonnxruntime_providers_tensorrt.so", "libcublas.so.13", "libnvinfer.so.10")
	remove("libcuda.so.1")
	remove("libnvinfer.so.10")
	beside := filepath.Join(folder, "libonnxruntime.so")
	const absent = "; not found: libabsent.so.3"
	remove("libabsent.so.3")
	for provider, want := range map[string]string{
		"cuda":     "no NVIDIA driver (libcuda.so.1)",
		"tensorrt": "no NVIDIA driver (libcuda.so.1); no TensorRT (libnvinfer.so.10)",
	} {
		if got := onnx.Lacking(beside, provider); got != want+absent {
			t.Errorf("%s: %q, want %q", provider, got, want+absent)
		}
	}
	library("libabsent.so.3")
	if got, want := onnx.Lacking(beside, "cuda"), "no NVIDIA driver (libcuda.so.1)"; got != want {
		t.Errorf("with what lies beside it: %q, want %q", got, want)
	}
	if got := onnx.Lacking("libonnxruntime.so", "cuda"); got != "" {
		t.Errorf("of a library at an unknown place: %q", got)
	}
}

// The installed build for GPUs is told of.
func TestABuildWithoutAProviderNamesTheRemedy(t *testing.T) {
	folder := checkout(t)
	stub(t, filepath.Join(folder, "libonnxruntime.so"), "1.30.0")
	beside := filepath.Join(folder, "libonnxruntime.so")
	if got, want := onnx.Lacking(beside, "cuda"), beside+" is a build without cuda: make deps-cuda installs one"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := os.Mkdir(folder+"-gpu", 0o755); err != nil {
		t.Fatal(err)
	}
	if got, want := onnx.Lacking(beside, "cuda"), beside+" is a build without cuda: set "+onnx.LibraryVariable+"="+folder+"-gpu"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TensorRT is asked for its version, which 10.3 must not be above.
func TestOldTensorRTIsRefused(t *testing.T) {
	for _, tt := range []struct {
		number  int
		version string
		refused bool
	}{
		{8601, "8.6.1", true}, {100205, "10.2.5", true}, {100300, "10.3.0", false}, {101611, "10.16.11", false},
	} {
		folder := t.TempDir()
		nvinfer := filepath.Join(folder, "libnvinfer.so.10")
		compile(t, nvinfer, fmt.Sprintf("int getInferLibVersion(void) { return %d; }", tt.number), "-Wl,-soname,"+filepath.Base(folder)+".so.10")
		if got := onnx.TensorRTVersion(folder, "libnvinfer.so.10"); got != tt.version {
			t.Errorf("%d is version %q, want %s", tt.number, got, tt.version)
		}
		if err := onnx.CheckTensorRT(tt.version); (err != nil) != tt.refused {
			t.Errorf("%s: error %v", tt.version, err)
		}
	}
	wantError(t, onnx.CheckTensorRT("8.6.1"), "TensorRT is 8.6.1, want 10.3 or newer")
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
