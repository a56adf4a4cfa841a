package picture

import (
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/synth"
)

// folder is where pictures go that are to be looked at: SOLOFUSION_PICTURES
// if that is set.
func folder(t *testing.T) string {
	if dir := os.Getenv("SOLOFUSION_PICTURES"); dir != "" {
		return dir
	}
	return t.TempDir()
}

func drive(t *testing.T, frames int) *nuscenes.Dataset {
	t.Helper()
	dir := t.TempDir()
	if err := synth.Write(t.Context(), dir, synth.Options{Seed: 1000, Drives: 1, Frames: frames}, nil); err != nil {
		t.Fatal(err)
	}
	ds, err := nuscenes.Open(dir, synth.Version)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// nearly are boxes beside the true ones, but for every fifth, which is missed.
func nearly(sample *nuscenes.Sample) (boxes []nuscenes.Box) {
	for i, a := range sample.Annotations {
		class, ok := a.Class()
		if !ok || i%5 == 4 {
			continue
		}
		off := geom.Vec3{0.4 * math.Sin(float64(i)), 0.4 * math.Cos(float64(3*i)), 0}
		v := a.Velocity()
		boxes = append(boxes, nuscenes.Box{
			Class: class, Score: 0.35 + 0.6*float64(i%7)/6, Center: a.Center.Add(off), Size: a.Size,
			Rotation: a.Rotation.Mul(geom.QuatFromYaw(0.1 * math.Sin(float64(2*i)))), Velocity: [2]float64{v[0], v[1]},
		})
	}
	return boxes
}

func decode(t *testing.T, file string) image.Image {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// alike counts the pixels of a colour within a rectangle.
func alike(m image.Image, in image.Rectangle, ink color.RGBA) (n int) {
	near := func(a uint32, b uint8) bool { return math.Abs(float64(a>>8)-float64(b)) < 30 }
	for y := in.Min.Y; y < in.Max.Y; y++ {
		for x := in.Min.X; x < in.Max.X; x++ {
			if r, g, b, _ := m.At(x, y).RGBA(); near(r, ink.R) && near(g, ink.G) && near(b, ink.B) {
				n++
			}
		}
	}
	return n
}

func TestPictures(t *testing.T) {
	ds, dir := drive(t, 2), folder(t)
	var frames []*Frame
	for _, sample := range ds.Samples {
		f, err := Load(ds, sample, nearly(sample), 0.3)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Views) != 6 || len(f.Ground) < 1000 || len(f.Truth) == 0 || len(f.Found) == 0 {
			t.Fatalf("%d views, %d points, %d true and %d found boxes", len(f.Views), len(f.Ground), len(f.Truth), len(f.Found))
		}
		frames = append(frames, f)
	}
	above, around := filepath.Join(dir, "birdseye.png"), filepath.Join(dir, "cameras.jpg")
	if err := BirdsEye(above, "Seen from above", frames); err != nil {
		t.Fatal(err)
	}
	if err := Cameras(around, "Seen by the cameras", frames[1]); err != nil {
		t.Fatal(err)
	}
	if size := decode(t, around).Bounds().Size(); size != image.Pt(1936, 812) {
		t.Errorf("the cameras' picture is %v", size)
	}
	found, blank := decode(t, above), decode(t, blind(t, dir, frames))
	first := image.Rect(between, head, between+panelSize, head+panelSize)
	if with, without := alike(found, first, truth), alike(blank, first, truth); with < 500 || without < 500 {
		t.Errorf("%d and %d white pixels", with, without)
	}
	if n := alike(blank, first, classInk[0]); n > 0 {
		t.Errorf("%d pixels of found cars where there are none", n)
	}
	if n := alike(found, first, classInk[0]); n < 200 {
		t.Errorf("only %d pixels of found cars", n)
	}
}

// blind draws the frames from above without what was found.
func blind(t *testing.T, dir string, frames []*Frame) string {
	t.Helper()
	var bare []*Frame
	for _, f := range frames {
		g := *f
		g.Found = nil
		bare = append(bare, &g)
	}
	file := filepath.Join(dir, "truth.png")
	if err := BirdsEye(file, "Truth", bare); err != nil {
		t.Fatal(err)
	}
	return file
}

// A box lies where it should: straight ahead is up, left is left, and in the
// middle of the image of a camera that looks at it.
func TestWhereABoxLies(t *testing.T) {
	if p := fromAbove(geom.Vec3{10, 5, 0}); p.y >= panelSize/2 || p.x >= panelSize/2 {
		t.Errorf("10 m ahead and 5 m left is drawn at %v", p)
	}
	view := View{Intrinsics: geom.Mat3{800, 0, 800, 0, 800, 450, 0, 0, 1}, CameraFromGlobal: geom.IdentityPose()}
	l := lens{&view, 0.4}
	if p := l.project(geom.Vec3{0, 0, 10}); p != (point{320, 180}) {
		t.Errorf("the middle is drawn at %v", p)
	}
	if _, _, ok := cut(geom.Vec3{0, 0, -1}, geom.Vec3{0, 0, 0.1}); ok {
		t.Error("a line behind the camera is drawn")
	}
	for _, ends := range [][2]geom.Vec3{{{0, 0, 1.2}, {1, 0, -0.8}}, {{1, 0, -0.8}, {0, 0, 1.2}}} {
		from, to, ok := cut(ends[0], ends[1])
		if !ok || from != (geom.Vec3{0, 0, 1.2}) || math.Abs(to[2]-near) > 1e-12 || math.Abs(to[0]-0.5) > 1e-12 {
			t.Errorf("a line through the plane goes from %v to %v", from, to)
		}
	}
}

func TestLoadLeavesOut(t *testing.T) {
	ds := drive(t, 1)
	sample := ds.Samples[0]
	f, err := Load(ds, sample, []nuscenes.Box{{Score: 0.2, Rotation: geom.Quat{W: 1}}, {Score: 0.4, Rotation: geom.Quat{W: 1}}}, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Found) != 1 || f.Found[0].Score != 0.4 {
		t.Errorf("found %v", f.Found)
	}
	if err := os.Remove(ds.Path(sample.Key("CAM_BACK"))); err != nil {
		t.Fatal(err)
	}
	front := ds.Path(sample.Key("CAM_FRONT"))
	if err := os.WriteFile(front, []byte("no image"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err = Load(ds, sample, nil, 0); err != nil || len(f.Views) != 5 {
		t.Fatalf("%d views, %v", len(f.Views), err)
	}
	err = Cameras(filepath.Join(t.TempDir(), "x.jpg"), "", f)
	if err == nil || !strings.Contains(err.Error(), front) {
		t.Errorf("error %v, want one that names %s", err, front)
	}
}

// Colours that stand for classes can be told apart.
func TestColoursDiffer(t *testing.T) {
	distance := func(a, b color.RGBA) float64 {
		d := func(x, y uint8) float64 { return float64(x) - float64(y) }
		return math.Sqrt(d(a.R, b.R)*d(a.R, b.R) + d(a.G, b.G)*d(a.G, b.G) + d(a.B, b.B)*d(a.B, b.B))
	}
	for a := range perception.Classes {
		for b := range a {
			if d := distance(classInk[a], classInk[b]); d < 60 {
				t.Errorf("%s and %s differ by %.0f only", perception.Classes[a], perception.Classes[b], d)
			}
		}
		if d := distance(classInk[a], truth); d < 100 {
			t.Errorf("%s and truth differ by %.0f only", perception.Classes[a], d)
		}
	}
}
