package codec

// #cgo pkg-config: libjpeg libpng
// #include "codec.h"
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// Image is a decoded image. Its pixels are in the buffer or the data that were given.
type Image struct {
	BGR    []uint8
	Size   geom.Size // of BGR
	Rows   Rows      // those of BGR that were decoded
	Damage string    // what is missing or wrong, "" if nothing is
	Grey   bool      // it has no colour
	Deep   bool      // its samples have 16 bits, of which the upper byte is taken
}

// Rows are those from one on, up to another, which is not one of them.
type Rows struct{ From, To int }

// Part is what of an image is wanted: some rows, and less than all pixels. Of a JPEG, each
// pixel stands for Reduction x Reduction, which is 1, 2, 4 or 8; the width and height are
// rounded up. Other images are not reduced.
type Part struct {
	Rows      Rows // of the image, not reduced
	Reduction int
}

// Buffer is memory for one image's pixels. The zero value is ready.
type Buffer struct{ bytes []uint8 }

func (b *Buffer) take(n int) []uint8 {
	if len(b.bytes) < n {
		b.bytes = make([]uint8, n)
	}
	return b.bytes[:n]
}

// Decode decodes an image of that size and layout. The error is what makes it unusable:
// another format or size, or a header that cannot be read. If strict is set, damage is an
// error too, and decoding stops there.
func Decode(data []byte, layout perception.Layout, size geom.Size, strict bool, b *Buffer) (Image, error) {
	return DecodePart(data, layout, size, Part{Rows{0, size.Height}, 1}, strict, b)
}

// DecodePart is Decode for a part of an image. It may decode more; what it says of the
// image holds for all of it.
func DecodePart(data []byte, layout perception.Layout, size geom.Size, part Part, strict bool, b *Buffer) (Image, error) {
	if layout.Format.IsRaw() {
		return raw(data, layout, size, part.Rows, b)
	}
	if layout != (perception.Layout{Format: layout.Format}) || !layout.Format.IsFile() {
		return Image{}, layoutError(layout)
	}
	switch {
	case len(data) == 0:
		return Image{}, errors.New("image is empty")
	case bytes.HasPrefix(data, []byte(jpegStart)):
		return decodeFile("JPEG", data, size, part, strict, b)
	case bytes.HasPrefix(data, []byte(pngStart)):
		return decodeFile("PNG", data, size, Part{Rows{0, size.Height}, 1}, strict, b)
	}
	return Image{}, fmt.Errorf("image is %s, want %s", kind(data, size), wanted)
}

// What the files begin with.
const (
	jpegStart = "\xff\xd8\xff"
	pngStart  = "\x89PNG\r\n\x1a\n"
)

func decodeFile(kind string, data []byte, size geom.Size, part Part, strict bool, b *Buffer) (Image, error) {
	r := part.Reduction
	reduced := geom.Size{Width: (size.Width + r - 1) / r, Height: (size.Height + r - 1) / r}
	rows := Rows{part.Rows.From / r, (part.Rows.To + r - 1) / r}
	pixels := b.take(3 * reduced.Pixels())
	report := C.struct_codec_report{
		width: C.int(size.Width), height: C.int(size.Height),
		reduction: C.int(r), from: C.int(rows.From), to: C.int(rows.To),
	}
	file, to := (*C.uint8_t)(unsafe.SliceData(data)), (*C.uint8_t)(unsafe.SliceData(pixels))
	stop := C.int(0)
	if strict {
		stop = 1
	}
	var became C.int
	if kind == "JPEG" {
		became = C.codec_jpeg(file, C.size_t(len(data)), stop, to, &report)
	} else {
		became = C.codec_png(file, C.size_t(len(data)), stop, to, &report)
	}
	image := Image{BGR: pixels, Size: reduced, Rows: rows, Grey: report.grey != 0, Deep: report.deep != 0}
	switch became {
	case C.CODEC_SIZE:
		return Image{}, sizeError(geom.Size{Width: int(report.width), Height: int(report.height)}, size)
	case C.CODEC_UNREADABLE:
		return Image{}, unreadable(kind, &report)
	case C.CODEC_DAMAGED:
		image.Damage = damage(&report)
		if strict {
			return Image{}, errors.New("image is " + image.Damage)
		}
	}
	return image, nil
}

func sizeError(got, want geom.Size) error {
	return fmt.Errorf("image of %d x %d pixels, calibrated for %d x %d", got.Width, got.Height, want.Width, want.Height)
}

// unreadable returns why nothing of a file could be decoded.
func unreadable(kind string, r *C.struct_codec_report) error {
	if r.trouble == C.CODEC_ENDED {
		return errors.New("image is truncated: the file ends in its header")
	}
	return fmt.Errorf("image is a %s that cannot be read: %s", kind, words(r))
}

// damage returns what is wrong with an image of which something was decoded.
func damage(r *C.struct_codec_report) string {
	where, whole := place(r)
	switch {
	case r.trouble == C.CODEC_ENDED && whole:
		return "truncated: it has all rows, its end is missing"
	case r.trouble == C.CODEC_ENDED:
		return "truncated " + where
	case r.trouble == C.CODEC_DATA_END:
		return "damaged: its data end " + where
	case r.trouble == C.CODEC_LEFT_OVER:
		return fmt.Sprintf("damaged: %d bytes belong to nothing, found %s", r.left, where)
	}
	return fmt.Sprintf("damaged %s: %s", where, words(r))
}

// place returns where damage is, and whether it is behind the last row.
func place(r *C.struct_codec_report) (where string, whole bool) {
	if r.rows == 0 {
		return "in its header", false
	}
	where = fmt.Sprintf("after %d %% of its rows", 100*int(r.row)/int(r.rows))
	if r.scan > 1 {
		where += fmt.Sprintf(" in scan %d", r.scan)
	}
	return where, r.row == r.rows
}

// words returns a library's words as a part of a sentence.
func words(r *C.struct_codec_report) string {
	text := strings.ToValidUTF8(C.GoString(&r.words[0]), "?")
	text = strings.TrimPrefix(strings.TrimPrefix(text, "Corrupt JPEG data: "), "Invalid JPEG file structure: ")
	if len(text) > 1 && text[1] >= 'a' && text[1] <= 'z' {
		text = strings.ToLower(text[:1]) + text[1:]
	}
	return text
}
