package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// LibraryVariable names the environment variable that gives the library's file.
const LibraryVariable = "SOLOFUSION_ONNXRUNTIME"

// libraryPattern is where make deps puts the library in a checkout.
var libraryPattern = filepath.Join(".deps", "onnxruntime", "libonnxruntime.so.*")

// ErrNoLibrary is returned if no ONNX Runtime library is found.
var ErrNoLibrary = errors.New("ONNX Runtime is not installed: run make deps, or set " +
	LibraryVariable + " to the file libonnxruntime.so")

// FindLibrary returns the file of the ONNX Runtime library: the one that
// SOLOFUSION_ONNXRUNTIME names, else the one that make deps installed in the
// checkout that holds the executable or the working directory. It returns
// [ErrNoLibrary] if there is none.
func FindLibrary() (string, error) {
	if file := os.Getenv(LibraryVariable); file != "" {
		if _, err := os.Stat(file); err != nil {
			return "", fmt.Errorf("onnx: %s: %w", LibraryVariable, err)
		}
		return file, nil
	}
	var starts []string
	if executable, err := os.Executable(); err == nil {
		if resolved, err := filepath.EvalSymlinks(executable); err == nil {
			executable = resolved
		}
		starts = append(starts, filepath.Dir(executable))
	}
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	for _, start := range starts {
		if file := searchUpwards(start); file != "" {
			return file, nil
		}
	}
	return "", fmt.Errorf("onnx: %w", ErrNoLibrary)
}

// searchUpwards looks for the library in dir and its parents; "" if there
// is none. Of several versions it takes the last by name.
func searchUpwards(dir string) string {
	for {
		files, _ := filepath.Glob(filepath.Join(dir, libraryPattern)) // errs on bad patterns only
		if len(files) > 0 {
			return files[len(files)-1]
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
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
	environment.Lock()
	defer environment.Unlock()
	if environment.library != "" {
		if environment.library != library {
			return nil, fmt.Errorf("onnx: this process already uses %s, so it cannot use %s", environment.library, library)
		}
		return &Runtime{library: library}, nil
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
