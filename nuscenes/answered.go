package nuscenes

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/nuscenes/internal/filekind"
	"github.com/solofusion/solofusion/nuscenes/internal/pull"
)

// Answered returns the split that has exactly the samples of the results: "all",
// one that nuScenes defines for the version, or a custom one, in this order; of
// several custom ones the first by name. file is that of custom splits, as in
// [Part].
func (d *Dataset) Answered(results *Results, file string) (Split, bool) {
	tokens := make(map[string]bool, len(results.Samples))
	for _, r := range results.Samples {
		tokens[r.Token] = true
	}
	names := []string{"all"}
	if file == "" {
		names = append(names, OfficialSplits()...)
	}
	for _, name := range append(names, d.customNames(file)...) {
		split, err := d.Part(Part{Split: name, File: file})
		if err != nil || len(split.Samples) != len(tokens) { // splits of other versions have no samples
			continue
		}
		if !slices.ContainsFunc(split.Samples, func(s *Sample) bool { return !tokens[s.Token] }) {
			return split, true
		}
	}
	return Split{}, false
}

// customNames returns the names in a file of custom splits, sorted; none of a
// file that cannot be read.
func (d *Dataset) customNames(file string) []string {
	_, names, _ := readSplit(cmp.Or(file, d.splitsFile()), "")
	slices.Sort(names)
	return slices.Compact(names)
}

// Only returns the split with only the samples of these tokens, in the split's
// order. It fails if one is of no sample of the split.
func (s Split) Only(d *Dataset, tokens []string) (Split, error) {
	wanted, in := set(tokens), make(map[string]bool, len(s.Samples))
	part := s
	part.Samples, part.Whole = nil, false
	for _, sample := range s.Samples {
		in[sample.Token] = true
		if wanted[sample.Token] {
			part.Samples = append(part.Samples, sample)
		}
	}
	var unknown, others []string
	for _, token := range tokens {
		switch {
		case d.Sample(token) == nil:
			unknown = append(unknown, token)
		case !in[token]:
			others = append(others, token)
		}
	}
	switch {
	case len(unknown) > 0:
		return Split{}, fmt.Errorf("nuscenes: %d of %d tokens are of no sample of %s: %s", len(unknown), len(tokens), d.folder(), firstFew(unknown))
	case len(others) > 0:
		return Split{}, fmt.Errorf("nuscenes: %d of %d samples are not of split %s: %s", len(others), len(tokens), s.Name, firstFew(others))
	}
	return part, nil
}

func firstFew(tokens []string) string {
	if len(tokens) > 3 {
		return strings.Join(tokens[:3], ", ") + ", ..."
	}
	return strings.Join(tokens, ", ")
}

// ReadTokens reads a file of tokens: a JSON list of them, or a token a line.
func ReadTokens(file string) ([]string, error) {
	text, err := readText(file)
	if err == nil {
		var tokens []string
		if tokens, err = parseTokens(strings.TrimPrefix(text, filekind.BOM)); err == nil {
			return tokens, nil
		}
	}
	return nil, fmt.Errorf("nuscenes: %s: %w", file, err)
}

func parseTokens(text string) (tokens []string, err error) {
	if kind := filekind.Kind([]byte(text[:min(filekind.Head, len(text))])); kind != "" {
		return nil, fmt.Errorf("is %s, want sample tokens, one a line or a JSON list", kind)
	}
	switch r := pull.NewReader(text); r.Peek() {
	case '[':
		for range r.Array() {
			tokens = append(tokens, strings.Clone(r.Token()))
		}
		err = r.End()
	case '{':
		err = errors.New("is a JSON object, want sample tokens, one a line or a JSON list")
	default:
		tokens = strings.Fields(text)
	}
	if err == nil && len(tokens) == 0 {
		err = errors.New("has no sample token")
	}
	return tokens, err
}
