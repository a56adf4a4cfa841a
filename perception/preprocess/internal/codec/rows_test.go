package codec

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// picture is a file with its size.
type picture struct {
	name string
	size geom.Size
	file []byte
}

// pictures returns files of every sampling and coding.
func pictures(t testing.TB) []picture {
	t.Helper()
	text, err := os.ReadFile("testdata/sampling.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []picture
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		f := strings.Fields(line)
		p := picture{name: f[2] + " " + f[3]}
		if _, err := fmt.Sscan(line, &p.size.Width, &p.size.Height); err != nil {
			t.Fatal(err)
		}
		if p.file, err = base64.StdEncoding.DecodeString(f[4]); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
		if other, factor := resampled(f[2]), sampling(t, p.file); p.size.Width == p.size.Height && other.factor != 0 {
			file := bytes.Clone(p.file)
			file[factor] = other.factor
			all = append(all, picture{other.name + " " + f[3], p.size, file})
		}
	}
	small := geom.Size{Width: 9, Height: 3}
	grey := image.NewGray(image.Rect(0, 0, size.Width, size.Height))
	copy(grey.Pix, street(size))
	return append(all,
		picture{"small", small, encode(t, gocv.JPEGFileExt, small)}, picture{"grey", size, goFile(t, grey, true)},
		picture{"PNG", size, encode(t, gocv.PNGFileExt, size)})
}

// resample is another sampling with as many blocks in as many units.
type resample struct {
	name   string
	factor byte // of luminance
}

// resampled returns what a file of 64 x 64 pixels becomes, with a scrambled picture, if its
// header has another factor; nothing for 4:4:4.
func resampled(sampling string) resample {
	return map[string]resample{"4:2:2": {"4:4:0", 0x12}, "4:2:0": {"4:1:1", 0x41}}[sampling]
}

// sampling returns where the factor of luminance is in a JPEG.
func sampling(t testing.TB, file []byte) int {
	t.Helper()
	marker := byte(markerSOF)
	if bytes.Contains(file, []byte{0xff, markerSOF + 2, 0, 17}) {
		marker = markerSOF + 2 // progressive
	}
	at, _ := segment(t, file, marker)
	return at + 11
}

// sameRows compares some rows, decoded alone, with those of the whole image: their
// pixels, and what is said of the image.
func sameRows(t *testing.T, name string, file []byte, size geom.Size, rows Rows, strict bool) {
	t.Helper()
	var a, b Buffer
	for i, p := range [2][]uint8{a.take(3 * size.Pixels()), b.take(3 * size.Pixels())} {
		for k := range p {
			p[k] = uint8(85 * (i + 1)) // so that what is not written differs
		}
	}
	want, wantErr := Decode(file, perception.Layout{}, size, strict, &a)
	got, err := DecodePart(file, perception.Layout{}, size, Part{rows, 1}, strict, &b)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) || got.Damage != want.Damage || got.Grey != want.Grey || got.Deep != want.Deep {
		t.Errorf("%s, rows %v: %v, damage %q, want %v, %q", name, rows, err, got.Damage, wantErr, want.Damage)
		return
	}
	if err != nil {
		return
	}
	if got.Rows.From > rows.From || got.Rows.To < rows.To {
		t.Errorf("%s: rows %v, want %v", name, got.Rows, rows)
	}
	stride := 3 * size.Width
	for y := rows.From; y < rows.To; y++ {
		if !bytes.Equal(got.BGR[y*stride:][:stride], want.BGR[y*stride:][:stride]) {
			t.Errorf("%s, rows %v: row %d differs from the whole image's", name, rows, y)
			return
		}
	}
}

// TestRows: rows of every kind of file are those of the whole image, wherever they begin
// and end.
func TestRows(t *testing.T) {
	for _, p := range pictures(t) {
		if got, err := Decode(p.file, perception.Layout{}, p.size, true, &Buffer{}); err != nil {
			t.Errorf("%s: %v, %q", p.name, err, got.Damage)
		}
		for from := range p.size.Height {
			for _, n := range []int{1, 2, 9, 33, p.size.Height} {
				sameRows(t, p.name, p.file, p.size, Rows{from, min(from+n, p.size.Height)}, n%2 == 0)
			}
		}
	}
}

func TestRowsOfInks(t *testing.T) {
	text, err := os.ReadFile("testdata/cmyk.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		name, encoded, _ := strings.Cut(line, " ")
		file, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		for from := range 16 {
			sameRows(t, name, file, geom.Size{Width: 24, Height: 16}, Rows{from, min(from+5, 16)}, false)
		}
	}
}

func TestRowsOfRawPixels(t *testing.T) {
	size := geom.Size{Width: 12, Height: 10}
	for _, format := range []perception.Format{perception.RGB8, perception.BGR8, perception.NV12, perception.YUYV} {
		layout := perception.Layout{Format: format, Width: size.Width, Height: size.Height}
		row, n := layout.Rows()
		data := make([]byte, row*n)
		for i := range data {
			data[i] = byte(7 * i)
		}
		want, err := Decode(data, layout, size, false, &Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodePart(data, layout, size, Part{Rows{3, 8}, 2}, false, &Buffer{})
		if stride := 3 * size.Width; err != nil || !bytes.Equal(got.BGR[3*stride:8*stride], want.BGR[3*stride:8*stride]) {
			t.Errorf("%s: rows differ: %v", format, err)
		}
	}
}

// TestRowsOfDamage: damage anywhere, in rows that are wanted or not, is named as in the
// whole image, and what could be decoded is the same.
func TestRowsOfDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, p := range pictures(t) {
		for range *mutations / 30 {
			from := r.IntN(p.size.Height)
			rows := Rows{from, from + 1 + r.IntN(p.size.Height-from)}
			sameRows(t, p.name, mutated(r, p.file), p.size, rows, r.IntN(2) == 0)
		}
	}
}

// TestReduced: a reduced image's pixels are about the means of the pixels that they stand
// for, and its rows are the same decoded alone.
func TestReduced(t *testing.T) {
	size := geom.Size{Width: 67, Height: 45}
	m := image.NewGray(image.Rect(0, 0, size.Width, size.Height))
	for i := range m.Pix {
		m.Pix[i] = uint8(2*(i%m.Stride) + 2*(i/m.Stride))
	}
	file := goFile(t, m, true)
	for _, r := range []int{1, 2, 4, 8} {
		whole, err := DecodePart(file, perception.Layout{}, size, Part{Rows{0, size.Height}, r}, true, &Buffer{})
		if want := (geom.Size{Width: (67 + r - 1) / r, Height: (45 + r - 1) / r}); err != nil || whole.Size != want || len(whole.BGR) != 3*want.Pixels() {
			t.Fatalf("reduced by %d: %v, size %v, want %v", r, err, whole.Size, want)
		}
		for y := range size.Height / r {
			for x := range size.Width / r {
				want := 2*(float64(x*r)+float64(r-1)/2) + 2*(float64(y*r)+float64(r-1)/2)
				if got := float64(whole.BGR[3*(y*whole.Size.Width+x)]); got < want-4 || got > want+4 {
					t.Fatalf("reduced by %d, pixel (%d, %d): %v, want %v", r, x, y, got, want)
				}
			}
		}
		for from := range size.Height {
			rows := Rows{from, min(from+5, size.Height)}
			part, err := DecodePart(file, perception.Layout{}, size, Part{rows, r}, true, &Buffer{})
			begin, end := 3*whole.Size.Width*part.Rows.From, 3*whole.Size.Width*part.Rows.To
			if err != nil || part.Rows.From*r > rows.From || part.Rows.To*r < rows.To || !bytes.Equal(part.BGR[begin:end], whole.BGR[begin:end]) {
				t.Errorf("reduced by %d, rows %v differ: %v", r, rows, err)
			}
		}
	}
}

// BenchmarkPart decodes an image of a camera's size: whole, the rows that the full model
// reads, and these at half the size.
func BenchmarkPart(b *testing.B) {
	size := geom.Size{Width: 1600, Height: 900}
	file := encode(b, gocv.JPEGFileExt, size, gocv.IMWriteJpegQuality, 90)
	var buffer Buffer
	for _, part := range []Part{{Rows{0, 900}, 1}, {Rows{362, 900}, 1}, {Rows{362, 900}, 2}} {
		b.Run(fmt.Sprint(part), func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				if _, err := DecodePart(file, perception.Layout{}, size, part, true, &buffer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
