package main

import (
	"bufio"
	"encoding/hex"
	"os"
	"strconv"

	"github.com/solofusion/solofusion/nuscenes/internal/python"
)

// encoder writes JSON text as Python's json.dump does: with indent=0, as the
// tables of nuScenes are, or in one line. The caller nests correctly; strings
// need no escapes.
type encoder struct {
	file  *os.File
	w     *bufio.Writer
	lines bool // indent=0
	text  []byte
	fresh bool // an array or object has just been opened
	keyed bool // a key has just been written
}

func newEncoder(file string, lines bool) (*encoder, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	return &encoder{file: f, w: bufio.NewWriterSize(f, 1<<20), lines: lines, keyed: true}, nil
}

// finish closes the file and returns its length, or the first error of all writing.
func (e *encoder) finish() (int64, error) {
	e.flush()
	err := e.w.Flush()
	info, statErr := e.file.Stat()
	if closeErr := e.file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = statErr
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (e *encoder) flush() {
	_, _ = e.w.Write(e.text) // the error stays, and Flush returns it
	e.text = e.text[:0]
}

// item writes what separates a value or key from what is before it.
func (e *encoder) item() {
	switch {
	case e.keyed:
	case e.fresh && e.lines:
		e.text = append(e.text, '\n')
	case e.fresh:
	case e.lines:
		e.text = append(e.text, ",\n"...)
	default:
		e.text = append(e.text, ", "...)
	}
	e.fresh, e.keyed = false, false
}

func (e *encoder) open(bracket byte) {
	e.item()
	e.text = append(e.text, bracket)
	e.fresh = true
}

func (e *encoder) close(bracket byte) {
	if e.lines && !e.fresh {
		e.text = append(e.text, '\n')
	}
	e.text = append(e.text, bracket)
	e.fresh = false
	if len(e.text) > 1<<15 {
		e.flush()
	}
}

func (e *encoder) key(name string) *encoder {
	e.str(name)
	e.text = append(e.text, ": "...)
	e.keyed = true
	return e
}

func (e *encoder) str(s string) {
	e.item()
	e.text = append(e.text, '"')
	e.text = append(e.text, s...)
	e.text = append(e.text, '"')
}

func (e *encoder) strs(list ...string) {
	e.open('[')
	for _, s := range list {
		e.str(s)
	}
	e.close(']')
}

func (e *encoder) integer(n int64) {
	e.item()
	e.text = strconv.AppendInt(e.text, n, 10)
}

func (e *encoder) boolean(b bool) {
	e.item()
	e.text = strconv.AppendBool(e.text, b)
}

func (e *encoder) float(x float64) {
	e.item()
	e.text = python.AppendFloat(e.text, x)
}

func (e *encoder) floats(list ...float64) {
	e.open('[')
	for _, x := range list {
		e.float(x)
	}
	e.close(']')
}

// rowKind tells the tables' tokens apart.
type rowKind uint64

const (
	attributeRow rowKind = iota + 1
	categoryRow
	sensorRow
	calibrationRow
	logRow
	mapRow
	sceneRow
	sampleRow
	dataRow // and the ego pose, as in nuScenes
	instanceRow
	annotationRow
)

// token names a row by 32 hexadecimal digits: of a table, of a scene if it
// belongs to one, below 1<<12, and of two numbers below 1<<22. Different rows
// have different tokens, as the first half is a bijection of all of these.
func token(kind rowKind, scene, a, b int) string {
	id := uint64(kind)<<56 | uint64(scene)<<44 | uint64(a)<<22 | uint64(b)
	var half [16]byte
	for i := range 8 {
		half[i] = byte(mix(id) >> (8 * i))
		half[8+i] = byte(mix(^id) >> (8 * i))
	}
	return hex.EncodeToString(half[:])
}

// mix is the bijection at the end of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
