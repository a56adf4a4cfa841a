package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/solofusion/solofusion/nuscenes/internal/python"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key   string
	value any
}

// encode writes a value as Python's json.dump does with an indent of 2.
func encode(value any) []byte {
	var b bytes.Buffer
	appendValue(&b, value, "\n")
	return b.Bytes()
}

// appendValue writes a value; newline starts a line at its indentation.
func appendValue(b *bytes.Buffer, value any, newline string) {
	inner := newline + "  "
	switch v := value.(type) {
	case object:
		for i, m := range v {
			b.WriteString([]string{"{", ","}[min(i, 1)] + inner + `"` + m.key + `": `)
			appendValue(b, m.value, inner)
		}
		b.WriteString(newline + "}")
	case []float64:
		for i, x := range v {
			b.WriteString([]string{"[", ","}[min(i, 1)] + inner + pythonFloat(x))
		}
		b.WriteString(newline + "]")
	case []object:
		b.WriteString("[")
		for i, element := range v {
			b.WriteString([]string{"", ","}[min(i, 1)] + inner)
			appendValue(b, element, inner)
		}
		b.WriteString(newline + "]")
	case float64:
		b.WriteString(pythonFloat(v))
	case int:
		b.WriteString(strconv.Itoa(v))
	case string:
		b.Write(quoted(v))
	case json.RawMessage:
		if err := json.Indent(b, v, newline[1:], "  "); err != nil {
			panic("eval: meta is no JSON: " + err.Error())
		}
	default:
		panic(fmt.Sprintf("eval: no JSON form for %T", value))
	}
}

func quoted(s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string is always writable
	}
	return text
}

// pythonFloat is the number as Python prints it.
func pythonFloat(x float64) string { return string(python.AppendFloat(nil, x)) }
