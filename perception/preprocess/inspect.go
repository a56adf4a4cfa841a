package preprocess

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

var errTruncated = errors.New("image is truncated")

const pngSignature = "\x89PNG\r\n\x1a\n"

// inspect returns the size of a JPEG or PNG image from its structure, which it
// follows to the end: an image without one is truncated. It decodes no pixels.
func inspect(data []byte) (width, height int, err error) {
	switch {
	case len(data) == 0:
		return 0, 0, errors.New("image is empty")
	case bytes.HasPrefix(data, []byte{0xff, 0xd8}):
		return inspectJPEG(data[2:])
	case bytes.HasPrefix(data, []byte(pngSignature)):
		return inspectPNG(data[len(pngSignature):])
	}
	if kind := kind(data); kind != "" {
		return 0, 0, fmt.Errorf("image is %s, want JPEG or PNG", kind)
	}
	return 0, 0, errors.New("image is neither JPEG nor PNG")
}

// others are what stands in place of images, by its first bytes.
var others = []struct{ start, kind string }{
	{"version https://git-lfs.github.com/spec/", "a Git LFS pointer, whose file git lfs pull fetches"},
	{"BM", "a BMP file"},
	{"GIF8", "a GIF file"},
	{"II*\x00", "a TIFF file"},
	{"MM\x00*", "a TIFF file"},
	{"\x00\x00\x00\x0cjP  ", "a JPEG 2000 file"},
	{"\x93NUMPY", "a NumPy array"},
	{"<!DOCTYPE", "an HTML page"},
	{"<html", "an HTML page"},
}

// kind returns what data is that is neither JPEG nor PNG, "" if it is not known.
func kind(data []byte) string {
	if bytes.HasPrefix(data, []byte("RIFF")) && len(data) >= 12 && string(data[8:12]) == "WEBP" {
		return "a WebP file"
	}
	for _, o := range others {
		if bytes.HasPrefix(data, []byte(o.start)) {
			return o.kind
		}
	}
	return ""
}

// JPEG markers (ITU T.81 table B.1).
const (
	markerRST0, markerRST7 = 0xd0, 0xd7
	markerEOI              = 0xd9
)

// isFrame reports whether a marker begins a frame header: SOF0 to SOF15
// without DHT, JPG and DAC.
func isFrame(marker byte) bool {
	return marker&0xf0 == 0xc0 && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
}

// inspectJPEG follows the segments after the start of the image.
func inspectJPEG(data []byte) (width, height int, err error) {
	for {
		marker, rest, ok := nextMarker(data)
		if !ok {
			return 0, 0, errTruncated
		}
		if marker == markerEOI {
			break
		}
		if len(rest) < 2 || len(rest) < int(binary.BigEndian.Uint16(rest)) {
			return 0, 0, errTruncated
		}
		n := int(binary.BigEndian.Uint16(rest))
		if n < 2 {
			return 0, 0, fmt.Errorf("JPEG segment %#x has length %d", marker, n)
		}
		if isFrame(marker) && n >= 8 {
			height, width = int(binary.BigEndian.Uint16(rest[3:])), int(binary.BigEndian.Uint16(rest[5:]))
		}
		data = rest[n:]
	}
	if width == 0 || height == 0 {
		return 0, 0, errors.New("JPEG has no frame header")
	}
	return width, height, nil
}

// nextMarker finds the next marker that ends entropy-coded data or follows a
// segment: not a stuffed zero, a fill byte or a restart.
func nextMarker(data []byte) (marker byte, rest []byte, ok bool) {
	for {
		i := bytes.IndexByte(data, 0xff)
		if i < 0 || i+1 >= len(data) {
			return 0, nil, false
		}
		m := data[i+1]
		switch {
		case m == 0xff:
			data = data[i+1:]
		case m == 0, markerRST0 <= m && m <= markerRST7, m == 1:
			data = data[i+2:]
		default:
			return m, data[i+2:], true
		}
	}
}

// inspectPNG follows the chunks after the signature to IEND.
func inspectPNG(data []byte) (width, height int, err error) {
	const frame = 12 // length, type and checksum of a chunk
	for first := true; ; first = false {
		if len(data) < frame {
			return 0, 0, errTruncated
		}
		n, kind := binary.BigEndian.Uint32(data), string(data[4:8])
		if uint64(n)+frame > uint64(len(data)) {
			return 0, 0, errTruncated
		}
		if first != (kind == "IHDR") || first && n != 13 {
			return 0, 0, errors.New("PNG does not begin with one header")
		}
		if first {
			width, height = int(binary.BigEndian.Uint32(data[8:])), int(binary.BigEndian.Uint32(data[12:]))
		}
		if kind == "IEND" {
			return width, height, nil
		}
		data = data[frame+n:]
	}
}
