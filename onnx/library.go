package onnx

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// LibraryVariable names the environment variable that gives the library's file.
const LibraryVariable = "SOLOFUSION_ONNXRUNTIME"

// OldestVersion is the oldest ONNX Runtime that can be used: the first with the
// C interface that this program is compiled for.
const OldestVersion = "1.24"

// libraryFolder is where make deps puts the library in a checkout, gpuFolder where
// make deps-cuda puts the build for GPUs.
var (
	libraryFolder = filepath.Join(".deps", "onnxruntime")
	gpuFolder     = filepath.Join(".deps", "onnxruntime-gpu")
)

// ErrNoLibrary is returned if no ONNX Runtime library is found.
var ErrNoLibrary = errors.New("ONNX Runtime is not installed: run make deps, or set " +
	LibraryVariable + " to the file libonnxruntime.so")

// FindLibrary returns the file of the ONNX Runtime library: the one that
// SOLOFUSION_ONNXRUNTIME names, a file or a folder with one, else the one that
// make deps installed in the checkout that holds the executable or the working
// directory. Of several versions in a folder it is the newest that can be used.
// It returns [ErrNoLibrary] if there is none.
func FindLibrary() (string, error) {
	if name := os.Getenv(LibraryVariable); name != "" {
		return named(name)
	}
	for _, start := range starts() {
		file, err := searchUpwards(start)
		if file != "" || err != nil {
			return file, err
		}
	}
	return "", fmt.Errorf("onnx: %w", ErrNoLibrary)
}

// named returns the file that the variable names.
func named(name string) (string, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil && strings.Contains(name, "/"):
		return "", fmt.Errorf("onnx: %s: %w", LibraryVariable, err)
	case err != nil || !info.IsDir():
		return located(name), nil
	}
	file, err := newest(name)
	if file == "" && err == nil {
		err = fmt.Errorf("onnx: %s: no libonnxruntime.so in %s", LibraryVariable, name)
	}
	return file, err
}

// located returns a file's absolute path, since the system's loader looks for a
// name without a slash in its own folders only. There it looks for what is no
// file here.
func located(name string) string {
	if _, err := os.Stat(name); err != nil {
		return name
	}
	if path, err := filepath.Abs(name); err == nil {
		return path
	}
	return name
}

// starts returns the folders of the executable and of the caller.
func starts() []string {
	var folders []string
	if executable, err := os.Executable(); err == nil {
		if resolved, err := filepath.EvalSymlinks(executable); err == nil {
			executable = resolved
		}
		folders = append(folders, filepath.Dir(executable))
	}
	if wd, err := os.Getwd(); err == nil {
		folders = append(folders, wd)
	}
	return folders
}

// searchUpwards looks for the library in dir and its parents; "" if there is
// none.
func searchUpwards(dir string) (string, error) {
	for {
		file, err := newest(filepath.Join(dir, libraryFolder))
		if file != "" || err != nil {
			return file, err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", nil
		}
		dir = parent
	}
}

// upwards returns the folder of that name in dir or its parents, "" if there is none.
func upwards(dir, name string) string {
	for {
		folder := filepath.Join(dir, name)
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			return folder
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// libraryName matches the names of the library's files; the version may lack.
var libraryName = regexp.MustCompile(`^libonnxruntime\.so((?:\.[0-9]+)*)$`)

// newest returns the newest library in a folder that can be used. Others are
// logged. It is "" if there is none at all, and an error if none can be used.
func newest(folder string) (string, error) {
	var reasons []string
	for _, file := range libraries(folder) {
		_, err := probe(file)
		if err == nil {
			if len(reasons) > 0 {
				slog.Warn("passing over an ONNX Runtime that cannot be used", "taken", file, "reason", strings.Join(reasons, "; "))
			}
			return located(file), nil
		}
		reasons = append(reasons, err.Error())
	}
	if len(reasons) > 0 {
		return "", fmt.Errorf("onnx: %s", strings.Join(reasons, "; "))
	}
	return "", nil
}

// libraries returns the library's files in a folder, by version, newest first;
// what the name has no version of comes last.
func libraries(folder string) []string {
	entries, _ := os.ReadDir(folder) // a folder that cannot be read has none
	var files []string
	for _, e := range entries {
		if libraryName.MatchString(e.Name()) {
			files = append(files, filepath.Join(folder, e.Name()))
		}
	}
	slices.SortFunc(files, func(a, b string) int {
		return slices.Compare(numbers(filepath.Base(b)), numbers(filepath.Base(a)))
	})
	return files
}

// numbers returns the version in a file's name or in a text, such as 1, 32, 0.
func numbers(text string) []int {
	if m := libraryName.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	var list []int
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		n, err := strconv.Atoi(field)
		if err != nil {
			break
		}
		list = append(list, n)
	}
	return list
}

// telemetryVariable turns ONNX Runtime's own telemetry off. From 1.29 on it keeps an
// identity of the device in the user's cache folder and reports to its maker.
const telemetryVariable = "ORT_DISABLE_TELEMETRY"

// silence turns the library's telemetry off, unless the user has set the variable. The
// library reads it once.
func silence() error {
	if os.Getenv(telemetryVariable) != "" {
		return nil
	}
	return os.Setenv(telemetryVariable, "1")
}

// probe loads a library file, which sends no telemetry then, and returns its version, an
// error if it is none or too old.
func probe(file string) (string, error) {
	if err := silence(); err != nil {
		return "", err
	}
	version, err := libraryVersion(file)
	if err != nil {
		return "", err
	}
	if slices.Compare(numbers(version), numbers(OldestVersion)) < 0 {
		return "", fmt.Errorf("%s is ONNX Runtime %s, want %s or newer: make deps installs one", file, version, OldestVersion)
	}
	return version, nil
}

// Runtime is the loaded library.
type Runtime struct {
	library string
}

// environment guards the one environment that onnxruntime_go keeps for the
// process, and remembers the library it came from.
var environment struct {
	sync.Mutex
	library string
}

// Open loads the library of that file, or the one of [FindLibrary] if the
// file is "". Later calls share it; naming another file then is an error,
// since a process can load one.
func Open(library string) (*Runtime, error) {
	if library == "" {
		found, err := FindLibrary()
		if err != nil {
			return nil, err
		}
		library = found
	}
	library = located(library)
	environment.Lock()
	defer environment.Unlock()
	if environment.library != "" {
		if environment.library != library {
			return nil, fmt.Errorf("onnx: this process already uses %s, so it cannot use %s", environment.library, library)
		}
		return &Runtime{library: library}, nil
	}
	if _, err := probe(library); err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	// What the library would log comes back as errors.
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return nil, fmt.Errorf("onnx: loading %s: %w", library, err)
	}
	environment.library = library
	return &Runtime{library: library}, nil
}

// Library returns the file that the runtime was loaded from.
func (r *Runtime) Library() string { return r.library }

// Version returns the library's version, for example 1.32.0.
func (r *Runtime) Version() string { return ort.GetVersion() }
