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

static int inferVersion(void *handle) {
	int (*get)(void) = (int (*)(void))dlsym(handle, "getInferLibVersion");
	return get ? get() : 0;
}

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
	"path/filepath"
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

// tensorRTVersion asks a TensorRT, of that folder or else of the system's, for its
// version; "" if it is none.
func tensorRTVersion(folder, name string) string {
	handle, err := load(filepath.Join(folder, name))
	if err != nil {
		handle, err = load(name)
	}
	if err != nil {
		return ""
	}
	switch n := int(C.inferVersion(handle)); {
	case n == 0:
		return ""
	case n < 10000: // until 9
		return fmt.Sprintf("%d.%d.%d", n/1000, n/100%10, n%100)
	default:
		return fmt.Sprintf("%d.%d.%d", n/10000, n/100%100, n%100)
	}
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
