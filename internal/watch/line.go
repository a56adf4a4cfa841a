package watch

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// header names the columns of line.
const header = "captured     cams latency past boxes"

// clock is the format of times in lines.
const clock = "15:04:05.000"

// maxLatency is the longest time that is taken for a latency. A result that is older,
// or newer than the clock by more than a second, is of a recording.
const maxLatency = time.Minute

// line describes a result that arrived at a time.
func line(r *perception.Result, arrived time.Time, score float64) string {
	cameras := fmt.Sprintf("%d/%d", len(r.Captured), len(r.Captured)+len(r.Missing))
	boxes := strong(r, score)
	notes := strings.Join(slices.Concat(account(r), best(r, boxes)), "; ")
	text := strings.TrimRight(fmt.Sprintf("%s %4s %7s %4d %5d  %s", r.Time.UTC().Format(clock), cameras,
		cmp.Or(latency(r, arrived), "-"), r.HistoryDepth, len(boxes), notes), " ")
	return classes(text, boxes)
}

// width is the width of a terminal that lines fit if nothing is wrong.
const width = 80

// classes appends the numbers of boxes by class to a line, as many as fit.
func classes(text string, boxes []perception.Detection) string {
	separator := "; "
	for _, words := range byClass(boxes) {
		if len(text)+len(separator)+len(words) > width-len(" …") {
			return text + " …"
		}
		text += separator + words
		separator = ", "
	}
	return text
}

// latency returns the time from capture to arrival in words, "" if it cannot be known.
func latency(r *perception.Result, arrived time.Time) string {
	d := arrived.Sub(r.Time)
	switch {
	case d < -time.Second || d > maxLatency:
		return ""
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// strong returns the detections of at least score, by descending score.
func strong(r *perception.Result, score float64) (boxes []perception.Detection) {
	for _, d := range r.Detections {
		if float64(d.Score) >= score {
			boxes = append(boxes, d)
		}
	}
	slices.SortStableFunc(boxes, func(a, b perception.Detection) int { return cmp.Compare(b.Score, a.Score) })
	return boxes
}

// account returns what is wrong with a result's cameras, and whether history began
// anew with it.
func account(r *perception.Result) (words []string) {
	if len(r.Missing) > 0 {
		words = append(words, "no "+strings.Join(missing(r), ", "))
	}
	words = append(words, images("damaged", r.Damaged)...)
	words = append(words, images("suspect", r.Suspect)...)
	if r.Reset != "" {
		words = append(words, "new sequence: "+r.Reset)
	}
	return words
}

// missing returns the missing cameras, each with the reason if its image was rejected.
func missing(r *perception.Result) (words []string) {
	for _, camera := range r.Missing {
		if why := r.Rejected[camera]; why != "" {
			camera += " (" + why + ")"
		}
		words = append(words, camera)
	}
	return words
}

// images returns the cameras whose images are as the word says, with what of them is.
func images(word string, cameras map[string]string) (words []string) {
	for _, camera := range slices.Sorted(maps.Keys(cameras)) {
		words = append(words, fmt.Sprintf("%s %s (%s)", camera, word, cameras[camera]))
	}
	return words
}

// best describes the first of the boxes.
func best(r *perception.Result, boxes []perception.Detection) []string {
	if len(boxes) == 0 {
		return nil
	}
	center := boxes[0].Placement().In(r.EgoFromModel).Center
	distance := math.Hypot(center[0], center[1])
	return []string{fmt.Sprintf("%s %.2f %.0f m %s", boxes[0].Class.Words(), boxes[0].Score, distance, side(center[0], center[1]))}
}

// side returns on which side of the vehicle a place is, x ahead and y to the left.
func side(x, y float64) string {
	switch {
	case math.Abs(y) <= math.Abs(x) && x >= 0:
		return "ahead"
	case math.Abs(y) <= math.Abs(x):
		return "behind"
	case y > 0:
		return "left"
	}
	return "right"
}

// byClass counts the boxes of each class, the most frequent first.
func byClass(boxes []perception.Detection) (words []string) {
	var counts [len(perception.Classes)]int
	var classes []perception.Class
	for _, d := range boxes {
		if counts[d.Class]++; counts[d.Class] == 1 {
			classes = append(classes, d.Class)
		}
	}
	slices.SortFunc(classes, func(a, b perception.Class) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for _, c := range classes {
		words = append(words, fmt.Sprintf("%d %s", counts[c], c.Words()))
	}
	return words
}
