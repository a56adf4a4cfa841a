package pull

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestReadsEveryKindOfValue(t *testing.T) {
	r := NewReader(` {"s": "plain", "e": "a\"\u00e9", "f": -1.5e3, "i": 42, "b": true,
		"nan": NaN, "inf": -Infinity, "list": [1, 2], "empty": [], "none": {}, "skip": {"a": [null, "x", 1, false]}} `)
	got := map[string]any{}
	for key := range r.Object() {
		switch key {
		case "s", "e":
			got[key] = r.String()
		case "f", "nan", "inf":
			got[key] = r.Float()
		case "i":
			got[key] = r.Int()
		case "b":
			got[key] = r.Bool()
		case "list", "empty":
			sum := 0.0
			for i := range r.Array() {
				sum += float64(i+1) * r.Float()
			}
			got[key] = sum
		case "skip":
			got[key] = r.Raw()
		default:
			r.Skip()
		}
	}
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"s": "plain", "e": "a\"é", "f": -1500.0, "i": int64(42), "b": true,
		"inf": math.Inf(-1), "list": 5.0, "empty": 0.0, "skip": `{"a": [null, "x", 1, false]}`,
	}
	for key, w := range want {
		if got[key] != w {
			t.Errorf("%s = %v, want %v", key, got[key], w)
		}
	}
	if nan, ok := got["nan"].(float64); !ok || !math.IsNaN(nan) {
		t.Errorf("nan = %v", got["nan"])
	}
}

func TestErrorsSayWhereAndWhat(t *testing.T) {
	float := func(r *Reader) { r.Float() }
	tests := []struct {
		text string
		read func(*Reader)
		want string
	}{
		{``, float, "line 1, column 1: found the end of the text, want a number"},
		{"\n  \"x\"", float, `line 2, column 3: found '"', want a number`},
		{`null`, float, "found null, want a number"},
		{`01`, float, "found 01, want a number"},
		{`1.`, float, "found 1., want a number"},
		{`1e`, float, "found 1e, want a number"},
		{`1x`, float, "found 1x, want a number"},
		{`0x1p3`, float, "found 0x1p3, want a number"},
		{`1 2`, float, "unexpected '2' after the value"},
		{`1.5`, func(r *Reader) { r.Int() }, "found 1.5, want an integer"},
		{`+1`, func(r *Reader) { r.Int() }, "found +1, want an integer"},
		{`yes`, func(r *Reader) { r.Bool() }, "found yes, want true or false"},
		{`"abc`, func(r *Reader) { _ = r.String() }, "the text ends within a string"},
		{`"a\`, func(r *Reader) { _ = r.String() }, "the text ends within a string"},
		{`"a\q"`, func(r *Reader) { _ = r.String() }, "bad string"},
		{"\"a\nb\"", func(r *Reader) { _ = r.String() }, "control character"},
		{`nul`, (*Reader).Skip, "found nul, want a value"},
		{`{"a" 1}`, (*Reader).Skip, "want a colon after the key"},
		{`{"a": 1`, (*Reader).Skip, "found the end of the text, want a comma or '}'"},
		{`[null`, func(r *Reader) { r.Floats(nil) }, "found null, want a number"},
		{`null`, func(r *Reader) { r.Floats(nil) }, "found null, want an array"},
		{`[1 2]`, (*Reader).Skip, "found '2', want a comma or ']'"},
		{`[1,]`, (*Reader).Skip, "found ']', want a number"},
		{strings.Repeat("[", 1000), (*Reader).Skip, "nest deeper than 100"},
	}
	for _, test := range tests {
		r := NewReader(test.text)
		test.read(r)
		if err := r.End(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.20q: error %v, want %q", test.text, err, test.want)
		}
	}
}

func TestTheFirstErrorSticks(t *testing.T) {
	r := NewReader(`[1, x, 3]`)
	n := 0
	for range r.Array() {
		r.Float()
		n++
	}
	first := r.Err()
	r.Fail("another")
	if n != 2 || first == nil || r.Err() != first || r.Float() != 0 || r.String() != "" || r.Raw() != "" {
		t.Errorf("after %d elements: %v, then %v", n, first, r.Err())
	}
}

func TestFloatsTellsHowManyThereAre(t *testing.T) {
	for text, want := range map[string]int{`[]`: 0, `[1]`: 1, ` [ 1 , 2 ] `: 2, `[1,2,3]`: 3} {
		var dst [2]float64
		r := NewReader(text)
		if n := r.Floats(dst[:]); n != want || r.End() != nil || want > 1 && dst != [2]float64{1, 2} {
			t.Errorf("%s: %d numbers, %v, %v, want %d", text, n, dst, r.End(), want)
		}
	}
}

// TestParts cuts a text behind every comma: the parts must read as the
// whole does if the comma is one between elements of the outer list, and
// must not be accepted elsewhere.
func TestParts(t *testing.T) {
	array := func(text string, first, last bool) (list []string, err error) {
		r := NewReader(text)
		for range r.ArrayPart(first, last) {
			list = append(list, r.Raw())
		}
		return list, r.End()
	}
	const text = `[ {"a": [1, 2]}, "x,y", [3, [4, 5]] ,6]`
	whole, err := array(text, true, true)
	if err != nil || len(whole) != 4 {
		t.Fatal(whole, err)
	}
	outer := 0
	for i := range text {
		if text[i] != ',' {
			continue
		}
		head, err := array(text[:i+1], true, false)
		tail, tailErr := array(text[i+1:], false, true)
		switch between := err == nil && tailErr == nil; {
		case between && !slices.Equal(append(head, tail...), whole):
			t.Errorf("cut at %d: %q and %q", i, head, tail)
		case between:
			outer++
		}
	}
	if outer != 3 {
		t.Errorf("%d cuts, want 3", outer)
	}
	for _, text := range []string{`[1`, `1`, `[`} {
		if _, err := array(text, text[0] == '[', false); err == nil {
			t.Errorf("%s: no error, though it does not end behind a comma", text)
		}
	}
}

func TestObjectsCanBeReadInParts(t *testing.T) {
	read := func(text string, first, last bool) (keys string, err error) {
		r := NewReader(text)
		inner := func() {
			for key := range r.ObjectPart(first, last) {
				keys += key
				r.Skip()
			}
		}
		if first {
			for key := range r.Object() {
				if keys += key; key == "o" {
					inner()
				} else {
					r.Skip()
				}
			}
		} else {
			inner()
			for key := range r.Rest() {
				keys += key
				r.Skip()
			}
		}
		return keys, r.End()
	}
	const text = `{"m": 1, "o": {"a": {}, "b": [1, 2], "c": 3}, "n": 4}`
	first, err := read(text[:24], true, false)
	if err != nil || first != "moa" {
		t.Errorf("first part: %q, %v", first, err)
	}
	if middle, err := read(text[24:36], false, false); err != nil || middle != "b" {
		t.Errorf("middle part: %q, %v", middle, err)
	}
	if _, err := read(text[24:32], false, false); err == nil {
		t.Errorf("%s: no error, though it ends in an array", text[24:32])
	}
	if last, err := read(text[24:], false, true); err != nil || last != "bcn" {
		t.Errorf("last part: %q, %v", last, err)
	}
}

// FuzzFloat holds the reader against strconv.
func FuzzFloat(f *testing.F) {
	for _, s := range []string{
		"0", "-0", "0.0", "1", "123456789", "634.4512329101562", "-0.2697094678878784", "0.008012653266139647",
		"9007199254740993", "9007199254740992.5", "0.1234567890123456789", "12345678901234567890", "1e5", "1.5E-7",
		"0.00000000000000000005", "18446744073709551615", "9999999999999999999", "1.0000000000000002", "00.5", "1.", ".5",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !isNumber(s) {
			if x, n := decimal(s); n == len(s) && n > 0 {
				t.Errorf("%q is no number, but was read as %g", s, x)
			}
			return
		}
		r := NewReader(s)
		got := r.Float()
		want, _ := strconv.ParseFloat(s, 64)
		if r.End() != nil || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s: %g, %v, want %g", s, got, r.End(), want)
		}
	})
}

func TestFloatIsTheNearestDouble(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.StringMatching(`-?(0|[1-9][0-9]{0,19})\.[0-9]{1,20}`),
			rapid.Map(rapid.Float64Range(-1e4, 1e4), func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }),
			rapid.Map(rapid.Float64(), func(x float64) string { return strconv.FormatFloat(x, 'e', -1, 64) }),
		).Draw(t, "number")
		want, _ := strconv.ParseFloat(s, 64)
		if got := NewReader(s).Float(); math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s: %b, want %b", s, got, want)
		}
	})
}

// FuzzSkip holds the reader against encoding/json: what that accepts is
// accepted here, and nothing else but the three numbers of Python.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,"x\n",true,null]}`, `[NaN]`, `-`, `"\u12"`, `{"a":{}}  `, `[[[[`, `1e999`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := NewReader(s)
		r.Skip()
		err := r.End()
		valid := json.Valid([]byte(s))
		if valid && err != nil && !strings.Contains(err.Error(), "nest deeper") {
			t.Errorf("%q is JSON, but: %v", s, err)
		}
		if !valid && err == nil && !strings.Contains(s, "NaN") && !strings.Contains(s, "Infinity") {
			t.Errorf("%q is not JSON, but was accepted", s)
		}
	})
}

func TestRoundedKeepsIntegersAndRoundsTheRest(t *testing.T) {
	for _, test := range []struct {
		text string
		n    int64
		rest float64
		fail string
	}{
		{"1557858039302414.8", 1557858039302415, -0.25, ""}, // the double nearest to it ends in .75
		{"1.5e15", 1500000000000000, 0, ""},
		{"9223372036854775807", math.MaxInt64, 0, ""},
		{"-3", -3, 0, ""},
		{"1e19", 0, 0, "want a number below 2^63"},
		{"NaN", 0, 0, "want a number below 2^63"},
		{`"5"`, 0, 0, "want a number"},
		{"007", 0, 0, "want a number"},
	} {
		r := NewReader(test.text)
		n, rest := r.Rounded()
		if err := r.End(); n != test.n || rest != test.rest || (err == nil) != (test.fail == "") || err != nil && !strings.Contains(err.Error(), test.fail) {
			t.Errorf("%s: %d, %g, %v", test.text, n, rest, err)
		}
	}
}

func TestTokensMayBeNumbers(t *testing.T) {
	for text, want := range map[string]string{`"a"`: "a", "4": "4", " -1": "-1", "null": "", "{}": ""} {
		r := NewReader(text)
		if got := r.Token(); got != want || r.Failed() != (want == "") {
			t.Errorf("%s: %q, %v", text, got, r.Err())
		}
	}
}

func TestRecoverGoesOnBehindTheValue(t *testing.T) {
	r := NewReader(`[{"a": [1, "x"]}, 2]`)
	for i := range r.Array() {
		mark := r.Mark()
		if n := r.Int(); i == 1 && n != 2 {
			t.Errorf("read %d", n)
		}
		if i == 0 {
			if value, problem := r.Recover(mark); value != `{"a": [1, "x"]}` || !strings.Contains(problem, "want an integer") {
				t.Errorf("%s: %s", value, problem)
			}
		}
	}
	if err := r.End(); err != nil {
		t.Error(err)
	}
	r = NewReader(`[1, }`)
	r.Int()
	if value, _ := r.Recover(0); value != "" || r.Err() == nil {
		t.Errorf("recovered %q from what is no JSON", value)
	}
}
