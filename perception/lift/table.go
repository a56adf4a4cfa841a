package lift

import (
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception/lift/internal/kernel"
)

// Table lists which points fall into which cell: the runs of one rig's cameras,
// by pixel. The zero value is of no cameras. [Lifter.Place] makes it, and makes it
// anew only if a camera is not where it was. Its pixels are in the order of camera,
// column, row, so that those that follow each other see much the same cells.
type Table struct {
	cameras []geom.Camera  // that it was made for; nil before the first
	cells   []int32        // room for a run in every bin of each pixel, of which the first are its runs'
	marks   []kernel.Marks // of each pixel's bins
	spans   []span         // of each band and pixel
}

// span is where a pixel's runs in a band lie among its runs: from the one to before the
// other.
type span struct{ from, to uint16 }

// bandRows is how many rows of cells are summed together, so that they stay in the
// cache while the pixels are gone through.
const bandRows = 16

// isFor reports whether the table holds for the cameras.
func (t *Table) isFor(cameras []geom.Camera) bool {
	return t.cameras != nil && slices.Equal(t.cameras, cameras)
}

// reserve makes the table fit that many pixels of so many bins, in so many bands.
func (t *Table) reserve(pixels, bins, bands int) {
	t.cells = slices.Grow(t.cells[:0], pixels*bins)[:pixels*bins]
	t.marks = slices.Grow(t.marks[:0], pixels*kernel.MarksOf(bins))[:pixels*kernel.MarksOf(bins)]
	t.spans = slices.Grow(t.spans[:0], pixels*bands)[:pixels*bands]
}
