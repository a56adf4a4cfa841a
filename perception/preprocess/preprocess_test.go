package preprocess

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"image"
	_ "image/jpeg" // sizes
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/preprocess/internal/kernel"
)

// plain is a configuration whose network values are the bytes themselves.
func plain(width, height int, extra, cropH float64) Config {
	return Config{
		Size: geom.Size{Width: width, Height: height}, ResizeExtra: extra, CropH: cropH,
		Std: [3]float32{1. / 255, 1. / 255, 1. / 255},
	}
}

// newCamera returns a camera whose images are of the size that training had.
func newCamera(c Config, size geom.Size, with compute.Resources) (*Camera, error) {
	c.Source = size
	return NewCamera(c, Picture{Size: size}, with)
}

// rgb returns planes of bytes-as-float32 as interleaved bytes.
func rgb(planes []float32) []uint8 {
	n := len(planes) / 3
	out := make([]uint8, len(planes))
	for i := range n {
		for c := range 3 {
			out[3*i+c] = uint8(math.Round(float64(planes[c*n+i])))
		}
	}
	return out
}

// made returns the pixels of testdata/make.py, in B, G, R order.
func made(width, height int) []uint8 {
	x, out := uint32(1), make([]uint8, 3*width*height)
	for i := range out {
		x = 1664525*x + 1013904223
		out[i] = uint8(x >> 24)
	}
	for i := 0; i < len(out); i += 3 {
		out[i], out[i+2] = out[i+2], out[i]
	}
	return out
}

func TestPixelsEqualPillow(t *testing.T) {
	file, err := os.Open("testdata/pillow.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	cases := 0
	for lines.Scan() {
		var w, h, nw, nh int
		var extra, cropH float64
		var want string
		if _, err := fmt.Sscan(lines.Text(), &w, &h, &nw, &nh, &extra, &cropH, &want); err != nil {
			continue // the heading
		}
		cases++
		for set := range golden.Runnable(kernel.Table) {
			cam, err := newCamera(plain(nw, nh, extra, cropH), geom.Size{Width: w, Height: h}, compute.Resources{Kernels: set})
			if err != nil {
				t.Fatal(err)
			}
			dst := make([]float32, 3*nw*nh)
			var scratch Scratch
			for range 2 { // the second time with used buffers
				cam.Pixels(dst, made(w, h), &scratch)
				sum := sha256.Sum256(rgb(dst))
				if got := hex.EncodeToString(sum[:]); got != want {
					t.Errorf("%s, %d x %d to %d x %d: SHA-256 %s, want %s", set, w, h, nw, nh, got, want)
				}
			}
		}
	}
	if cases != 69 {
		t.Errorf("%d cases, want 69", cases)
	}
}

// Decoding equals Pillow's for baseline files of the usual samplings.
func TestDecodingEqualsPillow(t *testing.T) {
	text, err := os.ReadFile("testdata/jpeg.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
	if len(lines) != 12 {
		t.Fatalf("%d cases, want 12", len(lines))
	}
	for _, line := range lines {
		f := strings.Fields(line)
		file, err := base64.StdEncoding.DecodeString(f[3])
		if err != nil {
			t.Fatal(err)
		}
		head, _, err := image.DecodeConfig(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		w, h := head.Width, head.Height
		cam, err := newCamera(plain(w, h, 0, 0), geom.Size{Width: w, Height: h}, compute.Resources{})
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]float32, 3*w*h)
		if _, err := cam.Image(dst, file, perception.Layout{}, &Scratch{}); err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(rgb(dst)); hex.EncodeToString(sum[:]) != f[2] {
			t.Errorf("%s, quality %s, %d x %d: pixels differ from Pillow's", f[0], f[1], w, h)
		}
	}
}

// The reference's own loading of real images, in the order of its cameras.
func TestImageEqualsReference(t *testing.T) {
	data := golden.Shared(t, "data/nuscenes/samples")
	reference := golden.Shared(t, "reference/tiny/mini/scene-0103")
	cameras := []string{"CAM_FRONT_LEFT", "CAM_FRONT", "CAM_FRONT_RIGHT", "CAM_BACK_LEFT", "CAM_BACK", "CAM_BACK_RIGHT"}
	const w, h = 352, 128
	for frame := range 2 {
		archive := golden.Open(t, filepath.Join(reference, fmt.Sprintf("%03d.npz", frame)))
		want := golden.Array[uint8](archive, "img_u8")
		for i, name := range cameras {
			got := realImage(t, filepath.Join(data, name), frame, w, h)
			golden.Within(t, fmt.Sprintf("%s %d", name, frame), got, want.Data[i*len(got):][:len(got)], golden.Bound{})
		}
	}
}

// realImage returns the network's RGB bytes of a folder's image.
func realImage(t *testing.T, folder string, index, w, h int) []uint8 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.jpg"))
	if err != nil || len(files) <= index {
		t.Fatalf("images in %s: %v, %v", folder, files, err)
	}
	slices.Sort(files)
	encoded, err := os.ReadFile(files[index])
	if err != nil {
		t.Fatal(err)
	}
	cam, err := newCamera(plain(w, h, 0.02, 0), geom.Size{Width: 1600, Height: 900}, compute.Resources{})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 3*w*h)
	if _, err := cam.Image(dst, encoded, perception.Layout{}, &Scratch{}); err != nil {
		t.Fatal(err)
	}
	return rgb(dst)
}

// TestKernels: what runs is the set that was asked for.
func TestKernels(t *testing.T) {
	for set := range golden.Runnable(kernel.Table) {
		with := compute.Resources{Kernels: set}
		cam, err := newCamera(plain(32, 16, 0, 0), geom.Size{Width: 64, Height: 48}, with)
		if err != nil || Kernels(with) != set {
			t.Fatalf("%s: kernels %s, error %v", set, Kernels(with), err)
		}
		golden.RunsSet(t, kernel.Table, set, cam.kernel)
	}
}

// TestScratchServesAnySize: one scratch serves cameras of several sizes in turn.
func TestScratchServesAnySize(t *testing.T) {
	var shared Scratch
	for _, size := range []geom.Size{{Width: 64, Height: 48}, {Width: 200, Height: 100}, {Width: 40, Height: 90}} {
		cam, err := newCamera(plain(32, 16, 0.04, 0), size, compute.Resources{Kernels: isa.Generic})
		if err != nil {
			t.Fatal(err)
		}
		got, want := make([]float32, 3*32*16), make([]float32, 3*32*16)
		cam.Pixels(got, made(size.Width, size.Height), &shared)
		cam.Pixels(want, made(size.Width, size.Height), &Scratch{})
		golden.Within(t, "image", got, want, golden.Bound{})
	}
}

func TestCropOfTheFullModel(t *testing.T) {
	c := Config{Size: geom.Size{Width: 704, Height: 256}, Source: geom.Size{Width: 1600, Height: 900}, ResizeExtra: 0.04}
	got := c.Crop()
	if want := (Crop{Scale: 0.48, Size: geom.Size{Width: 768, Height: 432}, Left: 32, Top: 176}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if a := got.Matrix(); a[0] != 0.48 || a[5] != 0.48 || a[3] != -32 || a[7] != -176 || a[10] != 1 || a[15] != 1 {
		t.Errorf("matrix %v", a)
	}
}

func TestNewCameraRefuses(t *testing.T) {
	good := plain(32, 16, 0, 0)
	for name, test := range map[string]struct {
		config Config
		w, h   int
	}{
		"no network image": {Config{Std: good.Std}, 64, 48},
		"no source":        {good, 0, 48},
		"a huge source":    {good, 1 << 20, 1 << 20},
		"std":              {Config{Size: geom.Size{Width: 32, Height: 16}}, 64, 48},
		"a line":           {good, 1 << 20, 1},
	} {
		if _, err := newCamera(test.config, geom.Size{Width: test.w, Height: test.h}, compute.Resources{}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestPixelsOfEverySet: the sets give the same bits at the network's size, with its means,
// for images of several shapes, some of which do not cover the canvas.
func TestPixelsOfEverySet(t *testing.T) {
	config := Config{
		Size: geom.Size{Width: 704, Height: 256}, Source: geom.Size{Width: 1600, Height: 900}, ResizeExtra: 0.04,
		Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225},
	}
	var shared Scratch
	for _, size := range []geom.Size{{Width: 1600, Height: 900}, {Width: 1920, Height: 1080}, {Width: 640, Height: 480}, {Width: 900, Height: 1600}, {Width: 30, Height: 20}} {
		var want []float32
		for _, set := range slices.Backward(isa.Sets()) {
			cam, err := NewCamera(config, Picture{Size: size}, compute.Resources{Kernels: set})
			if err != nil {
				t.Fatal(err)
			}
			got, bgr := make([]float32, 3*config.Size.Pixels()), made(size.Width, size.Height)
			cam.Pixels(got, bgr, &shared)
			if set == isa.Generic {
				want = got
			}
			golden.Within(t, fmt.Sprint(set, size), got, want, golden.Bound{})
			if n := testing.AllocsPerRun(3, func() { cam.Pixels(got, bgr, &shared) }); n != 0 {
				t.Errorf("%s: %v allocations", set, n)
			}
		}
	}
}

func encode(t testing.TB, ext gocv.FileExt, width, height int) []byte {
	t.Helper()
	return encodePixels(t, ext, geom.Size{Width: width, Height: height}, made(width, height))
}

func encodePixels(t testing.TB, ext gocv.FileExt, size geom.Size, bgr []uint8) []byte {
	t.Helper()
	m, err := gocv.NewMatFromBytes(size.Height, size.Width, gocv.MatTypeCV8UC3, bgr)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	buffer, err := gocv.IMEncode(ext, m)
	if err != nil {
		t.Fatal(err)
	}
	defer buffer.Close()
	return bytes.Clone(buffer.GetBytes())
}

func TestImageOfPNG(t *testing.T) {
	cam, err := newCamera(plain(32, 16, 0.04, 0), geom.Size{Width: 64, Height: 48}, compute.Resources{})
	if err != nil {
		t.Fatal(err)
	}
	got, want := make([]float32, 3*32*16), make([]float32, 3*32*16)
	if _, err := cam.Image(got, encode(t, gocv.PNGFileExt, 64, 48), perception.Layout{}, &Scratch{}); err != nil {
		t.Fatal(err)
	}
	cam.Pixels(want, made(64, 48), &Scratch{})
	golden.Within(t, "image", got, want, golden.Bound{})
}

// TestBlankIsOfTheWholeImage: an image whose rows that the network sees are dark is black
// only if the others are too.
func TestBlankIsOfTheWholeImage(t *testing.T) {
	size := geom.Size{Width: 160, Height: 96}
	cam, err := newCamera(plain(80, 24, 0, 0), size, compute.Resources{})
	if err != nil {
		t.Fatal(err)
	}
	if rows := cam.part().Rows; rows.From < 40 || rows.To != size.Height {
		t.Fatalf("rows %v are seen", rows)
	}
	for name, test := range map[string]struct {
		from, to int // rows that are lit
		blank    bool
	}{"all dark": {0, 0, true}, "lit above": {0, 32, false}, "lit below": {64, 96, false}, "lit": {0, 96, false}} {
		bgr := made(size.Width, size.Height)
		clear(bgr[:3*size.Width*test.from])
		clear(bgr[3*size.Width*test.to:])
		for _, ext := range []gocv.FileExt{gocv.JPEGFileExt, gocv.PNGFileExt} {
			report, err := cam.Image(make([]float32, 3*80*24), encodePixels(t, ext, size, bgr), perception.Layout{}, &Scratch{})
			if report.Blank != test.blank || (err != nil) != test.blank {
				t.Errorf("%s, %s: blank %v, error %v", name, ext, report.Blank, err)
			}
		}
	}
}

// TestImageRefuses: the codec's words come with the package's.
func TestImageRefuses(t *testing.T) {
	cam, err := newCamera(plain(32, 16, 0.04, 0), geom.Size{Width: 64, Height: 48}, compute.Resources{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = cam.Image(make([]float32, 3*32*16), encode(t, gocv.JPEGFileExt, 48, 64), perception.Layout{}, &Scratch{})
	if err == nil || err.Error() != "image of 48 x 64 pixels, calibrated for 64 x 48" {
		t.Errorf("error %v", err)
	}
}

// BenchmarkPixels prepares six decoded images of 1600 x 900 pixels on one goroutine and
// on two. It reports the shortest time of each, and how many times as fast as generic's
// on one goroutine a set is.
func BenchmarkPixels(b *testing.B) {
	const images = 6
	source := geom.Size{Width: 1600, Height: 900}
	bgr := made(source.Width, source.Height)
	pool := parallel.New(2)
	defer pool.Close()
	for _, net := range []geom.Size{{Width: 352, Height: 128}, {Width: 704, Height: 256}} {
		parts := map[isa.Set]func(i int){}
		for set := range golden.Runnable(kernel.Table) {
			config := plain(net.Width, net.Height, 0.04*float64(net.Width)/704, 0)
			cam, err := newCamera(config, source, compute.Resources{Kernels: set})
			if err != nil {
				b.Fatal(err)
			}
			dst, scratch := make([]float32, images*3*net.Pixels()), make([]Scratch, images)
			parts[set] = func(i int) { cam.Pixels(dst[i*3*net.Pixels():][:3*net.Pixels()], bgr, &scratch[i]) }
		}
		for set, part := range parts {
			b.Run(fmt.Sprintf("%d/%s", net.Width, set), func(b *testing.B) {
				for b.Loop() {
					pool.Run(images, part)
				}
				alone, two := shortest(func() { (*parallel.Pool)(nil).Run(images, part) }), shortest(func() { pool.Run(images, part) })
				generic := shortest(func() { (*parallel.Pool)(nil).Run(images, parts[isa.Generic]) })
				b.ReportMetric(alone.Seconds()*1e3, "ms-alone")
				b.ReportMetric(two.Seconds()*1e3, "ms-two")
				b.ReportMetric(generic.Seconds()/alone.Seconds(), "x-generic")
			})
		}
	}
}

// shortest returns the shortest time of several calls.
func shortest(run func()) time.Duration {
	least := time.Hour
	for range 15 {
		begun := time.Now()
		run()
		least = min(least, time.Since(begun))
	}
	return least
}
