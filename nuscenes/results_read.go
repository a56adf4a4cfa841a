package nuscenes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/solofusion/solofusion/nuscenes/internal/blocks"
	"github.com/solofusion/solofusion/nuscenes/internal/pull"
	"github.com/solofusion/solofusion/perception"
)

// ResultsError describes what is wrong with a results file.
type ResultsError struct {
	File   string
	Sample string // token, "" if the file as a whole is meant
	Box    int    // position in the sample, if Field is not ""
	Field  string // of the box; "" if the sample as a whole is meant
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
// samples twice or with more than [MaxBoxesPerSample] boxes. Of another kind of
// file it tells which kind, and what to give instead.
func ReadResults(file string) (*Results, error) {
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() { // a pipe can be read once
		if results, err := readFileBlocks(file); err == nil {
			results.File = file
			return results, nil
		}
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return nil, &ResultsError{File: file, Err: errors.New(folderKind(file))}
	}
	text, err := readText(file)
	if err != nil {
		return nil, &ResultsError{File: file, Err: err}
	}
	return ParseResults(file, text)
}

// ParseResults reads the text of a results file; name is the file's in errors.
func ParseResults(name, text string) (*Results, error) {
	p := newResultsParser(blocks.Block{Text: text, First: true, Last: true})
	err := p.document()
	if err == nil {
		err = p.lacking()
	}
	if err != nil {
		if kind := resultsKind(text); kind != "" {
			return nil, &ResultsError{File: name, Err: errors.New(kind)}
		}
		return nil, &ResultsError{File: name, Sample: p.sample, Box: p.box, Field: p.field, Err: err}
	}
	results := p.results()
	results.File = name
	return results, nil
}

func readFileBlocks(file string) (*Results, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBlocks(f, blocks.Size)
}

// readBlocks reads a results file in parallel. Its errors do not name the box that
// is wrong.
func readBlocks(text io.Reader, size int) (*Results, error) {
	rooms := sync.Pool{New: func() any { return new([]Box) }}
	parts, err := blocks.Map(text, size, "}],", func(b blocks.Block) (resultsPart, error) {
		p, room := newResultsParser(b), rooms.Get().(*[]Box)
		p.room = *room
		err := p.document()
		*room = p.room
		rooms.Put(room)
		return p.resultsPart, err
	})
	if err != nil {
		return nil, err
	}
	whole := newResultsPart()
	for _, part := range parts {
		if err := whole.add(&part); err != nil {
			return nil, err
		}
	}
	if err := whole.lacking(); err != nil {
		return nil, err
	}
	return whole.results(), nil
}

// resultsPart is what a part of a file holds.
type resultsPart struct {
	meta    json.RawMessage
	samples []SampleResult
	keys    map[string]bool // of the outer object
	tokens  map[string]bool // of samples
}

func newResultsPart() resultsPart {
	return resultsPart{samples: []SampleResult{}, keys: map[string]bool{}, tokens: map[string]bool{}}
}

// lacking returns an error if the whole file lacks a key.
func (p *resultsPart) lacking() error {
	switch {
	case p.keys["meta"] && p.keys["results"]:
		return nil
	case p.keys["results"]:
		return errors.New("lacks meta; " + wantResults)
	case p.keys["meta"]:
		return errors.New("lacks results, as submissions of the segmentation tasks do; " + wantResults)
	}
	return errors.New("lacks meta and results; " + wantResults)
}

func (p *resultsPart) results() *Results { return &Results{Meta: p.meta, Samples: p.samples} }

// add appends the part that follows. It fails if both have a key or a
// sample.
func (p *resultsPart) add(next *resultsPart) error {
	for key := range next.keys {
		if p.keys[key] {
			return fmt.Errorf("key %q twice", key)
		}
		p.keys[key] = true
	}
	for _, s := range next.samples {
		if p.tokens[s.Token] {
			return fmt.Errorf("sample %q twice", s.Token)
		}
		p.tokens[s.Token] = true
	}
	if next.meta != nil {
		p.meta = next.meta
	}
	p.samples = append(p.samples, next.samples...)
	return nil
}

// resultsParser reads a part of a file, and keeps the place that it has come to.
type resultsParser struct {
	*pull.Reader
	resultsPart
	block  blocks.Block
	sample string
	box    int
	field  string
	fields fields[Box]
	room   []Box // for the next boxes
}

func newResultsParser(b blocks.Block) *resultsParser {
	p := &resultsParser{Reader: pull.NewReader(b.Text), block: b, resultsPart: newResultsPart()}
	p.fields = p.boxFields()
	return p
}

// document reads the block: from the file's beginning, or from a sample on.
func (p *resultsParser) document() error {
	if p.block.First {
		for key := range p.Object() {
			p.member(key)
		}
	} else {
		p.readSamples()
		for key := range p.Rest() {
			p.member(key)
		}
	}
	return p.End()
}

// member reads the value of a key of the outer object.
func (p *resultsParser) member(key string) {
	if p.keys[key] {
		p.Fail("the file has %q twice", key)
		return
	}
	p.keys[strings.Clone(key)] = true
	switch key {
	case "meta":
		p.meta = p.readMeta()
	case "results":
		p.readSamples()
	default:
		p.Skip()
	}
}

// readMeta reads an object whose use_ keys are true or false.
func (p *resultsParser) readMeta() json.RawMessage {
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

// readSamples reads the members of results.
func (p *resultsParser) readSamples() {
	for token := range p.ObjectPart(p.block.First, p.block.Last) {
		p.sample = strings.Clone(token)
		if p.tokens[p.sample] {
			p.Fail("the file has this sample twice")
			return
		}
		p.tokens[p.sample] = true
		p.samples = append(p.samples, SampleResult{Token: p.sample, Boxes: p.boxes()})
	}
	if p.Err() == nil {
		p.sample = ""
	}
}

// boxes reads the boxes of a sample. Those of several samples share memory.
func (p *resultsParser) boxes() []Box {
	if cap(p.room)-len(p.room) < MaxBoxesPerSample {
		p.room = make([]Box, 0, 4*MaxBoxesPerSample)
	}
	first := len(p.room)
	for i := range p.Array() {
		if p.box = i; i == MaxBoxesPerSample {
			p.Fail("has more than %d boxes", MaxBoxesPerSample)
			return nil
		}
		p.room = append(p.room, Box{Points: -1})
		p.readBox(&p.room[len(p.room)-1])
	}
	return slices.Clip(p.room[first:])
}

func (p *resultsParser) readBox(b *Box) {
	if _, p.field = p.fields.read(p.Reader, b); p.Err() == nil {
		p.field = ""
	}
}

// boxFields are the fields of a box.
func (p *resultsParser) boxFields() fields[Box] {
	return fields[Box]{
		{name: "sample_token", read: func(*pull.Reader, *Box) { p.checkSample() }},
		{name: "translation", read: func(r *pull.Reader, b *Box) { numbers(r, b.Center[:]) }},
		{name: "size", read: func(r *pull.Reader, b *Box) { b.Size = positive(r) }},
		{name: "rotation", read: func(r *pull.Reader, b *Box) { b.Rotation = quaternion(r) }},
		{name: "velocity", read: func(_ *pull.Reader, b *Box) { b.Velocity = p.velocity() }},
		{name: "detection_name", read: func(_ *pull.Reader, b *Box) { b.Class = p.class() }},
		{name: "detection_score", read: func(_ *pull.Reader, b *Box) { b.Score = p.score() }},
		{name: "attribute_name", read: func(_ *pull.Reader, b *Box) { b.Attribute = p.attribute() }},
		{name: "num_pts", optional: true, read: func(_ *pull.Reader, b *Box) { b.Points = p.points() }},
	}
}

func (p *resultsParser) checkSample() {
	if token := p.View(); token != p.sample && p.Err() == nil {
		p.Fail("is %q, want the sample that the box is listed under", token)
	}
}

func (p *resultsParser) score() float64 {
	score := p.Float()
	if !(score >= 0) || math.IsInf(score, 1) {
		p.Fail("is %g, want a finite number from 0 on", score)
	}
	return score
}

func (p *resultsParser) points() int {
	n := p.Float()
	if n-n != 0 {
		p.Fail("is %g, want a number of points", n)
	}
	return int(n)
}

// velocity reads two numbers, which may be NaN.
func (p *resultsParser) velocity() (v [2]float64) {
	n := p.Floats(v[:])
	if math.IsInf(v[0], 0) || math.IsInf(v[1], 0) {
		p.Fail("is infinite, want metres a second or NaN")
	}
	if n != len(v) {
		p.Fail("has %d numbers, want 2", n)
	}
	return v
}

func (p *resultsParser) class() perception.Class {
	name := p.View()
	class, ok := perception.ParseClass(name)
	if !ok {
		p.Fail("unknown class %q, want one of %s", name, strings.Join(perception.Classes[:], ", "))
	}
	return class
}

func (p *resultsParser) attribute() BoxAttribute {
	name := p.View()
	attribute, ok := ParseAttribute(name)
	if !ok {
		p.Fail("unknown attribute %q, want one of %s, or nothing", name, strings.Join(Attributes[1:], ", "))
	}
	return attribute
}
