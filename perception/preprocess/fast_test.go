package preprocess

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gocv.io/x/gocv"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/perception"
)

// prepared returns the network's input of a file with images of that size.
func prepared(t testing.TB, c Config, size geom.Size, file []byte) []float32 {
	t.Helper()
	cam, err := newCamera(c, size, compute.Resources{})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 3*c.Size.Pixels())
	if _, err := cam.Image(dst, file, perception.Layout{}, &Scratch{}); err != nil {
		t.Fatal(err)
	}
	return dst
}

func TestReduction(t *testing.T) {
	for step, want := range map[float64]int{0.5: 1, 1: 1, 1.99: 1, 2: 2, 2.08: 2, 3.9: 2, 4.17: 4, 8: 8, 100: 8} {
		if got := reduction(step); got != want {
			t.Errorf("step %v: reduced by %d, want %d", step, got, want)
		}
	}
}

// TestFastIsInPlace: a picture is where it is without reduction, whatever the reduction
// and whether or not it divides the image's size.
func TestFastIsInPlace(t *testing.T) {
	for _, size := range []geom.Size{{Width: 320, Height: 180}, {Width: 323, Height: 181}, {Width: 640, Height: 360}, {Width: 645, Height: 365}} {
		m := image.NewGray(image.Rect(0, 0, size.Width, size.Height))
		for y := range size.Height {
			for x := range size.Width {
				level := 128 + 100*math.Sin(4*math.Pi*float64(x)/float64(size.Width))*math.Cos(4*math.Pi*float64(y)/float64(size.Height))
				m.SetGray(x, y, color.Gray{uint8(level + 0.5)})
			}
		}
		var file bytes.Buffer
		if err := jpeg.Encode(&file, m, &jpeg.Options{Quality: 100}); err != nil {
			t.Fatal(err)
		}
		exact, fast := plain(140, 50, 0.04, 0), plain(140, 50, 0.04, 0)
		fast.Options.Preprocess = Fast
		got, want := prepared(t, fast, size, file.Bytes()), prepared(t, exact, size, file.Bytes())
		x, y := moved(got, want, 140, 1), moved(got, want, 140, 140)
		if math.Abs(x) > 0.02 || math.Abs(y) > 0.02 {
			t.Errorf("%v: moved by %.3f and %.3f pixels", size, x, y)
		}
	}
}

// moved returns by how many pixels of the network an image is another one moved: along
// the rows if the next pixel is 1 away, along the columns if it is a row away.
func moved(got, want []float32, width, next int) float64 {
	with, squares := 0.0, 0.0
	for i := next; i < len(want)/3-next; i++ {
		if x := i % width; x == 0 || x == width-1 {
			continue
		}
		slope := float64(want[i+next]-want[i-next]) / 2
		with += slope * float64(want[i]-got[i])
		squares += slope * slope
	}
	return with / squares
}

// TestFastLeavesOthers: what is not a JPEG, or is not scaled by a half or less, is as
// without reduction.
func TestFastLeavesOthers(t *testing.T) {
	for name, test := range map[string]struct {
		size geom.Size
		ext  gocv.FileExt
	}{"PNG": {geom.Size{Width: 320, Height: 180}, gocv.PNGFileExt}, "JPEG": {geom.Size{Width: 160, Height: 90}, gocv.JPEGFileExt}} {
		exact, fast := plain(140, 50, 0.04, 0), plain(140, 50, 0.04, 0)
		fast.Options.Preprocess = Fast
		file := encode(t, test.ext, test.size.Width, test.size.Height)
		golden.Within(t, name, prepared(t, fast, test.size, file), prepared(t, exact, test.size, file), golden.Bound{})
	}
}

// TestFastOfRealImages logs how far pixels of real images move.
func TestFastOfRealImages(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(golden.Shared(t, "data/nuscenes/samples"), "CAM_*", "*.jpg"))
	if err != nil || len(files) == 0 {
		t.Fatalf("images: %v, %v", files, err)
	}
	size := geom.Size{Width: 1600, Height: 900}
	for _, net := range []geom.Size{{Width: 704, Height: 256}, {Width: 352, Height: 128}} {
		exact := plain(net.Width, net.Height, 0.04*float64(net.Width)/704, 0)
		fast := exact
		fast.Options.Preprocess = Fast
		sum, n := 0.0, 0
		for _, name := range files {
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, want := prepared(t, fast, size, file), prepared(t, exact, size, file)
			for i := range got {
				sum += float64((got[i] - want[i]) * (got[i] - want[i]))
			}
			n += len(got)
		}
		rms := math.Sqrt(sum / float64(n))
		t.Logf("%d columns: the root mean square difference is %.2f of 255", net.Width, rms)
		if rms > 4 {
			t.Errorf("%d columns: %.2f levels in the root mean square", net.Width, rms)
		}
	}
}

// smooth returns a picture with slopes and edges, of about as many bytes as a camera's.
func smooth(size geom.Size) []uint8 {
	out := make([]uint8, 3*size.Pixels())
	for i := range out {
		x, y := i/3%size.Width, i/3/size.Width
		out[i] = uint8(40*(x/97+y/61) + x/7 + 3*(x*y%5) + 9*(i%3))
	}
	return out
}

// BenchmarkImage prepares a JPEG of a camera's size, exactly and fast, and reports the
// shortest time.
func BenchmarkImage(b *testing.B) {
	size := geom.Size{Width: 1600, Height: 900}
	file := encodePixels(b, gocv.JPEGFileExt, size, smooth(size))
	set, err := isa.Choose(isa.Auto, isa.Detect())
	if err != nil {
		b.Fatal(err)
	}
	for _, how := range []string{Exact, Fast} {
		b.Run(how, func(b *testing.B) {
			c := plain(704, 256, 0.04, 0)
			c.Options.Preprocess = how
			cam, err := newCamera(c, size, compute.Resources{Kernels: set})
			if err != nil {
				b.Fatal(err)
			}
			dst, scratch := make([]float32, 3*c.Size.Pixels()), &Scratch{}
			run := func() {
				if _, err := cam.Image(dst, file, perception.Layout{}, scratch); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				run()
			}
			b.ReportMetric(shortest(run).Seconds()*1e3, "ms-shortest")
		})
	}
}
