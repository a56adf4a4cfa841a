package quant

import (
	"context"
	"fmt"
	"slices"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
)

// Part is the loss of a part of the boxes.
type Part struct {
	Of   string // what parts differ in: class, sets before, images
	Name string
	Loss Loss
}

// Breakdown counts what the 8-bit form of a bundle loses in drives by class and by the
// number of sets before, as recorded, and as a whole when images are missing.
func Breakdown(ctx context.Context, float, eight *model.Bundle, drives []Drive, o Run) (parts []Part, err error) {
	for _, c := range conditions {
		want, err := detect(ctx, float, drives, c, o)
		if err != nil {
			return nil, err
		}
		got, err := detect(ctx, eight, drives, c, o)
		if err != nil {
			return nil, err
		}
		if c == recorded {
			parts = append(parts, byClass(float, want, got)...)
			parts = append(parts, byDepth(float, want, got)...)
		}
		parts = append(parts, Part{"images", string(c), missed(want, got)})
	}
	return parts, nil
}

// byClass returns the losses of each class that is found.
func byClass(b *model.Bundle, want, got found) (parts []Part) {
	for _, task := range b.Manifest.Head.Tasks {
		for _, name := range task.Classes {
			l := missed(want.keep(func(d *perception.Detection) bool { return d.Class.String() == name }), got)
			if l.Boxes > 0 {
				parts = append(parts, Part{"class", name, l})
			}
		}
	}
	return parts
}

// byDepth returns the losses by the number of sets before: none, one, two to three, four to
// seven, and so on, and all that the history has.
func byDepth(b *model.Bundle, want, got found) (parts []Part) {
	all := depths(b.Manifest.History.Frames)
	for i, from := range all {
		name, to := fmt.Sprint(from), from
		switch {
		case i == len(all)-1:
			name, to = name+" and more", 1<<30
		case all[i+1]-1 > from:
			to = all[i+1] - 1
			name = fmt.Sprintf("%d to %d", from, to)
		}
		var w, g found
		for s := range want {
			if d := want[s].before; d >= from && d <= to {
				w, g = append(w, want[s]), append(g, got[s])
			}
		}
		if len(w) > 0 {
			parts = append(parts, Part{"sets before", name, missed(w, g)})
		}
	}
	return parts
}

// keep returns the sets with some of their boxes.
func (f found) keep(wanted func(*perception.Detection) bool) (some found) {
	for _, s := range f {
		s.boxes = slices.DeleteFunc(slices.Clone(s.boxes), func(d perception.Detection) bool { return !wanted(&d) })
		some = append(some, s)
	}
	return some
}
