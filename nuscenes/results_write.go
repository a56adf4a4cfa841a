package nuscenes

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/solofusion/solofusion/internal/whole"
)

// WriteFile writes the results to a file, which appears whole or not at all.
func (r *Results) WriteFile(file string) error {
	if err := whole.Write(whole.File{Path: file, Write: r.Write}); err != nil {
		return fmt.Errorf("nuscenes: %w", err)
	}
	return nil
}

// Write writes the results, one box a line. Equal results give equal bytes.
func (r *Results) Write(w io.Writer) error {
	out := NewResultsWriter(w, r.Meta)
	for i := range r.Samples {
		out.Add(&r.Samples[i])
	}
	return out.Close()
}

// ResultsWriter writes results sample by sample, for those that are not in
// memory all at once. It writes the same bytes as [Results.Write].
type ResultsWriter struct {
	out     *bufio.Writer
	samples int
	text    []byte // of a sample
}

// NewResultsWriter begins results of that meta object, for example [CameraMeta].
func NewResultsWriter(w io.Writer, meta json.RawMessage) *ResultsWriter {
	out := bufio.NewWriter(w)
	out.WriteString(`{"meta":`)
	out.Write(meta)
	out.WriteString(`,"results":{`)
	return &ResultsWriter{out: out}
}

// Add writes a sample, which no earlier one has the token of.
func (w *ResultsWriter) Add(s *SampleResult) {
	text := append(w.text[:0], separator(w.samples)...)
	text = appendString(text, s.Token)
	text = append(text, ":["...)
	for i := range s.Boxes {
		text = append(text, separator(i)...)
		text = s.Boxes[i].appendJSON(text, s.Token)
	}
	w.text = append(text, ']')
	w.samples++
	w.out.Write(w.text)
}

// Close completes the results, and leaves the writer below open. It returns the
// first error of all writing.
func (w *ResultsWriter) Close() error {
	w.out.WriteString("\n}}\n")
	return w.out.Flush()
}

func separator(i int) string {
	if i == 0 {
		return "\n"
	}
	return ",\n"
}

// appendJSON appends the box as the format has it.
func (b *Box) appendJSON(dst []byte, sample string) []byte {
	dst = append(dst, `{"sample_token":`...)
	dst = appendString(dst, sample)
	dst = append(dst, `,"translation":`...)
	dst = appendNumbers(dst, b.Center[:])
	dst = append(dst, `,"size":`...)
	dst = appendNumbers(dst, b.Size[:])
	dst = append(dst, `,"rotation":`...)
	dst = appendNumbers(dst, []float64{b.Rotation.W, b.Rotation.X, b.Rotation.Y, b.Rotation.Z})
	dst = append(dst, `,"velocity":`...)
	dst = appendNumbers(dst, b.Velocity[:])
	dst = append(dst, `,"detection_name":`...)
	dst = appendString(dst, b.Class.String())
	dst = append(dst, `,"detection_score":`...)
	dst = appendNumber(dst, b.Score)
	dst = append(dst, `,"attribute_name":`...)
	dst = appendString(dst, b.Attribute.String())
	if b.Points >= 0 {
		dst = append(dst, `,"num_pts":`...)
		dst = strconv.AppendInt(dst, int64(b.Points), 10)
	}
	return append(dst, '}')
}

func appendNumbers(dst []byte, numbers []float64) []byte {
	for i, x := range numbers {
		dst = append(dst, "[,"[min(i, 1)])
		dst = appendNumber(dst, x)
	}
	return append(dst, ']')
}

// appendNumber appends the shortest digits that read back as x.
func appendNumber(dst []byte, x float64) []byte {
	if math.IsInf(x, 0) {
		return append(dst, map[bool]string{true: "Infinity", false: "-Infinity"}[x > 0]...)
	}
	return strconv.AppendFloat(dst, x, 'g', -1, 64) // NaN is written as Python reads it
}

func appendString(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string is always writable
	}
	return append(dst, quoted...)
}
