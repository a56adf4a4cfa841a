package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteTable writes the metrics for a person to read. A dash stands where a
// class does not count.
func (m *Metrics) WriteTable(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "mAP   %.4f\n", m.MeanAP)
	for e := range numErrors {
		fmt.Fprintf(b, "%s  %.4f\n", e, m.Errors[e])
	}
	fmt.Fprintf(b, "NDS   %.4f\n\n", m.NDS)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%-20s\tAP\t", "class")
	for _, d := range m.Config.Distances {
		fmt.Fprintf(t, "AP %gm\t", d)
	}
	fmt.Fprint(t, "ATE\tASE\tAOE\tAVE\tAAE\ttruth\tfound\t\n")
	for i := range m.Classes {
		c := &m.Classes[i]
		fmt.Fprintf(t, "%-20s\t%.3f\t", c.Class, c.MeanAP)
		for _, x := range slices.Concat(c.AP[:], c.Errors[:]) {
			fmt.Fprintf(t, "%s\t", cell(x))
		}
		fmt.Fprintf(t, "%d\t%d\t\n", c.Truth, c.Found)
	}
	t.Flush()
	return b.Flush()
}

func cell(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return fmt.Sprintf("%.3f", x)
}

// WriteFiles writes metrics_summary.json and metrics_details.json into a
// folder, in the devkit's form. The time is how long the evaluation took; meta
// is that of the results.
func (m *Metrics) WriteFiles(folder string, meta json.RawMessage, took time.Duration) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	files := map[string][]byte{
		"metrics_summary.json": m.Summary(meta, took),
		"metrics_details.json": m.Details(),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return fmt.Errorf("eval: %w", err)
		}
	}
	return nil
}

// Summary returns the content of metrics_summary.json.
func (m *Metrics) Summary(meta json.RawMessage, took time.Duration) []byte {
	var labelAPs, meanAPs, labelErrors, errors, scores object
	for i := range m.Classes {
		c := &m.Classes[i]
		var aps, errs object
		for j, d := range m.Config.Distances {
			aps = append(aps, member{pythonFloat(d), c.AP[j]})
		}
		for e := range numErrors {
			errs = append(errs, member{e.key(), c.Errors[e]})
		}
		labelAPs = append(labelAPs, member{c.Class.String(), aps})
		meanAPs = append(meanAPs, member{c.Class.String(), c.MeanAP})
		labelErrors = append(labelErrors, member{c.Class.String(), errs})
	}
	for e := range numErrors {
		errors = append(errors, member{e.key(), m.Errors[e]})
		scores = append(scores, member{e.key(), m.Score(e)})
	}
	return encode(object{
		{"label_aps", labelAPs},
		{"mean_dist_aps", meanAPs},
		{"mean_ap", m.MeanAP},
		{"label_tp_errors", labelErrors},
		{"tp_errors", errors},
		{"tp_scores", scores},
		{"nd_score", m.NDS},
		{"eval_time", took.Seconds()},
		{"cfg", m.Config.object()},
		{"meta", meta},
	})
}

func (c *Config) object() object {
	var ranges object
	for _, class := range c.Classes {
		ranges = append(ranges, member{class.String(), int(c.Range[class])})
	}
	return object{
		{"class_range", ranges},
		{"dist_fcn", c.DistanceMeasure},
		{"dist_ths", c.Distances[:]},
		{"dist_th_tp", c.ErrorDistance},
		{"min_recall", c.MinRecall},
		{"min_precision", c.MinPrecision},
		{"max_boxes_per_sample", c.MaxBoxes},
		{"mean_ap_weight", c.MeanAPWeight},
	}
}

// Details returns the content of metrics_details.json.
func (m *Metrics) Details() []byte {
	var recalls [Points]float64
	for i := range recalls {
		recalls[i] = recall(i)
	}
	var all object
	for i := range m.Classes {
		for j, d := range m.Config.Distances {
			c := &m.Classes[i].Curves[j]
			curve := object{
				{"recall", recalls[:]},
				{"precision", c.Precision[:]},
				{"confidence", c.Confidence[:]},
			}
			for _, e := range []Error{Translation, Velocity, Scale, Orientation, Attribute} {
				curve = append(curve, member{e.key(), c.Errors[e][:]})
			}
			all = append(all, member{m.Classes[i].Class.String() + ":" + pythonFloat(d), curve})
		}
	}
	return encode(all)
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key   string
	value any
}

// encode writes a value as Python's json.dump does with an indent of 2.
func encode(value any) []byte {
	var b bytes.Buffer
	appendValue(&b, value, "\n")
	return b.Bytes()
}

// appendValue writes a value; newline starts a line at its indentation.
func appendValue(b *bytes.Buffer, value any, newline string) {
	inner := newline + "  "
	switch v := value.(type) {
	case object:
		for i, m := range v {
			b.WriteString([]string{"{", ","}[min(i, 1)] + inner + strconv.Quote(m.key) + ": ")
			appendValue(b, m.value, inner)
		}
		b.WriteString(newline + "}")
	case []float64:
		for i, x := range v {
			b.WriteString([]string{"[", ","}[min(i, 1)] + inner + pythonFloat(x))
		}
		b.WriteString(newline + "]")
	case float64:
		b.WriteString(pythonFloat(v))
	case int:
		b.WriteString(strconv.Itoa(v))
	case string:
		b.WriteString(strconv.Quote(v))
	case json.RawMessage:
		if err := json.Indent(b, v, newline[1:], "  "); err != nil {
			panic("eval: meta is no JSON: " + err.Error())
		}
	default:
		panic(fmt.Sprintf("eval: no JSON form for %T", value))
	}
}

// pythonFloat is the number as Python prints it.
func pythonFloat(x float64) string {
	if math.IsNaN(x) {
		return "NaN"
	}
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.ContainsRune(s, '.') {
		s += ".0"
	}
	return s
}
