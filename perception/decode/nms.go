package decode

import (
	"github.com/solofusion/solofusion/perception"
)

// NMS is a task's suppression: [Circle] or [Rotated].
type NMS interface {
	// keep returns which of the boxes, given by falling score, stay. The result is valid
	// until the suppressor's next call.
	keep(s *suppressor, boxes []box) []int
}

// suppressor has the buffers of a suppression.
type suppressor struct {
	kept       []int
	rectangles []rectangle
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

func (n Circle) keep(s *suppressor, boxes []box) []int {
	return s.greedy(len(boxes), n.Post, func(i, j int) bool {
		a, b := boxes[i].detection.Center, boxes[j].detection.Center
		dx, dy := a[0]-b[0], a[1]-b[1]
		return dx*dx+dy*dy <= n.Radius2
	})
}

func (n Rotated) keep(s *suppressor, boxes []box) []int {
	s.rectangles = s.rectangles[:0]
	for i := range boxes[:min(n.Pre, len(boxes))] {
		s.rectangles = append(s.rectangles, footprint(&boxes[i].detection, n.Factors[boxes[i].class]))
	}
	rectangles := s.rectangles
	return s.greedy(len(rectangles), n.Post, func(i, j int) bool {
		return rectangles[i].iou(&rectangles[j]) > n.IoU
	})
}

// greedy returns, of n boxes by falling score, those that no kept one
// suppresses, at most post.
func (s *suppressor) greedy(n, post int, suppresses func(kept, other int) bool) []int {
	s.kept = s.kept[:0]
next:
	for i := 0; i < n && len(s.kept) < post; i++ {
		for _, k := range s.kept {
			if suppresses(k, i) {
				continue next
			}
		}
		s.kept = append(s.kept, i)
	}
	return s.kept
}

func footprint(d *perception.Detection, factor float64) rectangle {
	return newRectangle(d.Center[0], d.Center[1], d.Size[1]*factor, d.Size[0]*factor, d.Yaw)
}
