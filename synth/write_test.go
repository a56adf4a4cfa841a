package synth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	_ "image/jpeg"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var network = &Window{Width: 352, Height: 128, Scale: 0.24, Left: 16, Top: 88}

func render(t *testing.T, o Options) string {
	t.Helper()
	dir := t.TempDir()
	if err := Write(context.Background(), dir, o, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// contents maps each file's path to its bytes.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		files[rel], err = os.ReadFile(p)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSameBytesForAnyNumberOfThreads(t *testing.T) {
	o := Options{Seed: 5, Drives: 2, Frames: 2, Window: network, Depth: true}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := contents(t, render(t, o))
	runtime.GOMAXPROCS(2)
	two := contents(t, render(t, o))
	if len(one) != len(two) || len(one) < 2*2*13 {
		t.Fatalf("%d and %d files", len(one), len(two))
	}
	for name := range one {
		if !bytes.Equal(one[name], two[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestSeedsDiffer(t *testing.T) {
	o := Options{Seed: 5, Drives: 1, Frames: 1, Window: network}
	a := contents(t, render(t, o))
	o.Seed = 6
	b := contents(t, render(t, o))
	for name := range a {
		if _, ok := b[name]; ok && strings.HasPrefix(name, "samples") {
			t.Errorf("both seeds write %s", name)
		}
	}
}

type row map[string]any

func table(t *testing.T, dir, name string) []row {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, Version, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	if err := json.Unmarshal(b, &rows); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return rows
}

// TestTablesReferToEachOther follows every token of every table.
func TestTablesReferToEachOther(t *testing.T) {
	dir := render(t, Options{Seed: 9, Drives: 2, Frames: 2, Rate: 6, Window: network})
	names := []string{
		"attribute", "calibrated_sensor", "category", "ego_pose", "instance", "log", "map", "sample", "sample_annotation",
		"sample_data", "scene", "sensor", "visibility",
	}
	rows, byToken := map[string][]row{}, map[string]map[string]row{}
	for _, n := range names {
		rows[n], byToken[n] = table(t, dir, n), map[string]row{}
		for _, r := range rows[n] {
			k := r["token"].(string)
			if byToken[n][k] != nil {
				t.Errorf("%s: token %s appears twice", n, k)
			}
			if n != "visibility" && len(k) != 32 {
				t.Errorf("%s: token %s has not 32 digits", n, k)
			}
			byToken[n][k] = r
		}
	}
	links := map[string]map[string]string{
		"calibrated_sensor": {"sensor_token": "sensor"},
		"instance":          {"category_token": "category", "first_annotation_token": "sample_annotation", "last_annotation_token": "sample_annotation"},
		"sample":            {"scene_token": "scene", "prev": "sample", "next": "sample"},
		"sample_annotation": {"sample_token": "sample", "instance_token": "instance", "visibility_token": "visibility", "prev": "sample_annotation", "next": "sample_annotation"},
		"sample_data":       {"sample_token": "sample", "ego_pose_token": "ego_pose", "calibrated_sensor_token": "calibrated_sensor", "prev": "sample_data", "next": "sample_data"},
		"scene":             {"log_token": "log", "first_sample_token": "sample", "last_sample_token": "sample"},
	}
	for n, fields := range links {
		for _, r := range rows[n] {
			for field, target := range fields {
				k := r[field].(string)
				if k == "" && (field == "prev" || field == "next") {
					continue
				}
				if byToken[target][k] == nil {
					t.Fatalf("%s %s: %s %q is not in %s", n, r["token"], field, k, target)
				}
				if field == "next" && byToken[target][k]["prev"] != r["token"] {
					t.Errorf("%s %s: its next does not lead back", n, r["token"])
				}
			}
		}
	}
	for _, r := range rows["sample_annotation"] {
		for _, a := range r["attribute_tokens"].([]any) {
			if byToken["attribute"][a.(string)] == nil {
				t.Errorf("annotation %s: attribute %v is unknown", r["token"], a)
			}
		}
	}
	checkFiles(t, dir, rows["sample_data"])
	if got := len(rows["sample_data"]); got != 2*(2+6*(3+1)) {
		t.Errorf("%d sample_data rows", got)
	}
	var splits map[string][]string
	b, err := os.ReadFile(filepath.Join(dir, Version, "splits.json"))
	if err != nil || json.Unmarshal(b, &splits) != nil {
		t.Fatalf("splits.json: %v", err)
	}
	if diff := cmp.Diff(map[string][]string{"all": {"synth-9-0", "synth-9-1"}}, splits); diff != "" {
		t.Error(diff)
	}
}

// checkFiles checks for every file, in the folder of its kind and of its size.
func checkFiles(t *testing.T, dir string, data []row) {
	t.Helper()
	for _, r := range data {
		name := r["filename"].(string)
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if key := r["is_key_frame"].(bool); key != strings.HasPrefix(name, "samples/") {
			t.Errorf("%s: key frame is %v", name, key)
		}
		if r["fileformat"] == "jpg" {
			c, _, err := image.DecodeConfig(f)
			if err != nil || c.Width != 352 || c.Height != 128 || r["width"] != 352.0 || r["height"] != 128.0 {
				t.Errorf("%s: %v, %v", name, c, err)
			}
		} else if s, _ := f.Stat(); s.Size() == 0 || s.Size()%20 != 0 {
			t.Errorf("%s has %d bytes", name, s.Size())
		}
		f.Close()
	}
}

// TestWindowShowsTheResizedImage compares a window with the full image's mean
// over each of its pixels, in place and shifted: in place must fit best.
func TestWindowShowsTheResizedImage(t *testing.T) {
	v := testDrive(3)
	e := exposure{camera: 1}
	full := gray(v.expose(&painter{}, e).rgba)
	const s = 0.25
	w := &Window{Width: 320, Height: 120, Scale: s, Left: 20, Top: 80}
	v.window = w
	small := gray(v.expose(&painter{}, e).rgba)
	worst, best := 0.0, math.Inf(1)
	var at [2]int
	for dy := -2; dy <= 2; dy++ {
		for dx := -2; dx <= 2; dx++ {
			sum, n := 0.0, 0
			for y := 4; y < w.Height-4; y++ {
				for x := 4; x < w.Width-4; x++ {
					sum += math.Abs(small[y][x] - block(full, 4*(x+w.Left)+dx, 4*(y+w.Top)+dy))
					n++
				}
			}
			if m := sum / float64(n); m < best {
				best, at = m, [2]int{dx, dy}
			}
			worst = max(worst, sum/float64(n))
		}
	}
	if at != [2]int{} || best > 4 || worst < best*1.1 {
		t.Errorf("the window fits best %v source pixels away, with an error of %g (worst %g)", at, best, worst)
	}
}

func gray(m *image.RGBA) [][]float64 {
	out := make([][]float64, m.Rect.Dy())
	for y := range out {
		out[y] = make([]float64, m.Rect.Dx())
		for x := range out[y] {
			i := m.PixOffset(x, y)
			out[y][x] = float64(int(m.Pix[i])+int(m.Pix[i+1])+int(m.Pix[i+2])) / 3
		}
	}
	return out
}

func block(g [][]float64, x, y int) float64 {
	sum := 0.0
	for j := range 4 {
		for i := range 4 {
			sum += g[y+j][x+i] / 16
		}
	}
	return sum
}

// TestDepthMeetsTheGround compares depth images with the flat street before
// the front camera, where nothing stands on it.
func TestDepthMeetsTheGround(t *testing.T) {
	dir := render(t, Options{Seed: 5, Drives: 1, Frames: 1, Window: network, Depth: true})
	files, err := filepath.Glob(filepath.Join(dir, "depth", "CAM_FRONT", "*.png"))
	if err != nil || len(files) != 1 {
		t.Fatalf("depth files %v, %v", files, err)
	}
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	g, ok := m.(*image.Gray16)
	if !ok || g.Rect != image.Rect(0, 0, 352, 128) {
		t.Fatalf("depth is a %T of %v", m, m.Bounds())
	}
	// The lowest row looks down by about atan(95/304) from 1.5 m.
	if z := float64(g.Gray16At(176, 127).Y) / 256; z < 4 || z > 6 {
		t.Errorf("the street is %g m ahead at the lower border", z)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{Drives: 0, Frames: 1}, "at least 1"},
		{Options{Drives: 1, Frames: 0}, "at least 1"},
		{Options{Drives: 1, Frames: 1, Rate: 3}, "multiple of 2"},
		{Options{Drives: 1, Frames: 1, Rate: math.NaN()}, "multiple of 2"},
		{Options{Drives: 1, Frames: 1, Jobs: -1}, "jobs"},
		{Options{Drives: 1, Frames: 1, Window: &Window{}}, "window size"},
		{Options{Drives: 1, Frames: 1, Window: &Window{Width: 1, Height: 1}}, "window scale"},
	} {
		err := Write(context.Background(), t.TempDir(), tt.o, nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v does not say %q", tt.o, err, tt.want)
		}
	}
}

func TestParseWindow(t *testing.T) {
	w, err := ParseWindow("352x128@0.24+16+88")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(network, w); diff != "" {
		t.Error(diff)
	}
	for _, s := range []string{"", "352x128", "352x128@0+1+1", "-3x128@0.24+16+88"} {
		if _, err := ParseWindow(s); err == nil {
			t.Errorf("%q is taken for a window", s)
		}
	}
}

func TestWriteStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := Write(ctx, t.TempDir(), Options{Drives: 1, Frames: 4, Window: network}, func(done, total int) {
		if total != 24 {
			t.Errorf("%d images in all", total)
		}
		cancel()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v is not the context's", err)
	}
}

func TestWriteNamesWhatItCannotWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Write(context.Background(), file, Options{Drives: 1, Frames: 1, Window: network}, nil)
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v does not name %s", err, file)
	}
}
