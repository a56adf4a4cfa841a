package codec

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

var size = geom.Size{Width: 160, Height: 96}

// street returns pixels with edges, slopes and noise, B, G, R.
func street(size geom.Size) []uint8 {
	r, out := rand.New(rand.NewPCG(1, 2)), make([]uint8, 3*size.Pixels())
	for i := range out {
		x, y := i/3%size.Width, i/3/size.Width
		out[i] = uint8(40*(x/13+y/9+i%3)+x) ^ uint8(r.IntN(9))
	}
	return out
}

func mat(t testing.TB, size geom.Size) gocv.Mat {
	t.Helper()
	m, err := gocv.NewMatFromBytes(size.Height, size.Width, gocv.MatTypeCV8UC3, street(size))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// encode returns a file with OpenCV's flags.
func encode(t testing.TB, kind gocv.FileExt, size geom.Size, flags ...int) []byte {
	t.Helper()
	buffer, err := gocv.IMEncodeWithParams(kind, mat(t, size), append(flags, gocv.IMWriteJpegLumaQuality, -1))
	if err != nil {
		t.Fatal(err)
	}
	defer buffer.Close()
	return bytes.Clone(buffer.GetBytes())
}

func jpg(t testing.TB) []byte { return encode(t, gocv.JPEGFileExt, size, gocv.IMWriteJpegQuality, 92) }

// opencv returns what OpenCV makes of a file.
func opencv(t testing.TB, file []byte) []uint8 {
	t.Helper()
	m, err := gocv.IMDecode(file, gocv.IMReadColor|gocv.IMReadIgnoreOrientation)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	return m.ToBytes()
}

func decode(t testing.TB, file []byte) (Image, error) {
	t.Helper()
	return Decode(file, perception.Layout{}, size, false, &Buffer{})
}

// segment returns where the first segment with that marker begins and ends.
func segment(t testing.TB, file []byte, marker byte) (begin, end int) {
	t.Helper()
	for at := 2; at+4 <= len(file); {
		n := 2 + int(binary.BigEndian.Uint16(file[at+2:]))
		if file[at+1] == marker {
			return at, at + n
		}
		at += n
	}
	t.Fatalf("no segment %#x", marker)
	return 0, 0
}

const (
	markerDHT, markerDQT, markerSOF, markerSOS = 0xc4, 0xdb, 0xc0, 0xda
)

// without returns a JPEG without its segments of one kind.
func without(t testing.TB, file []byte, marker byte) []byte {
	file = slices.Clone(file)
	for scan, _ := segment(t, file, markerSOS); ; scan, _ = segment(t, file, markerSOS) {
		i := bytes.Index(file[:scan], []byte{0xff, marker})
		if i < 0 {
			return file
		}
		file = slices.Delete(file, i, i+2+int(binary.BigEndian.Uint16(file[i+2:])))
	}
}

// insert returns the bytes with others at a place.
func insert(file []byte, at int, others ...byte) []byte {
	return slices.Insert(slices.Clone(file), at, others...)
}

// TestSoundFilesEqualOpenCV: every kind of sound file has the pixels that it had
// when OpenCV decoded it, and no damage.
func TestSoundFilesEqualOpenCV(t *testing.T) {
	plain := jpg(t)
	scan, _ := segment(t, plain, markerSOS)
	thumbnail := append([]byte{0xff, 0xe1, 0, 0}, plain[:300]...)
	thumbnail = append(thumbnail, 0xff, 0xd9)
	binary.BigEndian.PutUint16(thumbnail[2:], uint16(len(thumbnail)-2))
	for name, file := range map[string][]byte{
		"baseline":           plain,
		"progressive":        encode(t, gocv.JPEGFileExt, size, gocv.IMWriteJpegProgressive, 1),
		"optimised":          encode(t, gocv.JPEGFileExt, size, gocv.IMWriteJpegOptimize, 1),
		"restart markers":    encode(t, gocv.JPEGFileExt, size, gocv.IMWriteJpegRstInterval, 3),
		"trailing zeros":     append(slices.Clone(plain), make([]byte, 4096)...),
		"a second file":      slices.Concat(plain, plain),
		"fill bytes":         insert(plain, scan, 0xff, 0xff),
		"a comment":          insert(plain, 2, append([]byte{0xff, 0xfe, 0xff, 0xff}, make([]byte, 65533)...)...),
		"a thumbnail":        insert(plain, 2, thumbnail...),
		"without tables":     without(t, plain, markerDHT),
		"Motion JPEG":        insert(without(t, plain, markerDHT), 2, append([]byte{0xff, 0xe0, 0, 16}, "AVI1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)...),
		"padding at the end": insert(plain, len(plain)-2, make([]byte, 12)...),
		"PNG":                encode(t, gocv.PNGFileExt, size),
		"PNG, not packed":    encode(t, gocv.PNGFileExt, size, gocv.IMWritePngCompression, 0),
	} {
		if bytes.Equal(file, plain) != (name == "baseline") {
			t.Errorf("%s is the plain file", name)
		}
		got, err := decode(t, file)
		if err != nil || got.Damage != "" || got.Grey {
			t.Errorf("%s: %v, damage %q, grey %v", name, err, got.Damage, got.Grey)
			continue
		}
		want := opencv(t, file)
		if len(want) == 0 || !bytes.Equal(got.BGR, want) {
			t.Errorf("%s: the pixels are not OpenCV's", name)
		}
		if strict, err := Decode(file, perception.Layout{Format: perception.JPEG}, size, true, &Buffer{}); err != nil || !bytes.Equal(strict.BGR, want) {
			t.Errorf("%s: strict: %v", name, err)
		}
	}
}

// goFile returns what Go's own encoders make of an image.
func goFile(t testing.TB, m image.Image, asJPEG bool) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	if asJPEG {
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 95})
	} else {
		err = png.Encode(&b, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestColours: every colour model that PNG has, and grey JPEG, gives the pixels that
// OpenCV gave, and these are near those that went in.
func TestColours(t *testing.T) {
	bounds := image.Rect(0, 0, size.Width, size.Height)
	at := func(x, y int) color.NRGBA64 {
		return color.NRGBA64{uint16(300 * x), uint16(500 * y), uint16(200 * (x + y)), uint16(65535 - 100*x)}
	}
	paint := func(set func(x, y int, c color.Color), opaque bool) {
		for y := range size.Height {
			for x := range size.Width {
				c := at(x, y)
				if opaque {
					c.A = 65535
				}
				set(x, y, c)
			}
		}
	}
	rgba, nrgba, deep := image.NewNRGBA(bounds), image.NewNRGBA(bounds), image.NewNRGBA64(bounds)
	grey, deepGrey := image.NewGray(bounds), image.NewGray16(bounds)
	palette := image.NewPaletted(bounds, color.Palette{color.Black, color.White, color.NRGBA{200, 10, 30, 255}, color.NRGBA{1, 2, 3, 40}})
	paint(rgba.Set, true)
	paint(nrgba.Set, false)
	paint(deep.Set, false)
	paint(grey.Set, true)
	paint(deepGrey.Set, true)
	paint(palette.Set, true)
	for name, test := range map[string]struct {
		file       []byte
		grey, deep bool
	}{
		"RGB":     {goFile(t, rgba, false), false, false},
		"RGBA":    {goFile(t, nrgba, false), false, false},
		"16 bit":  {goFile(t, deep, false), false, true},
		"grey":    {goFile(t, grey, false), true, false},
		"grey 16": {goFile(t, deepGrey, false), true, true},
		"palette": {goFile(t, palette, false), false, false},
		"JPEG":    {goFile(t, grey, true), true, false},
	} {
		got, err := decode(t, test.file)
		if err != nil || got.Damage != "" || got.Grey != test.grey || got.Deep != test.deep {
			t.Errorf("%s: %v, %q, grey %v, deep %v", name, err, got.Damage, got.Grey, got.Deep)
		} else if !bytes.Equal(got.BGR, opencv(t, test.file)) {
			t.Errorf("%s: the pixels are not OpenCV's", name)
		}
	}
	got, err := decode(t, goFile(t, nrgba, false))
	if err != nil {
		t.Fatal(err)
	}
	p := nrgba.NRGBAAt(50, 30)
	if bgr := got.BGR[3*(30*size.Width+50):][:3]; !bytes.Equal(bgr, []uint8{p.B, p.G, p.R}) {
		t.Errorf("pixel %v, want the B, G, R of %v", bgr, p)
	}
}

// TestInks: CMYK of the same picture is near it, with Adobe's marker and without.
func TestInks(t *testing.T) {
	text, err := os.ReadFile("testdata/cmyk.txt")
	if err != nil {
		t.Fatal(err)
	}
	var rgb []uint8
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		name, encoded, _ := strings.Cut(line, " ")
		file, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(file, perception.Layout{}, geom.Size{Width: 24, Height: 16}, false, &Buffer{})
		if err != nil || got.Damage != "" {
			t.Fatalf("%s: %v, %q", name, err, got.Damage)
		}
		if name == "rgb" {
			rgb = got.BGR
			continue
		}
		for i, v := range got.BGR {
			if d := int(v) - int(rgb[i]); d < -12 || d > 12 {
				t.Fatalf("%s: byte %d is %d, want about %d", name, i, v, rgb[i])
			}
		}
	}
}

// TestDamage: each kind of damage is named, with a strict decoder as an error, and a
// decoder that is not strict has the part before it.
func TestDamage(t *testing.T) {
	plain, restarts := jpg(t), encode(t, gocv.JPEGFileExt, size, gocv.IMWriteJpegRstInterval, 10)
	_, scan := segment(t, plain, markerSOS)
	length := len(plain) - scan
	end := []byte{0xff, 0xd9}
	whole := encode(t, gocv.PNGFileExt, size, gocv.IMWritePngCompression, 0)
	spoil := func(file []byte, at, n int, change func(byte) byte) []byte {
		file = slices.Clone(file)
		for i := range n {
			file[at+i] = change(file[at+i])
		}
		return file
	}
	flip := func(b byte) byte {
		if b == 0xff || b^0x5a == 0xff {
			return b
		}
		return b ^ 0x5a
	}
	zero := func(byte) byte { return 0 }
	first := bytes.Index(restarts, []byte{0xff, 0xd2})
	progressive := encode(t, gocv.JPEGFileExt, size, gocv.IMWriteJpegProgressive, 1)
	for name, test := range map[string]struct {
		file []byte
		want string // begins with
	}{
		"half":                    {plain[:len(plain)/2], "truncated after 33 % of its rows"},
		"half with an end":        {append(slices.Clone(plain[:len(plain)/2]), end...), "damaged: its data end after 33 % of its rows"},
		"a tenth with an end":     {append(slices.Clone(plain[:scan+length/10]), end...), "damaged: its data end after 0 % of its rows"},
		"no end":                  {plain[:len(plain)-2], "truncated: it has all rows"},
		"no data":                 {append(slices.Clone(plain[:scan]), end...), "damaged: its data end after 0 % of its rows"},
		"zeros within":            {spoil(plain, scan+length/2, 400, zero), "damaged"},
		"zeros at the end":        {spoil(plain, scan+length/2, length/2-2, zero), "damaged"},
		"zeros instead of an end": {spoil(plain, scan+length/2, length/2, zero), "damaged"},
		"lost packets":            {slices.Delete(slices.Clone(plain), scan+length/3, scan+2*length/3), "damaged"},
		"flipped bytes":           {spoil(plain, scan+length/2, 100, flip), "damaged"},
		"bytes left over":         {insert(plain, len(plain)-2, make([]byte, 100)...), "damaged: "},
		"a lost restart marker":   {slices.Delete(slices.Clone(restarts), first, first+2), "damaged"},
		"a lost restart interval": {slices.Delete(slices.Clone(restarts), first, bytes.Index(restarts, []byte{0xff, 0xd3})), "damaged"},
		"half a progressive file": {progressive[:len(progressive)/2], "truncated after"},
		"half a PNG":              {whole[:len(whole)/2], "truncated after 35 % of its rows"},
		"a PNG without its end":   {whole[:len(whole)-12], "truncated: it has all rows"},
		"a PNG's checksum":        {spoil(whole, len(whole)/2, 1, flip), "damaged after"},
	} {
		for _, strict := range []bool{false, true} {
			got, err := Decode(test.file, perception.Layout{}, size, strict, &Buffer{})
			words := got.Damage
			if err != nil {
				words = strings.TrimPrefix(err.Error(), "image is ")
			}
			if strict != (err != nil) || !strings.HasPrefix(words, test.want) {
				t.Errorf("%s, strict %v: %v, damage %q, want %q", name, strict, err, got.Damage, test.want)
			}
		}
	}
	got, err := decode(t, plain[:scan+length/2])
	if rows := 3 * size.Width * 16; err != nil || !bytes.Equal(got.BGR[:rows], opencv(t, plain)[:rows]) {
		t.Errorf("the rows before the damage are others: %v", err)
	}
}

// TestUnreadable: what is no image, or not the camera's, is named.
func TestUnreadable(t *testing.T) {
	plain := jpg(t)
	begin, _ := segment(t, plain, markerSOF)
	big := spread(plain, begin, 65500)
	scan, _ := segment(t, plain, markerSOS)
	other := geom.Size{Width: 96, Height: 160}
	for name, test := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":             {nil, "image is empty"},
		"text":                {[]byte("JPEG"), "image is of no known format, 4 bytes that begin with 4a 50 45 47, want JPEG or PNG, or raw pixels"},
		"GIF":                 {[]byte("GIF89a"), "image is a GIF file, want"},
		"WebP":                {[]byte("RIFF\x04\x00\x00\x00WEBP"), "image is a WebP file"},
		"BMP":                 {[]byte("BM123456"), "image is a BMP file"},
		"AVIF":                {[]byte("\x00\x00\x00 ftypavif"), "image is an AVIF file"},
		"JPEG XL":             {[]byte("\xff\x0a\x00"), "image is JPEG XL"},
		"H.264":               {[]byte("\x00\x00\x00\x01\x67\x4d\x00\x28"), "image is H.264 video"},
		"H.265":               {[]byte("\x00\x00\x01\x40\x01\x0c"), "image is H.265 video"},
		"base64":              {[]byte(base64.StdEncoding.EncodeToString(plain)), "image is a JPEG file in base64"},
		"pointer":             {[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\n"), "a Git LFS pointer"},
		"a header before":     {append([]byte("\x01\x00\x00\x00cam0"), plain...), "image is a JPEG file after 8 other bytes"},
		"YUYV":                {make([]byte, 2*size.Pixels()), "raw pixels without a declaration, by their number of bytes as yuyv has"},
		"Bayer":               {bytes.Repeat([]byte{128}, size.Pixels()), "raw pixels without a declaration, by their number of bytes one byte a pixel (grey or Bayer)"},
		"first bytes":         {plain[:3], "truncated: the file ends in its header"},
		"start and end":       {[]byte{0xff, 0xd8, 0xff, 0xd9}, "image is a JPEG that cannot be read: "},
		"header and end":      {append(slices.Clone(plain[:scan]), 0xff, 0xd9), "image is a JPEG that cannot be read: "},
		"no tables":           {without(t, plain, markerDQT), "image is a JPEG that cannot be read: quantization table"},
		"another size":        {encode(t, gocv.JPEGFileExt, other), "image of 96 x 160 pixels, calibrated for 160 x 96"},
		"another PNG":         {encode(t, gocv.PNGFileExt, other), "image of 96 x 160 pixels, calibrated for 160 x 96"},
		"a bomb":              {big, "image of 65500 x 65500 pixels, calibrated for 160 x 96"},
		"two headers":         {insert(plain, scan, plain[begin:begin+19]...), "image is a JPEG that cannot be read: two SOF markers"},
		"a PNG bomb":          {bomb(), "image of 2147483647 x 2147483647 pixels, calibrated for 160 x 96"},
		"a PNG's first bytes": {[]byte(pngStart), "truncated: the file ends in its header"},
	} {
		for _, strict := range []bool{false, true} {
			got, err := Decode(test.file, perception.Layout{}, size, strict, &Buffer{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s, strict %v: error %v, damage %q, want %q", name, strict, err, got.Damage, test.want)
			}
		}
	}
}

// TestManyScans: a file that would take minutes takes no more than its first scans.
func TestManyScans(t *testing.T) {
	if got, err := decode(t, scans(t)); err == nil || !strings.Contains(err.Error(), "more than 64 scans") {
		t.Errorf("error %v, damage %q", err, got.Damage)
	}
}

// spread returns a JPEG whose header, at a place, says n x n pixels.
func spread(file []byte, at, n int) []byte {
	file = slices.Clone(file)
	binary.BigEndian.PutUint16(file[at+5:], uint16(n))
	binary.BigEndian.PutUint16(file[at+7:], uint16(n))
	return file
}

// bomb returns a PNG whose header says 2^31-1 pixels each way.
func bomb() []byte {
	head := []byte("IHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\x00\x00\x00")
	file := append([]byte(pngStart), 0, 0, 0, 13)
	file = binary.BigEndian.AppendUint32(append(file, head...), crc32.ChecksumIEEE(head))
	data := []byte("IDAT")
	return binary.BigEndian.AppendUint32(append(file, append([]byte{0, 0, 0, 0}, data...)...), crc32.ChecksumIEEE(data))
}

// scans returns a progressive JPEG that repeats its last scan.
func scans(t testing.TB) []byte {
	file := encode(t, gocv.JPEGFileExt, size, gocv.IMWriteJpegProgressive, 1)
	last := bytes.LastIndex(file, []byte{0xff, markerSOS})
	return append(slices.Clone(file[:last]), bytes.Repeat(file[last:len(file)-2], 2000)...)
}

var mutations = flag.Int("mutations", 3000, "damaged files that are decoded")

// TestAnyDamage: whatever is changed in a file, decoding ends with an image, whole or
// said to be damaged, or with an error. Most of this happens in C, which Go's fuzzing
// does not see into.
func TestAnyDamage(t *testing.T) {
	small, r := geom.Size{Width: 40, Height: 24}, rand.New(rand.NewPCG(3, 4))
	var files [][]byte
	for _, flags := range [][]int{nil, {gocv.IMWriteJpegProgressive, 1}, {gocv.IMWriteJpegRstInterval, 2}} {
		files = append(files, encode(t, gocv.JPEGFileExt, small, flags...))
	}
	files = append(files, encode(t, gocv.PNGFileExt, small), encode(t, gocv.PNGFileExt, small, gocv.IMWritePngCompression, 0))
	whole, damaged, refused := 0, 0, 0
	var buffer Buffer
	for range *mutations {
		file := mutated(r, files[r.IntN(len(files))])
		switch got, err := Decode(file, perception.Layout{}, small, r.IntN(2) == 0, &buffer); {
		case err != nil:
			refused++
		case got.Damage != "":
			damaged++
		default:
			whole++
		}
	}
	t.Logf("%d whole, %d damaged, %d refused", whole, damaged, refused)
	if whole == 0 || damaged == 0 || refused == 0 {
		t.Error("want some of each")
	}
}

// mutated returns a file with some bytes changed, cut out, doubled or filled.
func mutated(r *rand.Rand, file []byte) []byte {
	file = slices.Clone(file)
	for range 1 + r.IntN(4) {
		at := 2 + r.IntN(len(file)-2)
		n := min(1+r.IntN(1<<r.IntN(10)), len(file)-at)
		switch r.IntN(6) {
		case 0:
			file[at] = byte(r.Uint32())
		case 1:
			file[at] ^= 1 << r.IntN(8)
		case 2:
			file = slices.Delete(file, at, at+n)
		case 3:
			file = slices.Insert(file, at, file[at:at+n]...)
		case 4:
			clear(file[at : at+n])
		case 5:
			file = file[:at]
		}
		if len(file) < 4 {
			break
		}
	}
	return file
}

func FuzzDecode(f *testing.F) {
	small := geom.Size{Width: 16, Height: 8}
	for _, flags := range [][]int{nil, {gocv.IMWriteJpegProgressive, 1}, {gocv.IMWriteJpegRstInterval, 1}} {
		f.Add(encode(f, gocv.JPEGFileExt, small, flags...), "", 0, 0, 0)
	}
	f.Add(encode(f, gocv.PNGFileExt, small), "", 0, 0, 0)
	for _, format := range []perception.Format{perception.RGB8, perception.BGR8, perception.NV12, perception.YUYV} {
		row, rows := perception.Layout{Format: format, Width: small.Width, Height: small.Height}.Rows()
		f.Add(make([]byte, row*rows), string(format), small.Width, small.Height, row)
	}
	var buffer Buffer
	f.Fuzz(func(t *testing.T, data []byte, format string, width, height, stride int) {
		layout := perception.Layout{Format: perception.Format(format), Width: width, Height: height, Stride: stride}
		for _, strict := range []bool{false, true} {
			image, err := Decode(data, layout, small, strict, &buffer)
			switch {
			case err == nil && len(image.BGR) != 3*small.Pixels():
				t.Errorf("%d bytes of pixels", len(image.BGR))
			case err == nil && strict && image.Damage != "":
				t.Errorf("a strict decoder took what is %s", image.Damage)
			case err != nil && !strings.HasPrefix(err.Error(), "image "):
				t.Errorf("error %v", err)
			}
		}
	})
}
