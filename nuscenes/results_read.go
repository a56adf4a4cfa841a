package nuscenes

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes/internal/pull"
	"github.com/solofusion/solofusion/perception"
)

// ResultsError says what is wrong with a results file.
type ResultsError struct {
	File   string
	Sample string // token, "" where the file as a whole is meant
	Box    int    // position in the sample, where Field is not ""
	Field  string // of the box; "" where the sample as a whole is meant
	Err    error  // what is wrong, and what would be right
}

func (e *ResultsError) Error() string {
	s := "nuscenes: " + e.File
	if e.Sample != "" {
		s += fmt.Sprintf(": sample %q", e.Sample)
	}
	if e.Field != "" {
		s += fmt.Sprintf(": box %d: field %s", e.Box, e.Field)
	}
	return s + ": " + e.Err.Error()
}

func (e *ResultsError) Unwrap() error { return e.Err }

// ReadResults reads a results file and refuses, with a [*ResultsError], what
// the official evaluation refuses, and what it fails at only by chance: fields
// missing or twice, numbers that are not finite (a velocity may be NaN), sizes
// that are not positive, negative scores, unknown classes and attributes,
// samples twice or with more than [MaxBoxesPerSample] boxes.
func ReadResults(file string) (*Results, error) {
	text, err := readText(file)
	if err != nil {
		return nil, &ResultsError{File: file, Err: err}
	}
	return ParseResults(file, text)
}

// ParseResults reads the text of a results file; name is the file's in errors.
func ParseResults(name, text string) (*Results, error) {
	p := &resultsParser{Reader: pull.NewReader(text), file: name}
	var results Results
	seen := map[string]bool{}
	for key := range p.Object() {
		if seen[key] {
			p.Fail("the file has %q twice", key)
			break
		}
		seen[key] = true
		switch key {
		case "meta":
			results.Meta = p.meta()
		case "results":
			results.Samples = p.samples()
		default:
			p.Skip()
		}
	}
	err := p.End()
	if err == nil && !(seen["meta"] && seen["results"]) {
		err = errors.New("lacks meta or results, want an object with both")
	}
	if err != nil {
		return nil, &ResultsError{File: name, Sample: p.sample, Box: p.box, Field: p.field, Err: err}
	}
	return &results, nil
}

// resultsParser knows where in the file it is.
type resultsParser struct {
	*pull.Reader
	file, sample string
	box          int
	field        string
}

// meta reads an object whose use_ keys are true or false.
func (p *resultsParser) meta() json.RawMessage {
	raw := p.Raw()
	if p.Err() != nil {
		return nil
	}
	if raw[0] != '{' || !json.Valid([]byte(raw)) {
		p.Fail("meta is %.20s, want an object", raw)
		return nil
	}
	inner := pull.NewReader(raw)
	for key := range inner.Object() {
		if strings.HasPrefix(key, "use_") {
			inner.Bool()
		} else {
			inner.Skip()
		}
		if inner.Err() != nil {
			p.Fail("meta: %s is not true or false", key)
		}
	}
	return json.RawMessage(strings.Clone(raw))
}

func (p *resultsParser) samples() []SampleResult {
	samples := []SampleResult{}
	seen := map[string]bool{}
	for token := range p.Object() {
		p.sample = strings.Clone(token)
		if seen[token] {
			p.Fail("the file has this sample twice")
			return nil
		}
		seen[p.sample] = true
		samples = append(samples, SampleResult{Token: p.sample, Boxes: p.boxes()})
		if p.Err() != nil {
			return nil
		}
	}
	if p.Err() == nil {
		p.sample = ""
	}
	return samples
}

func (p *resultsParser) boxes() []Box {
	boxes := []Box{}
	for i := range p.Array() {
		if p.box = i; i == MaxBoxesPerSample {
			p.Fail("has more than %d boxes", MaxBoxesPerSample)
			return nil
		}
		boxes = append(boxes, p.readBox())
		if p.Err() != nil {
			return nil
		}
	}
	return boxes
}

// boxFields are the fields that a box must have.
var boxFields = [...]string{
	"sample_token", "translation", "size", "rotation", "velocity",
	"detection_name", "detection_score", "attribute_name", "num_pts",
}

// optionalBoxFields counts the last of boxFields, which a box may lack.
const optionalBoxFields = 1

func (p *resultsParser) readBox() Box {
	b := Box{Points: -1}
	seen := 0
	for key := range p.Object() {
		p.field = strings.Clone(key)
		bit := 1 << boxField(key)
		if seen&bit&(1<<len(boxFields)-1) != 0 {
			p.Fail("the box has it twice")
		}
		seen |= bit
		p.readField(key, &b)
		if p.Err() != nil {
			return b
		}
	}
	for i, name := range boxFields[:len(boxFields)-optionalBoxFields] {
		if p.Err() == nil && seen&(1<<i) == 0 {
			p.field = name
			p.Fail("is missing")
		}
	}
	if p.Err() == nil {
		p.field = ""
	}
	return b
}

// boxField returns the position of a field, len(boxFields) for an unknown one.
func boxField(name string) int {
	for i, f := range boxFields {
		if f == name {
			return i
		}
	}
	return len(boxFields)
}

func (p *resultsParser) readField(name string, b *Box) {
	switch name {
	case "sample_token":
		if token := p.String(); token != p.sample && p.Err() == nil {
			p.Fail("is %q, want the sample that the box is listed under", token)
		}
	case "translation":
		numbers(p.Reader, b.Center[:])
	case "size":
		b.Size = positive(p.Reader)
	case "rotation":
		var q [4]float64
		numbers(p.Reader, q[:])
		b.Rotation = geom.Quat{W: q[0], X: q[1], Y: q[2], Z: q[3]}
	case "velocity":
		b.Velocity = p.velocity()
	case "detection_name":
		b.Class = p.class()
	case "detection_score":
		b.Score = p.Float()
		if !(b.Score >= 0) || math.IsInf(b.Score, 1) {
			p.Fail("is %g, want a finite number from 0 on", b.Score)
		}
	case "attribute_name":
		b.Attribute = p.attribute()
	case "num_pts":
		n := p.Float()
		if n-n != 0 {
			p.Fail("is %g, want a number of points", n)
			return
		}
		b.Points = int(n)
	default:
		p.Skip()
	}
}

// velocity reads two numbers, which may be NaN.
func (p *resultsParser) velocity() (v [2]float64) {
	n := 0
	for i := range p.Array() {
		x := p.Float()
		if math.IsInf(x, 0) {
			p.Fail("is infinite, want metres a second or NaN")
		}
		if i < len(v) {
			v[i] = x
		}
		n++
	}
	if n != len(v) {
		p.Fail("has %d numbers, want 2", n)
	}
	return v
}

func (p *resultsParser) class() perception.Class {
	name := p.String()
	class, ok := perception.ParseClass(name)
	if !ok {
		p.Fail("unknown class %q, want one of %s", name, strings.Join(perception.Classes[:], ", "))
	}
	return class
}

func (p *resultsParser) attribute() string {
	name := p.String()
	attribute, ok := knownAttribute(name)
	if !ok {
		p.Fail("unknown attribute %q, want one of %s, or nothing", name, strings.Join(Attributes[:], ", "))
	}
	return attribute
}
