package codec

import (
	"errors"
	"fmt"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// layoutError returns why a layout is none.
func layoutError(l perception.Layout) error {
	if l.Format.IsFile() {
		return errors.New("image has a width, height or stride and no format of raw pixels, want rgb8, bgr8, nv12 or yuyv")
	}
	return fmt.Errorf("image has the format %.32q, want %s", string(l.Format), wanted)
}

// raw takes pixels that are declared, after it has compared the declaration with the
// calibrated size and with the number of bytes.
func raw(data []byte, l perception.Layout, size geom.Size, wanted Rows, b *Buffer) (Image, error) {
	if l.Width != size.Width || l.Height != size.Height {
		return Image{}, sizeError(geom.Size{Width: l.Width, Height: l.Height}, size)
	}
	row, rows := l.Rows()
	switch {
	case l.Format.Halved() && l.Width%2 != 0, l.Format == perception.NV12 && l.Height%2 != 0:
		return Image{}, fmt.Errorf("image of %d x %d pixels in %s, which has pixels in pairs", l.Width, l.Height, l.Format)
	case l.Stride != 0 && l.Stride < row:
		return Image{}, fmt.Errorf("image has a stride of %d bytes, a row of %d pixels in %s has %d", l.Stride, l.Width, l.Format, row)
	}
	stride := max(row, l.Stride)
	if len(data)%rows != 0 || len(data)/rows != stride {
		return Image{}, fmt.Errorf("image has %d bytes, want %d rows of %d in %s", len(data), rows, stride, l.Format)
	}
	if l.Format == perception.BGR8 && stride == row {
		return Image{BGR: data, Size: size, Rows: Rows{0, size.Height}}, nil
	}
	pixels := b.take(3 * size.Pixels())
	for y := wanted.From; y < wanted.To; y++ {
		line := data[y*stride:][:row]
		to := pixels[3*size.Width*y:][:3*size.Width]
		switch l.Format {
		case perception.BGR8:
			copy(to, line)
		case perception.RGB8:
			fromRGB(to, line)
		case perception.NV12:
			fromNV12(to, line, data[(size.Height+y/2)*stride:][:row])
		case perception.YUYV:
			fromYUYV(to, line)
		}
	}
	return Image{BGR: pixels, Size: size, Rows: wanted}, nil
}

func fromRGB(bgr, rgb []uint8) {
	for i := 0; i+3 <= min(len(bgr), len(rgb)); i += 3 {
		to, from := (*[3]uint8)(bgr[i:]), (*[3]uint8)(rgb[i:])
		to[0], to[1], to[2] = from[2], from[1], from[0]
	}
}

// fromNV12 takes a row of Y and the row of U, V pairs that two rows share.
func fromNV12(bgr, luma, chroma []uint8) {
	for i := 0; i+2 <= min(len(luma), len(chroma)) && 3*i+6 <= len(bgr); i += 2 {
		to, y, uv := (*[6]uint8)(bgr[3*i:]), (*[2]uint8)(luma[i:]), (*[2]uint8)(chroma[i:])
		pair(to, y[0], y[1], uv[0], uv[1])
	}
}

// fromYUYV takes a row of Y, U, Y, V.
func fromYUYV(bgr, yuyv []uint8) {
	for i := 0; 4*i+4 <= len(yuyv) && 6*i+6 <= len(bgr); i++ {
		to, from := (*[6]uint8)(bgr[6*i:]), (*[4]uint8)(yuyv[4*i:])
		pair(to, from[0], from[2], from[1], from[3])
	}
}

// fraction is the number of fractional bits of the matrix.
const fraction = 20

// The matrix of BT.601 with limited range: red has weight 0.299, green 0.587, blue 0.114.
const (
	yGain   = (255<<fraction + 109) / 219
	vToRed  = (2*701*255<<fraction + 112000) / 224000
	uToBlue = (2*886*255<<fraction + 112000) / 224000
	uToGrn  = (2*886*114*255<<fraction + 65744000) / 131488000
	vToGrn  = (2*701*299*255<<fraction + 65744000) / 131488000
)

// pair writes two pixels that share their chroma.
func pair(bgr *[6]uint8, y0, y1, u, v uint8) {
	const half = 1 << (fraction - 1)
	cu, cv := int32(u)-128, int32(v)-128
	blue, green, red := half+uToBlue*cu, half-uToGrn*cu-vToGrn*cv, half+vToRed*cv
	for i, y := range [2]uint8{y0, y1} {
		light := yGain * (int32(y) - 16)
		bgr[3*i] = clip((light + blue) >> fraction)
		bgr[3*i+1] = clip((light + green) >> fraction)
		bgr[3*i+2] = clip((light + red) >> fraction)
	}
}

func clip(x int32) uint8 { return uint8(min(max(x, 0), 255)) }
