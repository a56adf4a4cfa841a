package onnx

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

// The head of onnxruntime_c_api.h that all versions share.
typedef struct {
	const void *(*GetApi)(uint32_t version);
	const char *(*GetVersionString)(void);
} apiBase;

static const char *libraryVersion(void *handle) {
	const apiBase *(*get)(void) = (const apiBase *(*)(void))dlsym(handle, "OrtGetApiBase");
	const apiBase *base = get ? get() : 0;
	return base ? base->GetVersionString() : 0;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// libraryVersion loads a library and asks for its version. It stays loaded, here
// and in unloadable: libraries of drivers do not all survive it otherwise.
func libraryVersion(file string) (string, error) {
	handle, err := load(file)
	if err != nil {
		return "", fmt.Errorf("loading %w", err)
	}
	version := C.libraryVersion(handle)
	if version == nil {
		return "", fmt.Errorf("%s is not ONNX Runtime: it lacks OrtGetApiBase", file)
	}
	return C.GoString(version), nil
}

// unloadable returns why the system's loader refuses a library: which of those
// that it needs is missing. It is nil if it takes it.
func unloadable(file string) error {
	_, err := load(file)
	return err
}

func load(file string) (unsafe.Pointer, error) {
	name := C.CString(file)
	defer C.free(unsafe.Pointer(name))
	handle := C.dlopen(name, C.RTLD_LAZY|C.RTLD_LOCAL)
	if handle == nil {
		text := C.GoString(C.dlerror())
		if !strings.Contains(text, file) {
			text = file + ": " + text
		}
		return nil, errors.New(text)
	}
	return handle, nil
}
