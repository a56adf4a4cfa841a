package onnx

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
)

// driver is the library that NVIDIA's driver installs.
const driver = "libcuda.so.1"

// preloader loads what libraries need from their own folders, where make deps-cuda puts
// CUDA: the system's loader would not look there, but takes what is loaded.
type preloader struct {
	seen    map[string]bool
	missing []string // what could not be loaded
}

// preload loads what the file of a GPU's provider needs, but not the file itself, which
// only ONNX Runtime can load. It returns what is missing.
func preload(file string) (missing []string) {
	p := preloader{seen: map[string]bool{}}
	p.needs(file)
	p.named(driver)
	for _, pattern := range opened {
		beside, _ := filepath.Glob(filepath.Join(filepath.Dir(file), pattern)) // the patterns are well formed
		for _, library := range beside {
			p.file(library)
		}
	}
	return p.missing
}

// opened are libraries that providers open by name when they need them.
var opened = []string{"libcudnn.so.*", "libnvrtc.so.*"}

// needs loads what a file needs.
func (p *preloader) needs(file string) {
	for _, name := range imports(file) {
		beside := filepath.Join(filepath.Dir(file), name)
		if _, err := os.Stat(beside); err == nil {
			p.file(beside)
		} else {
			p.named(name)
		}
	}
}

// file loads a file after what it needs.
func (p *preloader) file(file string) {
	if p.seen[file] {
		return
	}
	p.seen[file] = true
	p.needs(file)
	p.note(file, unloadable(file))
}

// named loads a library that the system's loader looks for.
func (p *preloader) named(name string) {
	if p.seen[name] {
		return
	}
	p.seen[name] = true
	p.note(name, unloadable(name))
}

// note takes in why a library does not load. What needs one that is missing is not
// missing itself.
func (p *preloader) note(file string, err error) {
	name := filepath.Base(file)
	switch {
	case err == nil:
	case strings.Contains(err.Error(), name+": cannot open"):
		p.missing = append(p.missing, name)
	case len(p.missing) == 0:
		p.missing = append(p.missing, err.Error())
	}
}

// imports returns the names of the libraries that a library needs; none of what is no
// library, which the system's loader will say.
func imports(file string) []string {
	f, err := elf.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.ImportedLibraries()
	return names
}

// lack puts what is missing into a line.
func lack(missing []string) string {
	if len(missing) == 0 {
		return ""
	}
	var tensorrt, others, words []string
	for _, name := range missing {
		switch {
		case name == driver:
			words = append(words, "no NVIDIA driver ("+driver+")")
		case isTensorRT(name):
			tensorrt = append(tensorrt, name)
		default:
			others = append(others, name)
		}
	}
	if len(tensorrt) > 0 {
		words = append(words, "no TensorRT ("+strings.Join(tensorrt, ", ")+")")
	}
	if len(others) > 0 {
		words = append(words, "not found: "+strings.Join(others, ", "))
	}
	return strings.Join(words, "; ")
}
