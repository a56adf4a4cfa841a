package nuscenes

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/whole"
	"github.com/solofusion/solofusion/perception"
)

// Results is the content of a results file in submission format.
type Results struct {
	File    string          // that they were read from, "" for none
	Meta    json.RawMessage // an object; says which inputs were used
	Samples []SampleResult  // in the file's order
}

// SampleResult is the boxes of a sample.
type SampleResult struct {
	Token string // the sample's
	Boxes []Box
}

// Box is one detected object, in the global frame.
type Box struct {
	Class     perception.Class
	Attribute BoxAttribute
	Score     float64
	Center    geom.Vec3
	Size      geom.Vec3  // width, length, height
	Rotation  geom.Quat  // global from box
	Velocity  [2]float64 // both may be NaN
	Points    int        // lidar and radar points inside; -1 where the file does not say
}

// CameraMeta is the meta object of results made from cameras alone.
func CameraMeta() json.RawMessage {
	return json.RawMessage(`{"use_camera":true,"use_lidar":false,"use_radar":false,"use_map":false,"use_external":false}`)
}

// WriteFile writes the results to a file, which appears whole or not at all.
func (r *Results) WriteFile(file string) error {
	if err := whole.Write(whole.File{Path: file, Write: r.Write}); err != nil {
		return fmt.Errorf("nuscenes: %w", err)
	}
	return nil
}

// Write writes the results, one box a line. Equal results give equal bytes.
func (r *Results) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString(`{"meta":`)
	b.Write(r.Meta)
	b.WriteString(`,"results":{`)
	var line []byte
	for i := range r.Samples {
		s := &r.Samples[i]
		line = append(line[:0], separator(i)...)
		line = appendString(line, s.Token)
		line = append(line, ":["...)
		for j := range s.Boxes {
			line = append(line, separator(j)...)
			line = s.Boxes[j].appendJSON(line, s.Token)
		}
		line = append(line, ']')
		b.Write(line)
	}
	b.WriteString("\n}}\n")
	return b.Flush()
}

func separator(i int) string {
	if i == 0 {
		return "\n"
	}
	return ",\n"
}

// appendJSON appends the box as the format wants it.
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
