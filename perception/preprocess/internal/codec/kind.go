package codec

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/solofusion/solofusion/geom"
)

// wanted is what is taken.
const wanted = "JPEG or PNG, or raw pixels declared as rgb8, bgr8, nv12 or yuyv"

// others are what stands in place of images, by its bytes from an offset on.
var others = [...]struct {
	at          int
	bytes, kind string
}{
	{0, "version https://git-lfs.github.com/spec/", "a Git LFS pointer, whose file git lfs pull fetches"},
	{0, "BM", "a BMP file"},
	{0, "GIF8", "a GIF file"},
	{0, "II*\x00", "a TIFF file"},
	{0, "MM\x00*", "a TIFF file"},
	{8, "WEBP", "a WebP file"},
	{0, "\x00\x00\x00\x0cjP  ", "a JPEG 2000 file"},
	{0, "\xff\x4f\xff\x51", "JPEG 2000"},
	{0, "\x00\x00\x00\x0cJXL ", "a JPEG XL file"},
	{0, "\xff\x0a", "JPEG XL"},
	{4, "ftypavi", "an AVIF file"},
	{4, "ftyphei", "a HEIC file"},
	{4, "ftypmif1", "a HEIF file"},
	{4, "ftyp", "an MP4 file"},
	{0, "P5", "a PGM file"},
	{0, "P6", "a PPM file"},
	{0, "\x93NUMPY", "a NumPy array"},
	{0, "\x1f\x8b", "gzip"},
	{0, "\x28\xb5\x2f\xfd", "Zstandard"},
	{0, "PK\x03\x04", "a ZIP file"},
	{0, "\x1a\x45\xdf\xa3", "a Matroska file"},
	{0, "<!DOCTYPE", "an HTML page"},
	{0, "<html", "an HTML page"},
	{0, "/9j/", "a JPEG file in base64"},
	{0, "iVBORw0KGgo", "a PNG file in base64"},
	{0, "data:", "a data URL"},
}

// kind returns what data is that is neither JPEG nor PNG.
func kind(data []byte, size geom.Size) string {
	for _, o := range others {
		if len(data) > o.at && bytes.HasPrefix(data[o.at:], []byte(o.bytes)) {
			return o.kind
		}
	}
	if text := video(data); text != "" {
		return text
	}
	if i := bytes.Index(data[:min(len(data), searched)], []byte(jpegStart)); i > 0 {
		return fmt.Sprintf("a JPEG file after %d other bytes", i)
	}
	if text := undeclared(len(data), size); text != "" {
		return text
	}
	return fmt.Sprintf("of no known format, %d bytes that begin with % x", len(data), data[:min(len(data), 8)])
}

// searched is how far a file's beginning is looked for, in bytes.
const searched = 256

// video names an access unit of H.264 or H.265 (Annex B of both), whose first byte has
// the type of the unit.
func video(data []byte) string {
	unit := bytes.TrimPrefix(data, []byte{0, 0, 0, 1})
	if len(unit) == len(data) {
		unit = bytes.TrimPrefix(data, []byte{0, 0, 1})
	}
	if len(unit) == len(data) || len(unit) == 0 {
		return ""
	}
	switch h264, h265 := unit[0]&0x1f, unit[0]>>1; {
	case unit[0]&0x81 == 0 && h265 >= 32 && h265 <= 40:
		return "H.265 video"
	case unit[0]&0x80 == 0 && (h264 >= 5 && h264 <= 9 || h264 == 1):
		return "H.264 video"
	}
	return ""
}

// undeclared names raw pixels by their number of bytes.
func undeclared(n int, size geom.Size) string {
	layouts := map[int]string{
		size.Pixels():         "one byte a pixel (grey or Bayer)",
		size.Pixels() * 3 / 2: "as nv12 has",
		2 * size.Pixels():     "as yuyv has",
		3 * size.Pixels():     "as rgb8 or bgr8 has",
		4 * size.Pixels():     "four bytes a pixel",
	}
	text, ok := layouts[n]
	if !ok {
		return ""
	}
	return fmt.Sprintf("raw pixels without a declaration, by their number of bytes %s", strings.TrimSpace(text))
}
