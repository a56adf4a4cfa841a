package archtest

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestImports(t *testing.T) {
	packages, edges := load(t)
	if len(packages) < 5 || len(edges) < 20 {
		t.Fatalf("read only %d packages and %d imports", len(packages), len(edges))
	}
	for _, name := range unplaced(packages) {
		t.Errorf("%s is in no layer: give it its place in internal/archtest/table.go", name)
	}
	for _, fault := range faults(edges) {
		t.Error(fault)
	}
}

// load returns the module's packages and the imports of their files, those of
// other platforms and build tags included, tests not.
func load(t *testing.T) (packages []string, edges []edge) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-find", "-json=ImportPath,Dir,GoFiles,CgoFiles,IgnoredGoFiles", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir                   string
			GoFiles, CgoFiles, IgnoredGoFiles []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, edges
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		name := relative(p.ImportPath)
		files := slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles)
		files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
		if len(files) > 0 {
			packages = append(packages, name)
		}
		for _, f := range files {
			edges = append(edges, importsOf(t, root, name, filepath.Join(p.Dir, f))...)
		}
	}
}

func importsOf(t *testing.T, root, from, file string) []edge {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	short, err := filepath.Rel(root, file)
	if err != nil {
		t.Fatal(err)
	}
	var edges []edge
	for _, spec := range syntax.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		edges = append(edges, edge{from, short, relative(path)})
	}
	return edges
}

func relative(path string) string { return strings.TrimPrefix(path, module+"/") }

func TestFaults(t *testing.T) {
	for _, tt := range []struct{ from, to, want string }{
		{"cmd/solofusion", "perception/pipeline", ""},
		{"perception/decode", "perception", ""},
		{"stereo", "stereo/internal/kernel", ""},
		{"stereo/internal/kernel", "tensor", ""},
		{"examples/watch-detections", "bus", ""},
		{"bus", "github.com/nats-io/nats.go/jetstream", ""},
		{"geom", "math", ""},
		{"perception", "perception/decode", "perception/decode is not below perception"},
		{"perception/decode", "perception/lift", "perception/lift is not below perception/decode"},
		{"bus", "internal/service", "internal/service is not below bus"},
		{"stereo/internal/kernel", "onnx", "onnx is not below stereo"},
		{"model", "internal/golden", "test files only"},
		{"internal/service", "github.com/nats-io/nats.go", "only bus imports NATS"},
		{"model", "google.golang.org/protobuf/proto", "only bus and onnx/graph import protobuf"},
		{"perception/pipeline", "github.com/yalue/onnxruntime_go", "only onnx imports ONNX Runtime"},
		{"nuscenes", "gocv.io/x/gocv", "OpenCV"},
		{"nuscenes/eval", "gonum.org/v1/gonum/stat", ""},
		{"nuscenes/eval", "gonum.org/v1/plot", "drawing belongs to the figures"},
		{"nuscenes/eval", "perception/decode", "does not import the detector"},
		{"history", "perception", "history does not import perception"},
		{"stereo/internal/kernel", "perception", "stereo does not import perception"},
		{"onnx", "perception", "onnx runs any graph"},
	} {
		got := strings.Join(faults([]edge{{tt.from, "f.go", tt.to}}), "\n")
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s to %s: %q, want %q", tt.from, tt.to, got, tt.want)
		}
	}
}

func TestUnplaced(t *testing.T) {
	got := unplaced([]string{"geom", "util", "stereo/internal/kernel", "internal/golden", "examples/new"})
	if !slices.Equal(got, []string{"util"}) {
		t.Errorf("unplaced %v, want util", got)
	}
}
