package lift

import (
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception/lift/internal/kernel"
)

// Table lists which points fall into which cell: the runs of one rig's cameras,
// by cell. The zero value is of no cameras. [Lifter.Place] makes it, and makes it
// anew only if a camera is not where it was.
type Table struct {
	cameras []geom.Camera // that it was made for
	runs    []kernel.Run  // by cell, then by camera, row, column, depth
	start   []int32       // where each cell's runs begin; cells + 1 entries
}

// isFor reports whether the table holds for the cameras.
func (t *Table) isFor(cameras []geom.Camera) bool {
	return t.start != nil && slices.Equal(t.cameras, cameras)
}
