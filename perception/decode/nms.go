package decode

import (
	"github.com/solofusion/solofusion/perception"
)

// NMS is a task's suppression: [Circle] or [Rotated].
type NMS interface {
	// keep returns which of the boxes, given by falling score, stay.
	keep(boxes []box) []int
}

// Circle suppresses a box whose centre is, in the ground plane, within the
// square root of Radius2 of a better one. Post are kept.
type Circle struct {
	Radius2 float64
	Post    int
}

// Rotated suppresses a box that overlaps a better one: an intersection of more
// than IoU of their union in the ground plane, after scaling each by its class's
// factor. Pre take part and Post are kept.
type Rotated struct {
	IoU       float64
	Factors   []float64 // for each class of the task
	Pre, Post int
}

func (n Circle) keep(boxes []box) []int {
	return greedy(len(boxes), n.Post, func(i, j int) bool {
		a, b := boxes[i].detection.Center, boxes[j].detection.Center
		dx, dy := a[0]-b[0], a[1]-b[1]
		return dx*dx+dy*dy <= n.Radius2
	})
}

func (n Rotated) keep(boxes []box) []int {
	rectangles := make([]rectangle, min(n.Pre, len(boxes)))
	for i := range rectangles {
		rectangles[i] = footprint(&boxes[i].detection, n.Factors[boxes[i].class])
	}
	return greedy(len(rectangles), n.Post, func(i, j int) bool {
		return rectangles[i].iou(&rectangles[j]) > n.IoU
	})
}

// greedy returns, of n boxes by falling score, those that no kept one
// suppresses, at most post.
func greedy(n, post int, suppresses func(kept, other int) bool) []int {
	var kept []int
next:
	for i := 0; i < n && len(kept) < post; i++ {
		for _, k := range kept {
			if suppresses(k, i) {
				continue next
			}
		}
		kept = append(kept, i)
	}
	return kept
}

func footprint(d *perception.Detection, factor float64) rectangle {
	return newRectangle(d.Center[0], d.Center[1], d.Size[1]*factor, d.Size[0]*factor, d.Yaw)
}
