package codec

import (
	"bytes"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// padded returns rows with bytes behind each.
func padded(rows []uint8, row, padding int) (out []uint8) {
	for ; len(rows) > 0; rows = rows[row:] {
		out = append(append(out, rows[:row]...), make([]uint8, padding)...)
	}
	return out
}

// TestRawColours: raw pixels are those of a PNG file with the same ones, with and without
// padding behind the rows.
func TestRawColours(t *testing.T) {
	want, err := decode(t, encode(t, gocv.PNGFileExt, size))
	if err != nil {
		t.Fatal(err)
	}
	rgb := make([]uint8, len(want.BGR))
	for i := 0; i < len(rgb); i += 3 {
		rgb[i], rgb[i+1], rgb[i+2] = want.BGR[i+2], want.BGR[i+1], want.BGR[i]
	}
	for format, data := range map[perception.Format][]uint8{perception.RGB8: rgb, perception.BGR8: want.BGR} {
		for _, padding := range []int{0, 32} {
			l := perception.Layout{Format: format, Width: size.Width, Height: size.Height}
			if padding > 0 {
				l.Stride = 3*size.Width + padding
			}
			got, err := Decode(padded(data, 3*size.Width, padding), l, size, true, &Buffer{})
			if err != nil || !bytes.Equal(got.BGR, want.BGR) {
				t.Errorf("%s with %d bytes of padding: %v", format, padding, err)
			}
		}
	}
}

// TestRawChroma: Y, U and V give the colours that OpenCV gives, within a rounding step.
func TestRawChroma(t *testing.T) {
	for format, code := range map[perception.Format]gocv.ColorConversionCode{
		perception.NV12: gocv.ColorYUVToBGRNV12, perception.YUYV: gocv.ColorYUVToBGRYUY2,
	} {
		l := perception.Layout{Format: format, Width: size.Width, Height: size.Height}
		row, rows := l.Rows()
		data := street(geom.Size{Width: row, Height: rows})[:row*rows]
		for i := range data {
			data[i] = max(16, data[i]) // below black, OpenCV takes black
		}
		kind, columns := gocv.MatTypeCV8UC1, row
		if format == perception.YUYV {
			kind, columns = gocv.MatTypeCV8UC2, row/2
		}
		m, err := gocv.NewMatFromBytes(rows, columns, kind, data)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		bgr := gocv.NewMat()
		defer bgr.Close()
		gocv.CvtColor(m, &bgr, code)
		got, err := Decode(data, l, size, true, &Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range bgr.ToBytes() {
			if d := int(v) - int(got.BGR[i]); d < -1 || d > 1 {
				t.Fatalf("%s: byte %d is %d, want %d", format, i, got.BGR[i], v)
			}
		}
		again, err := Decode(padded(data, row, 8), perception.Layout{Format: format, Width: size.Width, Height: size.Height, Stride: row + 8}, size, true, &Buffer{})
		if err != nil || !bytes.Equal(again.BGR, got.BGR) {
			t.Errorf("%s with padding: %v", format, err)
		}
	}
}

// TestMatrix: black, white and a red of BT.601 with limited range are what they are.
func TestMatrix(t *testing.T) {
	for yuv, want := range map[[3]uint8][3]uint8{
		{16, 128, 128}: {0, 0, 0}, {235, 128, 128}: {255, 255, 255}, {0, 128, 128}: {0, 0, 0}, {81, 90, 240}: {0, 0, 254},
	} {
		var two [6]uint8
		pair(&two, yuv[0], yuv[0], yuv[1], yuv[2])
		if got := [3]uint8(two[:]); got != want {
			t.Errorf("%v is B, G, R %v, want %v", yuv, got, want)
		}
	}
}

func TestRawRefuses(t *testing.T) {
	w, h := size.Width, size.Height
	odd := geom.Size{Width: 5, Height: 4}
	for name, test := range map[string]struct {
		layout perception.Layout
		bytes  int
		size   geom.Size
		want   string
	}{
		"another size":      {perception.Layout{Format: "rgb8", Width: h, Height: w}, 3 * w * h, size, "image of 96 x 160 pixels, calibrated for 160 x 96"},
		"no size":           {perception.Layout{Format: "rgb8"}, 3 * w * h, size, "image of 0 x 0 pixels, calibrated for 160 x 96"},
		"too few":           {perception.Layout{Format: "rgb8", Width: w, Height: h}, 3*w*h - 1, size, "image has 46079 bytes, want 96 rows of 480 in rgb8"},
		"too many":          {perception.Layout{Format: "nv12", Width: w, Height: h}, 2 * w * h, size, "image has 30720 bytes, want 144 rows of 160 in nv12"},
		"none":              {perception.Layout{Format: "yuyv", Width: w, Height: h}, 0, size, "image has 0 bytes, want 96 rows of 320 in yuyv"},
		"a short stride":    {perception.Layout{Format: "bgr8", Width: w, Height: h, Stride: w}, w * h, size, "a stride of 160 bytes, a row of 160 pixels in bgr8 has 480"},
		"a negative stride": {perception.Layout{Format: "bgr8", Width: w, Height: h, Stride: -480}, 3 * w * h, size, "a stride of -480 bytes"},
		"odd columns":       {perception.Layout{Format: "yuyv", Width: 5, Height: 4}, 40, odd, "image of 5 x 4 pixels in yuyv, which has pixels in pairs"},
		"a file with sizes": {perception.Layout{Width: w, Height: h}, 9, size, "a width, height or stride and no format of raw pixels"},
		"another format":    {perception.Layout{Format: "bayer_rggb8", Width: w, Height: h}, w * h, size, `image has the format "bayer_rggb8", want JPEG or PNG, or raw pixels declared as rgb8`},
	} {
		_, err := Decode(make([]uint8, test.bytes), test.layout, test.size, false, &Buffer{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}
