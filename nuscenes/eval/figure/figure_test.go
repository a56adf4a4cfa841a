package figure

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
	"github.com/solofusion/solofusion/perception"
)

// detector is how a class of the simulated results fares.
type detector struct {
	class    string
	noise    float64 // of centres, metres
	misses   float64 // share of the true boxes that are not found
	velocity float64 // found; the length of 1e200 overflows
	absent   bool    // no true boxes
}

var detectors = []detector{
	{class: "car", noise: 0.7, misses: 0.3},
	{class: "truck", noise: 1.5, velocity: 1e200},
	{class: "bus", misses: 1},
	{class: "trailer", absent: true},
	{class: "pedestrian", noise: 1e-17, velocity: 1e150},
	{class: "motorcycle", noise: 0.5, misses: 0.88},
	{class: "traffic_cone", noise: 0.3, misses: 0.5},
}

// frames are of as many scenes as intervals need.
func frames() (list []eval.Frame) {
	dice := rand.New(rand.NewPCG(1, 2))
	for scene := range eval.MinScenes {
		sample := &nuscenes.Sample{Scene: &nuscenes.Scene{Name: fmt.Sprint(scene), Token: fmt.Sprint(scene)}}
		for range 4 {
			frame := eval.Frame{Sample: sample}
			for _, d := range detectors {
				d.add(&frame, dice)
			}
			list = append(list, frame)
		}
	}
	return list
}

func (d detector) add(frame *eval.Frame, dice *rand.Rand) {
	class, _ := perception.ParseClass(d.class)
	for i := range 6 {
		center, size, rotation := geom.Vec3{float64(20 * i), 0, 0}, geom.Vec3{1, 2, 1}, geom.Quat{W: 1}
		if !d.absent {
			frame.Truth = append(frame.Truth, eval.Truth{
				Annotation: &nuscenes.Annotation{Center: center, Size: size, Rotation: rotation},
				Class:      class, Attribute: "vehicle.moving",
			})
		}
		if dice.Float64() < d.misses {
			continue
		}
		frame.Found = append(frame.Found, &nuscenes.Box{
			Class: class, Score: dice.Float64(), Size: size, Attribute: nuscenes.VehicleMoving + nuscenes.BoxAttribute(dice.IntN(2)),
			Center:   center.Add(geom.Vec3{d.noise * dice.NormFloat64(), d.noise * dice.NormFloat64(), 0}),
			Rotation: geom.QuatFromYaw(d.noise * dice.Float64()), Velocity: [2]float64{d.velocity, 0},
		})
	}
}

func metrics() (*eval.Metrics, *eval.Spread) {
	m := eval.Evaluate(eval.CVPR2019(), frames())
	return m, m.Bootstrap(50, 1)
}

// carMetrics have a picture for cars alone, which saves time.
func carMetrics() (*eval.Metrics, *eval.Spread) {
	m, spread := metrics()
	for i := range m.Classes[1:] {
		m.Classes[1+i].Truth = 0
	}
	return m, spread
}

// folder is where pictures go that are to be looked at: SOLOFUSION_PICTURES
// if that is set.
func folder(t *testing.T) string {
	if dir := os.Getenv("SOLOFUSION_PICTURES"); dir != "" {
		return dir
	}
	return filepath.Join(t.TempDir(), "new", "figures")
}

func TestPictures(t *testing.T) {
	dir := folder(t)
	m, spread := metrics()
	if err := Write(dir, m, spread); err != nil {
		t.Fatal(err)
	}
	want := []string{"summary.png"}
	for _, d := range detectors {
		if !d.absent {
			want = append(want, d.class+".png")
		}
	}
	slices.Sort(want)
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	for _, name := range want {
		checkPicture(t, filepath.Join(dir, name))
	}
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// checkPicture checks for something in both halves, and nothing at the edges, where it
// would have been cut.
func checkPicture(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	picture, ok := decoded.(*image.RGBA)
	if !ok {
		t.Fatalf("%s is read as %T, want opaque colours", file, decoded)
	}
	bounds := picture.Bounds()
	if bounds != image.Rect(0, 0, width, height) {
		t.Fatalf("%s: %v", file, bounds)
	}
	for _, half := range []image.Rectangle{image.Rect(0, 0, width/2, height), image.Rect(width/2, 0, width, height)} {
		if share := float64(inked(picture, half)) / (width * height / 2); share < 0.01 || share > 0.5 {
			t.Errorf("%s: %.3f of the pixels in %v are not white", file, share, half)
		}
	}
	if all, inner := inked(picture, bounds), inked(picture, bounds.Inset(10)); all != inner {
		t.Errorf("%s: %d pixels are at the edge", file, all-inner)
	}
}

// inked counts the pixels that are not white.
func inked(picture *image.RGBA, area image.Rectangle) (n int) {
	white := bytes.Repeat([]byte{255}, 4)
	for y := area.Min.Y; y < area.Max.Y; y++ {
		line := picture.Pix[picture.PixOffset(area.Min.X, y):picture.PixOffset(area.Max.X, y)]
		for pixel := range slices.Chunk(line, 4) {
			if !bytes.Equal(pixel, white) {
				n++
			}
		}
	}
	return n
}

func TestEqualMetricsGiveEqualBytes(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	for _, dir := range dirs {
		m, spread := carMetrics()
		if err := Write(dir, m, spread); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names(t, dirs[0]) {
		if !bytes.Equal(read(t, dirs[0], name), read(t, dirs[1], name)) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestIntervalsAreDrawnWhereThereAreAny(t *testing.T) {
	with, without := t.TempDir(), t.TempDir()
	m, spread := carMetrics()
	if err := Write(with, m, spread); err != nil {
		t.Fatal(err)
	}
	if err := Write(without, m, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"summary.png", "car.png"} {
		if bytes.Equal(read(t, with, name), read(t, without, name)) {
			t.Errorf("%s is the same without intervals", name)
		}
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestWhatIsInTheWayIsNamed(t *testing.T) {
	m, _ := metrics()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	taken := filepath.Join(dir, "car.png")
	if err := os.Mkdir(taken, 0o755); err != nil {
		t.Fatal(err)
	}
	for folder, obstacle := range map[string]string{file: file, dir: taken} {
		err := Write(folder, m, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "figure: ") || strings.Count(err.Error(), obstacle) != 1 {
			t.Errorf("%v, want an error that names %s once", err, obstacle)
		}
	}
	if got := names(t, dir); !slices.Equal(got, []string{"car.png", "summary.png"}) {
		t.Errorf("files %v are left", got)
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		low, high float64
		want      string
	}{
		{0, 1, "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0"},
		{0.1, 0.33, "0.10 0.15 0.20 0.25 0.30"},
		{0.1, 0.11, "0.100 0.101 0.102 0.103 0.104 0.105 0.106 0.107 0.108 0.109 0.110"},
		{0, 2.5, "0.0 0.5 1.0 1.5 2.0 2.5"},
		{0, 40, "0 5 10 15 20 25 30 35 40"},
		{0, 4e300, "0 5e+299 1e+300 1.5e+300 2e+300 2.5e+300 3e+300 3.5e+300 4e+300"},
	} {
		var labels []string
		for _, tick := range ticks(test.low, test.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != test.want {
			t.Errorf("from %g to %g: %s, want %s", test.low, test.high, got, test.want)
		}
	}
}
