package nuscenes

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/solofusion/solofusion/nuscenes/internal/filekind"
	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

// Condition is scenes that have something in common.
type Condition struct {
	Name   string
	Scenes map[*Scene]bool
}

// Conditions sorts the scenes of a split by a field of the tables scene and log,
// whether nuScenes defines it or not: "location" gives a condition for each
// value that occurs. "description:night/rain" gives one for each word, and
// "other" for the scenes with none of them. A scene may have several words: a word
// counts if the field has it, or a word that begins with it, in small letters or
// capitals.
//
// If both tables have the field, scene's counts; "log.token" names the other.
func (d *Dataset) Conditions(split Split, by string) ([]Condition, error) {
	field, words, hasWords := strings.Cut(by, ":")
	values, err := d.sceneValues(field)
	if err != nil {
		return nil, err
	}
	scenes := map[*Scene]bool{}
	for _, s := range split.Samples {
		scenes[s.Scene] = true
	}
	if !hasWords {
		return byValue(scenes, values), nil
	}
	wanted := strings.Split(words, "/")
	if slices.Contains(wanted, "") {
		return nil, fmt.Errorf("nuscenes: %q has an empty word, want FIELD:WORD or FIELD:WORD/WORD", by)
	}
	return byWord(scenes, values, wanted), nil
}

// byValue sorts scenes by their values.
func byValue(scenes map[*Scene]bool, values map[string]string) (all []Condition) {
	of := map[string]map[*Scene]bool{}
	for scene := range scenes {
		value := values[scene.Token]
		if value == "" {
			value = "unknown"
		}
		if of[value] == nil {
			of[value] = map[*Scene]bool{}
		}
		of[value][scene] = true
	}
	for _, value := range slices.Sorted(maps.Keys(of)) {
		all = append(all, Condition{value, of[value]})
	}
	return all
}

// byWord sorts scenes by the words in their values.
func byWord(scenes map[*Scene]bool, values map[string]string, words []string) (all []Condition) {
	other := maps.Clone(scenes)
	for _, word := range words {
		c := Condition{word, map[*Scene]bool{}}
		for scene := range scenes {
			if hasWord(values[scene.Token], word) {
				c.Scenes[scene] = true
				delete(other, scene)
			}
		}
		all = append(all, c)
	}
	return append(all, Condition{"other", other})
}

// hasWord reports whether a word of the text begins with word. So train does not
// have rain, and raining does.
func hasWord(text, word string) bool {
	text, word = strings.ToLower(text), strings.ToLower(word)
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		before, _ := utf8.DecodeLastRuneInString(text[:at+i])
		if !unicode.IsLetter(before) && !unicode.IsDigit(before) {
			return true
		}
		at += i + len(word)
	}
}

// sceneValues returns a field of each scene or of its log, by the scene's token. A
// field of scenes does not need the logs.
func (d *Dataset) sceneValues(field string) (map[string]string, error) {
	scenes, err := d.readFields("scene")
	if err != nil {
		return nil, err
	}
	logs, noLogs := d.readFields("log")
	logOf := map[string]map[string]string{}
	for _, row := range logs {
		logOf[row["token"]] = row
	}
	inScene, inLog := hasField(scenes, strings.TrimPrefix(field, "scene.")), hasField(logs, strings.TrimPrefix(field, "log."))
	values := map[string]string{}
	for _, row := range scenes {
		switch {
		case inScene:
			values[row["token"]] = row[strings.TrimPrefix(field, "scene.")]
		case inLog:
			values[row["token"]] = logOf[row["log_token"]][strings.TrimPrefix(field, "log.")]
		}
	}
	switch {
	case inScene || inLog:
		return values, nil
	case noLogs != nil:
		return nil, noLogs
	default:
		return nil, fmt.Errorf("nuscenes: no scene and no log of %s has a field %q, want one of %s", d.folder(), field, fieldNames(scenes, logs))
	}
}

func hasField(rows []map[string]string, name string) bool {
	return slices.ContainsFunc(rows, func(row map[string]string) bool { _, has := row[name]; return has })
}

// fieldNames lists the fields of tables, but for tokens.
func fieldNames(tables ...[]map[string]string) string {
	names := map[string]bool{}
	for _, row := range slices.Concat(tables...) {
		for name := range row {
			if !strings.HasSuffix(name, "token") {
				names[name] = true
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}

// readFields reads all fields of a small table as texts: strings as they are, null
// as nothing, other values as in the file.
func (d *Dataset) readFields(table string) (rows []map[string]string, err error) {
	file := filepath.Join(d.folder(), table+".json")
	text, err := readText(file)
	if err == nil {
		r := pull.NewReader(strings.TrimPrefix(text, filekind.BOM))
		for range r.Array() {
			row := map[string]string{}
			for key := range r.Object() {
				row[strings.Clone(key)] = readAsText(r)
			}
			rows = append(rows, row)
		}
		err = r.End()
	}
	if err != nil {
		return nil, &TableError{File: file, Row: -1, Err: err}
	}
	return rows, nil
}

func readAsText(r *pull.Reader) string {
	if r.Peek() == '"' {
		return r.String()
	}
	if value := r.Raw(); value != "null" {
		return strings.Clone(value)
	}
	return ""
}
