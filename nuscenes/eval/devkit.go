package eval

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/solofusion/solofusion/internal/whole"
)

// WriteFiles writes metrics_summary.json and metrics_details.json into a
// folder, in the devkit's form: both, or none if one cannot be written. The
// time is how long the evaluation took; meta is that of the results.
func (m *Metrics) WriteFiles(folder string, meta json.RawMessage, took time.Duration) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	err := whole.Write(
		whole.File{Path: filepath.Join(folder, "metrics_summary.json"), Write: whole.Text(m.Summary(meta, took))},
		whole.File{Path: filepath.Join(folder, "metrics_details.json"), Write: whole.Text(m.Details())},
	)
	if err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	return nil
}

// Summary returns the content of metrics_summary.json.
func (m *Metrics) Summary(meta json.RawMessage, took time.Duration) []byte {
	return encode(m.summary(meta, took))
}

func (m *Metrics) summary(meta json.RawMessage, took time.Duration) object {
	labelAPs := byClassName(m.Classes, func(i int) any {
		var aps object
		for j, d := range m.Config.Distances {
			aps = append(aps, member{pythonFloat(d), m.Classes[i].AP[j]})
		}
		return aps
	})
	labelErrors := byClassName(m.Classes, func(i int) any {
		return byError(func(e Error) any { return m.Classes[i].Errors[e] })
	})
	return object{
		{"label_aps", labelAPs},
		{"mean_dist_aps", byClassName(m.Classes, func(i int) any { return m.Classes[i].MeanAP })},
		{"mean_ap", m.MeanAP},
		{"label_tp_errors", labelErrors},
		{"tp_errors", byError(func(e Error) any { return m.Errors[e] })},
		{"tp_scores", byError(func(e Error) any { return m.Score(e) })},
		{"nd_score", m.NDS},
		{"eval_time", took.Seconds()},
		{"cfg", m.Config.object()},
		{"meta", meta},
	}
}

// byError is an object with a value for each error.
func byError(value func(e Error) any) (all object) {
	for e := range numErrors {
		all = append(all, member{e.key(), value(e)})
	}
	return all
}

// byClassName is an object with a value for each class, by its position.
func byClassName(classes []ClassMetrics, value func(i int) any) (all object) {
	for i := range classes {
		all = append(all, member{classes[i].Class.String(), value(i)})
	}
	return all
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
		recalls[i] = Recall(i)
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
