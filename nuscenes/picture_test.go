package nuscenes_test

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// TestTruthFallsOnTheImages draws the annotated boxes on the real images, by
// the rig and the ego poses. The pictures are to be looked at: they are
// kept in the folder SOLOFUSION_PICTURES if that is set. A mirrored axis or
// a pose of the wrong time would also change how many boxes fall on the images.
func TestTruthFallsOnTheImages(t *testing.T) {
	folder := os.Getenv("SOLOFUSION_PICTURES")
	if folder == "" {
		folder = t.TempDir()
	}
	for _, set := range []struct {
		folder, version string
		images, boxes   int
	}{
		{"data/nuscenes", "v1.0-mini", 12, 54},
		{"data/ddad", "v1.0-dgp", 9, 110},
	} {
		ds, err := nuscenes.Open(golden.Shared(t, set.folder), set.version)
		if err != nil {
			t.Fatal(err)
		}
		drawn, boxes := 0, 0
		for i, sample := range ds.Scenes[0].Samples {
			for _, camera := range sample.Cameras() {
				canvas, err := readImage(ds.Path(camera))
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				drawn++
				boxes += drawTruth(canvas, sample, camera)
				writeImage(t, filepath.Join(folder, fmt.Sprintf("%s-%d-%s.jpg", set.version, i, camera.Channel())), canvas)
			}
		}
		if drawn != set.images || boxes != set.boxes {
			t.Errorf("%s: %d boxes on %d images, want %d on %d", set.version, boxes, drawn, set.boxes, set.images)
		}
	}
}

// drawTruth draws the annotations that are in front of the camera and returns
// for how many the centre lies in the image.
func drawTruth(canvas *image.RGBA, sample *nuscenes.Sample, camera *nuscenes.SampleData) int {
	cameraFromGlobal := camera.EgoPose.GlobalFromEgo.Pose().Mul(camera.Calibration.EgoFromSensor.Pose()).Inv()
	inside := 0
	for _, a := range sample.Annotations {
		boxInCamera := cameraFromGlobal.Mul(geom.NewPose(a.Rotation, a.Center))
		if p, ok := project(camera, boxInCamera.T); ok && p.In(canvas.Bounds()) && boxInCamera.T[2] < 60 {
			inside++
		} else {
			continue
		}
		ink := inkOf(a)
		for _, edge := range edges {
			from, okFrom := project(camera, boxInCamera.Apply(corner(a.Size, edge[0])))
			to, okTo := project(camera, boxInCamera.Apply(corner(a.Size, edge[1])))
			if okFrom && okTo {
				line(canvas, from, to, ink)
			}
		}
	}
	return inside
}

// edges are pairs of corners; a corner's bits are the side on which it lies along
// x, y and z. The last two cross the front.
var edges = [][2]int{
	{0, 1}, {2, 3}, {4, 5}, {6, 7}, {0, 2}, {1, 3}, {4, 6}, {5, 7}, {0, 4}, {1, 5}, {2, 6}, {3, 7}, {1, 7}, {3, 5},
}

func corner(size geom.Vec3, bits int) geom.Vec3 {
	side := func(bit int, length float64) float64 { return length * (float64(bits>>bit&1) - 0.5) }
	return geom.Vec3{side(0, size[1]), side(1, size[0]), side(2, size[2])}
}

func project(camera *nuscenes.SampleData, p geom.Vec3) (image.Point, bool) {
	if p[2] < 0.3 {
		return image.Point{}, false
	}
	uv := camera.Calibration.Intrinsics.Apply(p)
	return image.Pt(int(math.Round(uv[0]/uv[2])), int(math.Round(uv[1]/uv[2]))), true
}

func inkOf(a *nuscenes.Annotation) color.RGBA {
	class, ok := a.Class()
	switch {
	case !ok:
		return color.RGBA{200, 200, 200, 255}
	case class == perception.Pedestrian:
		return color.RGBA{255, 60, 60, 255}
	case class == perception.Car:
		return color.RGBA{60, 255, 60, 255}
	}
	return color.RGBA{255, 220, 0, 255}
}

func line(canvas *image.RGBA, from, to image.Point, ink color.RGBA) {
	n := max(abs(to.X-from.X), abs(to.Y-from.Y), 1)
	for i := range min(n, 4000) + 1 {
		x, y := from.X+(to.X-from.X)*i/n, from.Y+(to.Y-from.Y)*i/n
		for dot := range 9 {
			canvas.SetRGBA(x+dot%3-1, y+dot/3-1, ink)
		}
	}
}

func abs(n int) int { return max(n, -n) }

func readImage(file string) (*image.RGBA, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	decoded, err := jpeg.Decode(f)
	if err != nil {
		return nil, err
	}
	canvas := image.NewRGBA(decoded.Bounds())
	draw.Draw(canvas, canvas.Bounds(), decoded, image.Point{}, draw.Src)
	return canvas, nil
}

func writeImage(t *testing.T, file string, canvas *image.RGBA) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(f, canvas, nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
