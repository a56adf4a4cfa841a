package pull

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/bits"
	"strings"
)

// maxDepth bounds the nesting of skipped values, and with it the stack.
const maxDepth = 100

// Reader is a position in a JSON text.
type Reader struct {
	text string
	pos  int
	cut  bool // the text has ended behind a comma, if that is allowed
	err  *failure
}

// failure is a problem at a position.
type failure struct {
	at      int
	problem string
	err     *SyntaxError // made when it is asked for, since lines are counted from the text's beginning
}

// NewReader returns a reader at the start of text.
func NewReader(text string) *Reader { return &Reader{text: text} }

// SyntaxError reports where a text is not the JSON that was expected.
type SyntaxError struct {
	Line, Column int // from 1; the column counts bytes
	Problem      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// Err returns the first error, a [*SyntaxError].
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	if r.err.err == nil {
		before := r.text[:r.err.at]
		r.err.err = &SyntaxError{
			Line:    1 + strings.Count(before, "\n"),
			Column:  len(before) - strings.LastIndexByte(before, '\n'),
			Problem: r.err.problem,
		}
	}
	return r.err.err
}

// Failed reports whether there is an error.
func (r *Reader) Failed() bool { return r.err != nil }

// Fail makes the problem the reader's error, unless it has one.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = &failure{at: r.pos, problem: fmt.Sprintf(format, args...)}
	}
}

// Mark returns a position before the next value, for [Reader.Recover].
func (r *Reader) Mark() int { return r.pos }

// Recover drops the error that reading the value at a mark has met, and goes on
// behind that value. It returns the value's text and the problem. If the value is
// no JSON, the error stays.
func (r *Reader) Recover(mark int) (value, problem string) {
	problem = r.err.problem
	failed := r.err
	r.pos, r.err = mark, nil
	if value = r.Raw(); r.err != nil {
		r.err = failed
		return "", problem
	}
	return value, problem
}

// End returns the first error, or one if anything but space follows.
func (r *Reader) End() error {
	if r.peek(); r.pos < len(r.text) {
		r.Fail("unexpected %s after the value", r.found())
	}
	return r.Err()
}

// Object iterates over the keys of an object. The loop's body reads each
// key's value.
func (r *Reader) Object() iter.Seq[string] { return r.ObjectPart(true, true) }

// Array iterates over the positions of an array's elements. The loop's body
// reads each element.
func (r *Reader) Array() iter.Seq[int] { return r.ArrayPart(true, true) }

// ObjectPart is Object for a text that may begin at a key (first is false) and
// end behind a comma (last is false). If it ends so, the loops around it
// end too, and what they lack is no error.
func (r *Reader) ObjectPart(first, last bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !first || r.open('{', '}', "an object") {
			for r.key(yield) && r.more('}', last) {
			}
		}
	}
}

// ArrayPart is Array for a text that may begin at an element and end behind a
// comma, see [Reader.ObjectPart].
func (r *Reader) ArrayPart(first, last bool) iter.Seq[int] {
	return func(yield func(int) bool) {
		if !first || r.open('[', ']', "an array") {
			for i := 0; yield(i) && r.more(']', last); i++ {
			}
		}
	}
}

// Rest iterates over the keys of an object that follow a member's value.
func (r *Reader) Rest() iter.Seq[string] {
	return func(yield func(string) bool) {
		for r.more('}', true) && r.key(yield) {
		}
	}
}

// key reads a key and yields it.
func (r *Reader) key(yield func(string) bool) bool {
	key := r.View()
	r.expect(':', "a colon after the key")
	return r.err == nil && yield(key)
}

// open moves into a list and reports whether there is an element.
func (r *Reader) open(first, last byte, what string) bool {
	if !r.expect(first, what) {
		return false
	}
	if r.peek() == last {
		r.pos++
		return false
	}
	return true
}

// more moves behind an element of a list, and reports whether another one
// follows.
func (r *Reader) more(end byte, last bool) bool {
	if r.cut || r.err != nil {
		return false
	}
	switch r.peek() {
	case ',':
		r.pos++
		r.cut = !last && r.peek() == 0 && r.pos == len(r.text)
		return !r.cut
	case end:
		r.pos++
	default:
		r.Fail("found %s, want a comma or %q", r.found(), end)
	}
	return false
}

// String reads a string into memory of its own.
func (r *Reader) String() string { return strings.Clone(r.View()) }

// View reads a string. Without escapes, it is a part of the text.
func (r *Reader) View() string {
	if !r.expect('"', "a string") {
		return ""
	}
	start := r.pos
	for r.pos+8 <= len(r.text) {
		if special := specials(word(r.text[r.pos:])); special != 0 {
			r.pos += bits.TrailingZeros64(special) / 8
			break
		}
		r.pos += 8
	}
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

// specials marks with its top bit, from the first one on, each byte that is a
// quote, a backslash or a control character; marks behind the first may be wrong.
func specials(w uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, backslash := w^ones*'"', w^ones*'\\'
	return ((quote-ones)&^quote | (backslash-ones)&^backslash | (w-ones*' ')&^w) & tops
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

// Token reads a string, or the digits of a number, without a copy.
func (r *Reader) Token() string {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		return r.View()
	}
	start := r.pos
	r.Float()
	return r.text[start:r.pos]
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
		_ = r.View()
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

// literal reads letters, digits and signs; "" if there are none, which is
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
	return '0' <= c && c <= '9' || isLetter(c) || c == '-' || c == '+' || c == '.'
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

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

// Peek returns the first byte of what comes next, 0 at the end and after an error.
func (r *Reader) Peek() byte { return r.peek() }

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

// found describes what is at the position: a word such as null, or a character.
func (r *Reader) found() string {
	if r.pos >= len(r.text) {
		return "the end of the text"
	}
	const longest = 20
	end := r.pos
	for end < min(len(r.text), r.pos+longest) && isLetter(r.text[end]) {
		end++
	}
	if end > r.pos {
		return r.text[r.pos:end]
	}
	return fmt.Sprintf("%q", r.text[r.pos])
}
