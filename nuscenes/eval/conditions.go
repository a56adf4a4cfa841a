package eval

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/solofusion/solofusion/nuscenes"
)

// Conditions is the metrics of the scenes under each condition.
type Conditions struct {
	By    string // what tells the conditions apart
	Parts []Part
}

// Part is what the scenes under one condition score: what they would as a split of
// their own.
type Part struct {
	Name     string
	Samples  int
	*Metrics         // nil without samples
	Spread   *Spread // nil without resamples or with too few scenes
}

// Conditions grades the scenes under each condition by themselves, as if the others
// were not there. A scene under several conditions counts in each.
func (m *Metrics) Conditions(by string, conditions []nuscenes.Condition, frames []Frame, resamples int, seed uint64) Conditions {
	all := Conditions{By: by}
	for _, c := range conditions {
		var under []Frame
		for i := range frames {
			if c.Scenes[frames[i].Sample.Scene] {
				under = append(under, frames[i])
			}
		}
		p := Part{Name: c.Name, Samples: len(under)}
		if len(under) > 0 {
			p.Metrics = Evaluate(m.Config, under)
			p.Spread = p.Bootstrap(resamples, seed)
		}
		all.Parts = append(all.Parts, p)
	}
	return all
}

// present counts the classes that have true boxes, and returns their mAP, NaN of
// none.
func (m *Metrics) present() (classes int, meanAP float64) {
	var aps []float64
	for i := range m.Classes {
		if c := &m.Classes[i]; c.Truth > 0 {
			aps = append(aps, c.MeanAP)
		}
	}
	return len(aps), mean(aps)
}

// boxes counts the boxes that are graded.
func (m *Metrics) boxes() (truth, found int) {
	for i := range m.Classes {
		truth += m.Classes[i].Truth
		found += m.Classes[i].Found
	}
	return truth, found
}

func (c *Conditions) hasSpread() bool {
	for i := range c.Parts {
		if c.Parts[i].Spread != nil {
			return true
		}
	}
	return false
}

// write writes a row for each condition.
func (c *Conditions) write(w io.Writer) {
	fmt.Fprintln(w)
	var names []string
	for i := range c.Parts {
		names = append(names, c.Parts[i].Name)
	}
	t, intervals := newTable(w, "by "+c.By, names...), c.hasSpread()
	for _, title := range []string{"mAP", "NDS"} {
		t.cells(title)
		if intervals {
			t.cells("95 % interval")
		}
	}
	t.cells("classes", "their mAP", "scenes", "samples", "truth", "found")
	for i := range c.Parts {
		c.Parts[i].write(t, intervals)
	}
	t.end()
}

func (p *Part) write(t table, intervals bool) {
	undefined := Interval{math.NaN(), math.NaN()}
	m, spread := p.Metrics, p.Spread
	if m == nil {
		m = &Metrics{MeanAP: math.NaN(), NDS: math.NaN()}
	}
	if spread == nil {
		spread = &Spread{MeanAP: undefined, NDS: undefined}
	}
	t.row(p.Name)
	for _, column := range []struct {
		number float64
		Interval
	}{{m.MeanAP, spread.MeanAP}, {m.NDS, spread.NDS}} {
		t.numbers(column.number)
		if intervals {
			t.cells(column.format("%.3f"))
		}
	}
	classes, meanAP := m.present()
	truth, found := m.boxes()
	t.cells(strconv.Itoa(classes))
	t.numbers(meanAP)
	for _, n := range []int{len(m.scenes), p.Samples, truth, found} {
		t.cells(strconv.Itoa(n))
	}
}

func (c *Conditions) object() object {
	parts := []object{}
	for i := range c.Parts {
		parts = append(parts, c.Parts[i].object())
	}
	return object{{"by", c.By}, {"groups", parts}}
}

func (p *Part) object() object {
	all := object{{"group", p.Name}, {"samples", p.Samples}}
	if p.Metrics == nil {
		return all
	}
	classes, meanAP := p.present()
	truth, found := p.boxes()
	all = append(all, object{
		{"scenes", len(p.scenes)}, {"truth", truth}, {"found", found},
		{"mean_ap", p.MeanAP}, {"nd_score", p.NDS},
		{"classes_with_truth", classes}, {"mean_ap_of_classes_with_truth", meanAP},
		{"tp_errors", byError(func(e Error) any { return p.Errors[e] })},
		{"mean_dist_aps", byClassName(p.Classes, func(i int) any { return p.Classes[i].MeanAP })},
	}...)
	if p.Spread != nil {
		all = append(all, member{"intervals", p.Spread.object(p.Classes)})
	}
	return all
}
