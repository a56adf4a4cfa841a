package eval

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"time"
	"unicode/utf8"
)

// Report is all that is computed of results.
type Report struct {
	*Metrics
	Split      string
	Samples    int
	Resamples  int         // that were asked for
	Spread     *Spread     // nil without resamples or with too few scenes
	Other      string      // name of the results compared with
	Comparison *Comparison // nil without others
	Breakdowns []Breakdown
	Conditions []Conditions
	Note       string // see [Note]
	Hints      []Hint
	Meta       json.RawMessage // of the results
	Took       time.Duration
}

// JSON returns the report for programs: the content of metrics_summary.json,
// and what it lacks after that.
func (r *Report) JSON() []byte {
	all := r.summary(r.Meta, r.Took)
	all = append(all, member{"split", r.Split}, member{"samples", r.Samples}, member{"scenes", len(r.scenes)})
	if r.Spread != nil {
		all = append(all, member{"intervals", r.Spread.object(r.Classes)})
	}
	if c := r.Comparison; c != nil {
		all = append(all, member{"comparison", c.object(r.Other, r.Classes)})
	}
	for _, b := range r.Breakdowns {
		all = append(all, member{"by_" + b.By, b.objects()})
	}
	if len(r.Conditions) > 0 {
		tables := []object{}
		for i := range r.Conditions {
			tables = append(tables, r.Conditions[i].object())
		}
		all = append(all, member{"conditions", tables})
	}
	hints := []object{}
	for _, h := range r.Hints {
		hints = append(hints, object{{"name", h.Name}, {"text", h.Text}})
	}
	return encode(append(all, member{"hints", hints}))
}

func (s *Spread) object(classes []ClassMetrics) object {
	interval := func(i Interval) []float64 { return []float64{i.Low, i.High} }
	return object{
		{"level", 0.95}, {"resamples", s.Resamples},
		{"mean_ap", interval(s.MeanAP)}, {"nd_score", interval(s.NDS)},
		{"tp_errors", byError(func(e Error) any { return interval(s.Errors[e]) })},
		{"mean_dist_aps", byClassName(classes, func(i int) any { return interval(s.ClassAP[i]) })},
	}
}

func (c *Comparison) object(other string, classes []ClassMetrics) object {
	all := object{
		{"with", other}, {"mean_ap", c.MeanAP}, {"nd_score", c.NDS},
		{"tp_errors", byError(func(e Error) any { return c.Errors[e] })},
		{"mean_dist_aps", byClassName(classes, func(i int) any { return c.ClassAP[i] })},
	}
	if c.Spread != nil {
		all = append(all, member{"intervals", c.Spread.object(classes)})
	}
	return all
}

func (b *Breakdown) objects() (groups []object) {
	for _, g := range b.Groups {
		groups = append(groups, object{
			{"group", g.Name}, {"truth", g.Truth}, {"recall", g.Recall}, {"mean_ap", g.MeanAP}, {"nd_score", g.NDS},
			{"tp_errors", byError(func(e Error) any { return g.Errors[e] })},
		})
	}
	return groups
}

// WriteTable writes the report for a person to read, without the hints. A dash
// stands for a number that is not defined.
func (r *Report) WriteTable(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "split %s: %s of %s\n\n", r.Split, plural(r.Samples, "sample"), plural(len(r.scenes), "scene"))
	r.writeMeans(b)
	r.writeClasses(b)
	if c := r.Comparison; c != nil {
		r.writeComparison(b)
	}
	for i := range r.Breakdowns {
		r.Breakdowns[i].write(b, r.Config.ErrorDistance)
	}
	for i := range r.Conditions {
		r.Conditions[i].write(b)
	}
	return b.Flush()
}

// writeMeans writes the numbers over all classes.
func (r *Report) writeMeans(w io.Writer) {
	interval := func(of func(*Spread) Interval) string {
		if r.Spread == nil {
			return ""
		}
		return "  " + of(r.Spread).format("%.4f")
	}
	fmt.Fprintf(w, "mAP   %.4f%s\n", r.MeanAP, interval(func(s *Spread) Interval { return s.MeanAP }))
	for e := range numErrors {
		fmt.Fprintf(w, "%s  %.4f%s\n", e, r.Errors[e], interval(func(s *Spread) Interval { return s.Errors[e] }))
	}
	fmt.Fprintf(w, "NDS   %.4f%s\n", r.NDS, interval(func(s *Spread) Interval { return s.NDS }))
	switch {
	case r.Spread != nil:
		fmt.Fprintf(w, "\n95 %% intervals, from %s of the scenes\n", plural(r.Spread.Resamples, "resample"))
	case r.Resamples > 0:
		fmt.Fprintf(w, "\nno 95 %% intervals: they need %d scenes\n", MinScenes)
	}
	fmt.Fprintln(w)
}

func (i Interval) format(number string) string {
	if math.IsNaN(i.Low) {
		return "-"
	}
	return fmt.Sprintf(number+" to "+number, i.Low, i.High)
}

func (r *Report) writeClasses(w io.Writer) {
	t := newTable(w, "class")
	t.cells("AP")
	if r.Spread != nil {
		t.cells("95 % interval")
	}
	for _, d := range r.Config.Distances {
		t.cells(fmt.Sprintf("AP %gm", d))
	}
	t.cells("ATE", "ASE", "AOE", "AVE", "AAE", "truth", "found")
	for i := range r.Classes {
		c := &r.Classes[i]
		t.row(c.Class.String())
		t.numbers(c.MeanAP)
		if r.Spread != nil {
			t.cells(r.Spread.ClassAP[i].format("%.3f"))
		}
		t.numbers(c.AP[:]...)
		t.numbers(c.Errors[:]...)
		t.cells(strconv.Itoa(c.Truth), strconv.Itoa(c.Found))
	}
	t.end()
}

// writeComparison writes the differences, and what they mean.
func (r *Report) writeComparison(w io.Writer) {
	c := r.Comparison
	fmt.Fprintf(w, "\nagainst %s\n\n", r.Other)
	spread := cmp.Or(c.Spread, &Spread{})
	fmt.Fprintln(w, r.sentence("mAP", c.MeanAP, spread.MeanAP))
	fmt.Fprintln(w, r.sentence("NDS", c.NDS, spread.NDS))
	fmt.Fprintln(w)
	t := newTable(w, "class")
	t.cells("AP")
	if c.Spread != nil {
		t.cells("95 % interval")
	}
	for i := range r.Classes {
		t.row(r.Classes[i].Class.String())
		t.cells(signed(c.ClassAP[i]))
		if c.Spread != nil {
			t.cells(spread.ClassAP[i].format("%+.3f"))
		}
	}
	t.end()
}

// sentence returns how a number differs, and whether that can be told from
// chance.
func (r *Report) sentence(name string, difference float64, spread Interval) string {
	s := fmt.Sprintf("%s is %s by %.4f", name, map[bool]string{true: "higher", false: "lower"}[difference > 0], math.Abs(difference))
	switch {
	case difference == 0:
		return name + " is the same."
	case r.Comparison.Spread == nil:
		return s + "."
	case spread.Low > 0 || spread.High < 0:
		return fmt.Sprintf("%s (%s): more than which scenes are in the split explains.", s, spread.format("%+.4f"))
	}
	return fmt.Sprintf("%s (%s): with %s, this cannot be told from chance.", s, spread.format("%+.4f"), plural(len(r.scenes), "scene"))
}

func (b *Breakdown) write(w io.Writer, errorDistance float64) {
	fmt.Fprintln(w)
	t := newTable(w, "by "+b.By)
	if b.Graded {
		t.cells("mAP", "NDS")
	}
	t.cells(fmt.Sprintf("recall %gm", errorDistance), "ATE", "ASE", "AOE", "AVE", "AAE", "truth")
	for _, g := range b.Groups {
		t.row(g.Name)
		if b.Graded {
			t.numbers(g.MeanAP, g.NDS)
		}
		t.numbers(g.Recall)
		t.numbers(g.Errors[:]...)
		t.cells(strconv.Itoa(g.Truth))
	}
	t.end()
}

// table aligns columns: words in the first one left, numbers right.
type table struct {
	*tabwriter.Writer
	first int // width of the first column
}

const firstColumn = 20 // characters at least

// newTable begins a table. Names of its rows that may be long make the first column wider.
func newTable(w io.Writer, title string, names ...string) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight), firstColumn}
	for _, name := range append(names, title) {
		t.first = max(t.first, utf8.RuneCountInString(name))
	}
	fmt.Fprintf(t, "%-*s\t", t.first, title)
	return t
}

// row begins a row.
func (t table) row(name string) { fmt.Fprintf(t, "\n%-*s\t", t.first, name) }

func (t table) cells(texts ...string) {
	for _, text := range texts {
		fmt.Fprintf(t, "%s\t", text)
	}
}

func (t table) numbers(xs ...float64) {
	for _, x := range xs {
		if math.IsNaN(x) {
			t.cells("-")
		} else {
			t.cells(fmt.Sprintf("%.3f", x))
		}
	}
}

func (t table) end() {
	fmt.Fprintln(t)
	t.Flush()
}

func signed(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return fmt.Sprintf("%+.3f", x)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
