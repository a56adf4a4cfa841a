package pull

import (
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// maxDepth bounds the nesting of skipped values, and with it the stack.
const maxDepth = 100

// Reader is a position in a JSON text.
type Reader struct {
	text string
	pos  int
	err  error
}

// NewReader returns a reader at the start of text.
func NewReader(text string) *Reader { return &Reader{text: text} }

// SyntaxError says where a text is not the JSON that was expected.
type SyntaxError struct {
	Line, Column int // from 1; the column counts bytes
	Problem      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Fail makes the problem the reader's error, unless it has one.
func (r *Reader) Fail(format string, args ...any) {
	if r.err != nil {
		return
	}
	before := r.text[:r.pos]
	r.err = &SyntaxError{
		Line:    1 + strings.Count(before, "\n"),
		Column:  len(before) - strings.LastIndexByte(before, '\n'),
		Problem: fmt.Sprintf(format, args...),
	}
}

// End returns the first error, or one if anything but space follows.
func (r *Reader) End() error {
	if r.peek(); r.pos < len(r.text) {
		r.Fail("unexpected %s after the value", r.found())
	}
	return r.err
}

// Object iterates over the keys of an object. The loop's body reads each
// key's value.
func (r *Reader) Object() iter.Seq[string] {
	return func(yield func(string) bool) {
		r.list('{', '}', "an object", func() bool {
			key := r.String()
			r.expect(':', "a colon after the key")
			return r.err == nil && yield(key)
		})
	}
}

// Array iterates over the positions of an array's elements. The loop's body
// reads each element.
func (r *Reader) Array() iter.Seq[int] {
	return func(yield func(int) bool) {
		i := 0
		r.list('[', ']', "an array", func() bool {
			i++
			return yield(i - 1)
		})
	}
}

func (r *Reader) list(first, last byte, what string, element func() bool) {
	if !r.expect(first, what) {
		return
	}
	if r.peek() == last {
		r.pos++
		return
	}
	for element() && r.err == nil {
		switch r.peek() {
		case ',':
			r.pos++
		case last:
			r.pos++
			return
		default:
			r.Fail("found %s, want a comma or %q", r.found(), last)
		}
	}
}

// String reads a string.
func (r *Reader) String() string {
	if !r.expect('"', "a string") {
		return ""
	}
	start := r.pos
	for ; r.pos < len(r.text); r.pos++ {
		switch c := r.text[r.pos]; {
		case c == '"':
			r.pos++
			return r.text[start : r.pos-1]
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			r.Fail("control character in a string")
			return ""
		}
	}
	r.Fail("the text ends within a string")
	return ""
}

// escaped reads the string that began at start and holds a backslash.
func (r *Reader) escaped(start int) string {
	for ; r.pos < len(r.text) && r.text[r.pos] != '"'; r.pos++ {
		if r.text[r.pos] == '\\' {
			r.pos++
		}
	}
	if r.pos >= len(r.text) {
		r.pos = len(r.text)
		r.Fail("the text ends within a string")
		return ""
	}
	r.pos++
	var s string
	if err := json.Unmarshal([]byte(r.text[start-1:r.pos]), &s); err != nil {
		r.Fail("bad string: %v", err)
	}
	return s
}

// Float reads a number, which may be NaN or infinite.
func (r *Reader) Float() float64 {
	literal := r.literal("a number")
	switch literal {
	case "":
		return 0
	case "NaN", "Infinity", "-Infinity":
	default:
		if !isNumber(literal) {
			r.pos -= len(literal)
			r.Fail("found %s, want a number", literal)
			return 0
		}
	}
	// Out of range comes back as an infinity, as in Python.
	x, _ := strconv.ParseFloat(literal, 64)
	return x
}

// Int reads a number without fraction or exponent.
func (r *Reader) Int() int64 {
	literal := r.literal("an integer")
	if literal == "" {
		return 0
	}
	n, err := strconv.ParseInt(literal, 10, 64)
	if err != nil || !isNumber(literal) {
		r.pos -= len(literal)
		r.Fail("found %s, want an integer of at most 64 bits", literal)
		return 0
	}
	return n
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	literal := r.literal("true or false")
	if literal != "" && literal != "true" && literal != "false" {
		r.pos -= len(literal)
		r.Fail("found %s, want true or false", literal)
	}
	return literal == "true"
}

// Raw reads any value and returns its text.
func (r *Reader) Raw() string {
	r.peek()
	start := r.pos
	r.Skip()
	if r.err != nil {
		return ""
	}
	return r.text[start:r.pos]
}

// Skip reads any value and drops it.
func (r *Reader) Skip() { r.skip(0) }

func (r *Reader) skip(depth int) {
	if depth > maxDepth {
		r.Fail("values nest deeper than %d", maxDepth)
		return
	}
	switch r.peek() {
	case '{':
		for range r.Object() {
			r.skip(depth + 1)
		}
	case '[':
		for range r.Array() {
			r.skip(depth + 1)
		}
	case '"':
		_ = r.String()
	case 't', 'f':
		r.Bool()
	case 'n':
		if l := r.literal("a value"); l != "null" {
			r.Fail("found %s, want a value", l)
		}
	default:
		r.Float()
	}
}

// literal reads letters, digits and signs; "" where there are none, which is
// an error that names what was wanted.
func (r *Reader) literal(want string) string {
	if r.peek(); r.err != nil {
		return ""
	}
	start := r.pos
	for r.pos < len(r.text) && isLiteral(r.text[r.pos]) {
		r.pos++
	}
	if start == r.pos {
		r.Fail("found %s, want %s", r.found(), want)
	}
	return r.text[start:r.pos]
}

func isLiteral(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' ||
		c == '-' || c == '+' || c == '.'
}

// isNumber reports whether s follows JSON's grammar for numbers, which is
// narrower than strconv's.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if fraction, ok := strings.CutPrefix(s, "."); ok {
		n := digits(fraction)
		if n == 0 {
			return false
		}
		s = fraction[n:]
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digits(s) == len(s)
}

// digits returns how many decimal digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// expect moves past c, after space.
func (r *Reader) expect(c byte, what string) bool {
	if r.peek() != c {
		r.Fail("found %s, want %s", r.found(), what)
		return false
	}
	if r.err != nil {
		return false
	}
	r.pos++
	return true
}

// peek skips space and returns the next byte, 0 at the end and after an error.
func (r *Reader) peek() byte {
	if r.err != nil {
		return 0
	}
	for ; r.pos < len(r.text); r.pos++ {
		switch c := r.text[r.pos]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// found describes what is at the position.
func (r *Reader) found() string {
	if r.pos >= len(r.text) {
		return "the end of the text"
	}
	return fmt.Sprintf("%q", r.text[r.pos])
}
