package perception

// Format is how the bytes of an image are to be read.
type Format string

// The formats. A file is recognised by its bytes, whatever its format says.
const (
	File Format = ""     // a JPEG or PNG file
	JPEG Format = "jpeg" // as File
	PNG  Format = "png"  // as File
	RGB8 Format = "rgb8" // a byte each of R, G, B
	BGR8 Format = "bgr8" // a byte each of B, G, R
	NV12 Format = "nv12" // rows of Y; then, half as many, rows of U, V pairs, each of 2 x 2 pixels
	YUYV Format = "yuyv" // Y, U, Y, V for two pixels
)

// IsFile reports whether an image of that format is a file with a header.
func (f Format) IsFile() bool { return f == File || f == JPEG || f == PNG }

// IsRaw reports whether an image of that format is pixels whose layout is declared.
func (f Format) IsRaw() bool { return f == RGB8 || f == BGR8 || f == NV12 || f == YUYV }

// Halved reports whether two pixels beside each other share their colour.
func (f Format) Halved() bool { return f == NV12 || f == YUYV }

// Layout declares the pixels of a raw image. Of a file it is the format at most. Y, U
// and V are those of BT.601 with limited range, as V4L2 and OpenCV have them.
type Layout struct {
	Format        Format
	Width, Height int // pixels
	Stride        int // bytes from one row to the next; 0 if there are none between rows
}

// Rows returns the number of bytes of a row without padding, and the number of rows.
func (l Layout) Rows() (row, rows int) {
	switch l.Format {
	case RGB8, BGR8:
		return 3 * l.Width, l.Height
	case NV12:
		return l.Width, l.Height + l.Height/2
	case YUYV:
		return 2 * l.Width, l.Height
	}
	return 0, 0
}
