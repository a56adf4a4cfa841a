package pull

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
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
