package kernel

import "fmt"

// Columns are the fixed-point coefficients of a row's pixels: pixel x is a sum
// over n source pixels that begin at start[x], of a row of width pixels.
type Columns struct {
	width, n int
	start    []int32
	coef     []int32 // n for each pixel
	lanes    *lanes
}

// NewColumns returns the columns of these coefficients, which it keeps. It panics if
// their numbers disagree, or if they reach outside the source's row.
func NewColumns(width int, start, coef []int32) *Columns {
	c := &Columns{width: width, start: start, coef: coef}
	if len(start) > 0 {
		c.n = len(coef) / len(start)
	}
	if len(coef) != c.n*len(start) {
		panic(fmt.Sprintf("preprocess: %d coefficients for %d pixels", len(coef), len(start)))
	}
	for _, s := range start {
		if s < 0 || int(s)+c.n > width {
			panic(fmt.Sprintf("preprocess: %d pixels from %d on of a row of %d", c.n, s, width))
		}
	}
	c.lanes = newLanes(c)
	return c
}

// What vectors take at a time, in bytes.
const (
	group  = 16 // of a row
	window = 64 // of a source row
)

// lanes are columns for vectors of 16 sums. The row's bytes are in groups of 16, the
// last of which ends with the row. A group's taps are taken in pairs: each byte's pair
// lies at one place of a window of the source row, which moves on by two pixels from pair
// to pair. A coefficient is two digits, upper<<digit + lower.
type lanes struct {
	pairs   int
	windows int     // 1 or 2, side by side, to reach the places of a group
	first   []int32 // of each group: its first byte in the row
	from    []int32 // and the first window's first byte in the source row
	place   []uint8 // 64 for each group: of its pairs' pixels, at 4i and 4i+2
	weight  []int16 // 64 for each group and pair: its upper digits, then its lower ones
}

// digit is the number of bits of a coefficient's lower digit, which is signed.
const digit = 12

// split returns a coefficient's digits.
func split(w int32) (upper, lower int16) {
	u := (w + 1<<(digit-1)) >> digit
	return int16(u), int16(w - u<<digit)
}

// newLanes returns the lanes of columns; nil if the row is shorter than a group, or the
// source's shorter than its windows, or if a group's places are too far apart.
func newLanes(c *Columns) *lanes {
	l, bytes := &lanes{pairs: (c.n + 1) / 2}, 3*len(c.start)
	if bytes < group || l.pairs == 0 || c.width < 2*l.pairs {
		return nil
	}
	for at := 0; at < bytes; at += group {
		first := min(at, bytes-group)
		low, high := l.span(c, first)
		l.windows = max(l.windows, (high-low+window)/window)
		l.first, l.from = append(l.first, int32(first)), append(l.from, int32(low))
	}
	last := 3*c.width - window*l.windows - 6*(l.pairs-1)
	if l.windows > 2 || last < 0 {
		return nil
	}
	for g, first := range l.first {
		l.from[g] = min(l.from[g], int32(last))
		l.add(c, int(first), int(l.from[g]))
	}
	return l
}

// pair returns where in the source row a byte's first pair begins, and the place of
// the pixel's taps in its pairs: all pairs are in the row.
func (l *lanes) pair(c *Columns, at int) (begin, skipped int) {
	start := min(int(c.start[at/3]), c.width-2*l.pairs)
	return 3*start + at%3, int(c.start[at/3]) - start
}

// span returns the first and the last byte of the first pairs of a group.
func (l *lanes) span(c *Columns, first int) (low, high int) {
	low = 3 * c.width
	for i := range group {
		begin, _ := l.pair(c, first+i)
		low, high = min(low, begin), max(high, begin+3)
	}
	return low, high
}

// add appends the places and the weights of the group from byte first on.
func (l *lanes) add(c *Columns, first, from int) {
	place, weight := make([]uint8, 4*group), make([]int16, l.pairs*4*group)
	for i := range group {
		begin, skipped := l.pair(c, first+i)
		place[4*i], place[4*i+2] = uint8(begin-from), uint8(begin-from+3)
		x := (first + i) / 3
		for k, w := range c.coef[c.n*x:][:c.n] {
			p, half := (skipped+k)/2, (skipped+k)%2
			weight[4*group*p+2*i+half], weight[4*group*p+2*group+2*i+half] = split(w)
		}
	}
	l.place, l.weight = append(l.place, place...), append(l.weight, weight...)
}
