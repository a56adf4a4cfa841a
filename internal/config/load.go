package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/knadh/koanf/v2"
	"gopkg.in/yaml.v3"

	"github.com/solofusion/solofusion/bus"
)

// Path returns the path of the user's configuration file:
// solofusion/solofusion.yaml in XDG_CONFIG_HOME, or in ~/.config. It fails if there
// is neither XDG_CONFIG_HOME nor a home.
func Path() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("config: no folder for the configuration file: %w", err)
	}
	return filepath.Join(dir, "solofusion", "solofusion.yaml"), nil
}

// Load returns the defaults, overridden by the file at path, overridden by environ
// ("NAME=value" each). With an empty path it reads the file at [Path], if there is
// one. The error is a [Faults] if keys or values are wrong.
func Load(path string, environ []string) (Config, error) {
	text, path, err := read(path)
	if err != nil {
		return Config{}, err
	}
	return parse(text, path, environ)
}

func read(path string) (text []byte, name string, err error) {
	named := path != ""
	if !named {
		if path, err = Path(); err != nil {
			return nil, "", nil // without a home there is no file
		}
	}
	text, err = os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("config: %w", err)
	}
	return text, path, nil
}

// parse returns the configuration of text, the contents of the file name.
func parse(text []byte, name string, environ []string) (Config, error) {
	tree := koanf.New(".")
	if err := tree.Load(rawBytes(text), yamlParser{}); err != nil {
		return Config{}, fmt.Errorf("config: %s: %w", name, err)
	}
	c := Default()
	origins, faults := map[string]string{}, Faults{}
	faults = append(faults, unknownKeys(&c, tree, name)...)
	for _, key := range tree.Keys() {
		origins[key] = name
	}
	variables, unknown := fromEnvironment(&c, environ)
	faults = append(faults, unknown...)
	for key, value := range variables {
		origins[key] = variable(key)
		if err := tree.Set(key, value); err != nil {
			return Config{}, fmt.Errorf("config: %s: %w", variable(key), err)
		}
	}
	walk("", reflect.ValueOf(&c).Elem(), func(key string, field reflect.Value) {
		if !tree.Exists(key) || isTable(tree.Get(key)) {
			return
		}
		if want := assign(field, tree.Get(key)); want != "" {
			faults = append(faults, Fault{key, show(key, tree.Get(key)), want, origins[key]})
		}
	})
	faults = append(faults, c.check(faults, origins)...)
	if len(faults) > 0 {
		slices.SortStableFunc(faults, func(a, b Fault) int { return strings.Compare(a.Key, b.Key) })
		return Config{}, faults
	}
	return c, nil
}

func isTable(v any) bool { _, ok := v.(map[string]any); return ok }

// show returns the value for a fault; secrets are hidden.
func show(key string, value any) string {
	if slices.Contains([]string{"nats.password", "nats.token", "nats.embedded.users"}, key) {
		return "(hidden)"
	}
	if text, isText := value.(string); isText && key == "nats.url" {
		value = bus.Redacted(text)
	}
	return fmt.Sprintf("%#v", value)
}

// unknownKeys returns a fault for each key of the file that c does not have.
func unknownKeys(c *Config, tree *koanf.Koanf, name string) (faults Faults) {
	known := keys(c)
	for _, key := range tree.Keys() {
		value := tree.Get(key)
		if slices.Contains(known, key) && !isTable(value) {
			continue
		}
		section := slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, key+".") })
		if section && (value == nil || isTable(value)) {
			continue // a section with all its keys commented out
		}
		want := "one of the keys of solofusion.yaml; the nearest is " + nearest(key, known)
		if section {
			want = "a section with keys in it"
		}
		faults = append(faults, Fault{key, show(key, value), want, name})
	}
	return faults
}

func keys(c *Config) (all []string) {
	walk("", reflect.ValueOf(c).Elem(), func(key string, _ reflect.Value) { all = append(all, key) })
	return all
}

// fromEnvironment returns the values of the variables of c's keys. A variable with
// the prefix of a section but no key is a fault; all others are ignored.
func fromEnvironment(c *Config, environ []string) (values map[string]string, unknown Faults) {
	known, variables, sections := keys(c), []string{}, []string{}
	for _, key := range known {
		variables = append(variables, variable(key))
		section, _, _ := strings.Cut(key, ".")
		sections = append(sections, variable(section)+"_")
	}
	values = map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if i := slices.Index(variables, name); i >= 0 {
			values[known[i]] = value
		} else if slices.ContainsFunc(sections, func(s string) bool { return strings.HasPrefix(name, s) }) {
			want := "one of the variables of solofusion.yaml; the nearest is " + nearest(name, variables)
			unknown = append(unknown, Fault{name, fmt.Sprintf("%q", value), want, "the environment"})
		}
	}
	return values, unknown
}

// nearest returns the name in all with the smallest edit distance.
func nearest(name string, all []string) string {
	return slices.MinFunc(all, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance returns the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// rawBytes and yamlParser implement koanf's provider and parser.
type rawBytes []byte

func (b rawBytes) ReadBytes() ([]byte, error)    { return b, nil }
func (b rawBytes) Read() (map[string]any, error) { return nil, errors.ErrUnsupported }

type yamlParser struct{}

func (yamlParser) Unmarshal(b []byte) (m map[string]any, err error) {
	d := yaml.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&m); err != nil && err != io.EOF { // an empty file
		return nil, err
	}
	var more any
	switch err := d.Decode(&more); {
	case err == io.EOF:
		return m, nil
	case err != nil:
		return nil, err
	}
	return nil, errors.New("a second document begins with ---, want one")
}

func (yamlParser) Marshal(m map[string]any) ([]byte, error) { return yaml.Marshal(m) }
