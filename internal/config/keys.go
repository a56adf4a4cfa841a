package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// walk calls visit with each key of the struct v and the field of its value, in
// order.
func walk(prefix string, v reflect.Value, visit func(key string, field reflect.Value)) {
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		if name == "-" { // not a setting
			continue
		}
		key := prefix + name
		if field := v.Field(i); field.Kind() == reflect.Struct {
			walk(key+".", field, visit)
		} else {
			visit(key, field)
		}
	}
}

// variable returns the name of the key's environment variable.
func variable(key string) string {
	return "SOLOFUSION_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

var durationType = reflect.TypeFor[time.Duration]()

// assign sets field to a value of YAML or of the environment. If the value has a
// wrong type it returns the right one, otherwise "".
func assign(field reflect.Value, value any) (want string) {
	text, isText := value.(string)
	switch {
	case field.Type() == durationType:
		d, err := time.ParseDuration(text)
		if !isText || err != nil {
			return "a duration with its unit, for example 150ms or 5s"
		}
		field.SetInt(int64(d))
	case field.Kind() == reflect.Int:
		n, err := strconv.Atoi(fmt.Sprint(value))
		if err != nil {
			return "a whole number"
		}
		field.SetInt(int64(n))
	case field.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(fmt.Sprint(value))
		if err != nil {
			return "true or false"
		}
		field.SetBool(b)
	case field.Kind() == reflect.Float64:
		x, err := strconv.ParseFloat(fmt.Sprint(value), 64)
		if err != nil {
			return "a number"
		}
		field.SetFloat(x)
	case field.Kind() == reflect.String:
		if value != nil && reflect.TypeOf(value).Kind() >= reflect.Array && !isText {
			return "a text"
		}
		if value == nil {
			value = ""
		}
		field.SetString(fmt.Sprint(value))
	default:
		return assignList(field, value)
	}
	return ""
}

func assignList(field reflect.Value, value any) (want string) {
	var list []string
	switch v := value.(type) {
	case string:
		for item := range strings.SplitSeq(v, ",") {
			if v != "" {
				list = append(list, strings.TrimSpace(item))
			}
		}
	case []any:
		for _, item := range v {
			list = append(list, fmt.Sprint(item))
		}
	case nil:
	default:
		return "a list of texts"
	}
	field.Set(reflect.ValueOf(list))
	return ""
}
