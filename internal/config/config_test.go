package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/perception/pipeline"
)

const reference = "../../solofusion.yaml"

// TestReferenceFile: solofusion.yaml has every key with its default, and a comment
// above it.
func TestReferenceFile(t *testing.T) {
	c, err := Load(reference, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), c); diff != "" {
		t.Errorf("solofusion.yaml differs from the defaults (-default +file):\n%s", diff)
	}
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	collect(t, "", root.Content[0], got)
	for _, key := range keys(&c) {
		if !got[key] {
			t.Errorf("solofusion.yaml lacks %s", key)
		}
	}
}

// collect records the keys under a mapping. Each has a comment, except password,
// which shares that of user.
func collect(t *testing.T, prefix string, table *yaml.Node, got map[string]bool) {
	for i := 0; i < len(table.Content); i += 2 {
		key, value := table.Content[i], table.Content[i+1]
		name := prefix + key.Value
		if key.HeadComment == "" && name != "nats.password" {
			t.Errorf("solofusion.yaml: %s has no comment above it", name)
		}
		got[name] = true
		if value.Kind == yaml.MappingNode {
			collect(t, name+".", value, got)
		}
	}
}

func TestFileAndEnvironment(t *testing.T) {
	text := "nats: {url: 'nats://a:1', rig: x}\nsync:\nonnx: {providers: [cuda, cpu], threads: 3}\nlog: {}\n"
	c, err := parse([]byte(text), "f.yaml", []string{
		"SOLOFUSION_NATS_RIG=y", "SOLOFUSION_SYNC_DEADLINE=20ms", "SOLOFUSION_ONNX_PROVIDERS=cpu, cuda",
		"SOLOFUSION_DATA=elsewhere", "SOLOFUSION_ONNXRUNTIME=lib.so", "PATH=/bin",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.NATS.URL, want.NATS.Rig = "nats://a:1", "y"
	want.Sync.Deadline = 20 * time.Millisecond
	want.ONNX = ONNX{Providers: []string{"cpu", "cuda"}, Threads: 3}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

// The store between runs is one of the port; a server that nobody finds again has none.
func TestStoreOfTheEmbeddedServer(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/state")
	for _, test := range []struct{ store, port, want string }{
		{"", "4222", "/state/solofusion/nats/4222"},
		{"", "-1", ""},
		{"temporary", "4222", ""},
		{"/data", "-1", "/data"},
	} {
		c, err := parse(nil, "", []string{"SOLOFUSION_NATS_EMBEDDED_STORE=" + test.store, "SOLOFUSION_NATS_EMBEDDED_PORT=" + test.port})
		if err != nil {
			t.Fatal(err)
		}
		if o, err := c.NATS.Server(); err != nil || o.Store != test.want {
			t.Errorf("store %q of port %s is %q, want %q (%v)", test.store, test.port, o.Store, test.want, err)
		}
	}
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", "")
	c := Default()
	if _, err := c.NATS.Server(); err == nil || !strings.Contains(err.Error(), "nats.embedded.store") {
		t.Errorf("without a home: %v", err)
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name, text string
		environ    []string
		want       []string // "key: value: want …", beginnings
	}{
		{"all at once", "nats: {embedded: {port: 70000}, rig: \"\"}\nsync: {spread: 60}\nlog: {level: loud}\n", nil, []string{
			`log.level: "loud": want debug, info, warn or error (from f.yaml)`,
			`nats.embedded.port: 70000: want 1 to 65535, or -1 for any free port (from f.yaml)`,
			`nats.rig: "": want 1 to 255 bytes of UTF-8`,
			`sync.spread: 60: want a duration with its unit`,
		}},
		{"prefix", "nats: {prefix: a..b, rig: a..b}\n", nil, []string{`nats.prefix: "a..b": want letters`}},
		{"unknown key", "nats: {ulr: x}\n", nil, []string{`nats.ulr: "x": want one of the keys of solofusion.yaml; the nearest is nats.url`}},
		{"unknown section", "natz: {url: x}\n", nil, []string{`natz.url: "x": want one of the keys`}},
		{"section as a value", "nats: 5\n", nil, []string{`nats: 5: want a section`}},
		{"key as a section", "nats: {url: {a: 1}}\n", nil, []string{`nats.url.a: 1: want one of the keys`}},
		{"key as an empty section", "nats: {url: {}}\n", nil, []string{`nats.url: map[string]interface {}{}: want one of the keys`}},
		{"list for a text", "nats: {rig: [a]}\n", nil, []string{`nats.rig: []interface {}{"a"}: want a text`}},
		{"text for a switch", "service: {overlap: often}\n", nil, []string{`service.overlap: "often": want true or false`}},
		{"text for a number", "onnx: {threads: many}\n", nil, []string{`onnx.threads: "many": want a whole number`}},
		{"number for a list", "onnx: {providers: 1}\n", nil, []string{`onnx.providers: 1: want a list`}},
		{"provider", "onnx: {providers: [cpu, cpu]}\n", nil, []string{`onnx.providers: []string{"cpu", "cpu"}: want some of`}},
		{"no provider", "onnx: {providers: []}\n", nil, []string{`onnx.providers: []string(nil): want some of`}},
		{"negative time", "service: {drain: -1s}\n", nil, []string{`service.drain: "-1s": want a duration from 1ms to 1h`}},
		{"times that are too short", "service: {status_period: 1ns, stale_after: 1ms, stall: 1ms}\nsync: {deadline: 1ns, jump: 1us, pose_gap: 1us, spread: 1ns}\n", nil, []string{
			`service.stale_after: "1ms": want a duration from 200ms to 1h`,
			`service.stall: "1ms": want a duration from 100ms to 24h`,
			`service.status_period: "1ns": want a duration from 10ms to 1h`,
			`sync.deadline: "1ns": want a duration from 1ms to 1h`,
			`sync.jump: "1µs": want a duration from 1ms to 24h`,
			`sync.pose_gap: "1µs": want a duration from 1ms to 1h`,
			`sync.spread: "1ns": want a duration from 1ms to 1h`}},
		{"a time that overflows", "sync: {deadline: 2562047h}\n", nil, []string{`sync.deadline: "2562047h0m0s": want a duration from 1ms to 1h`}},
		{"url", "nats: {url: 'http://x'}\n", nil, []string{`nats.url: "http://x": want nats://host:port`}},
		{"secrets are hidden", "nats: {password: hush}\n", nil, []string{`nats.password: (hidden): want nats.user with it`}},
		{"user and token", "nats: {user: a, token: hush}\n", nil, []string{`nats.token: (hidden): want one of nats.user, nats.token`}},
		{"user twice", "nats: {user: a, url: 'nats://b:hush@x:1'}\n", nil, []string{`nats.user: "a": want one of nats.user`}},
		{"secret in a wrong url", "nats: {url: 'http://b:hush@x:1'}\n", nil, []string{`nats.url: "http://b:xxxxx@x:1": want nats://`}},
		{"creds", "nats: {creds: /nowhere.creds, url: 'nats://x:1'}\n", nil, []string{`nats.creds: "/nowhere.creds": want a file`}},
		{"creds of the embedded server", "nats: {creds: config.go}\n", nil, []string{`nats.creds: "config.go": want nats.url with it`}},
		{"nkey and creds", "nats: {creds: config.go, nkey: config.go, url: 'nats://x:1'}\n", nil, []string{`nats.creds: "config.go": want`}},
		{"absent files", "nats: {nkey: /nowhere, url: 'tls://x:1', tls: {ca: /no.pem, cert: /no.crt, key: /no.key}}\n", nil, []string{
			`nats.nkey: "/nowhere": want a file`, `nats.tls.ca: "/no.pem": want a file`, `nats.tls.cert: "/no.crt": want`, `nats.tls.key: "/no.key": want`}},
		{"certificate without a key", "nats: {embedded: {tls: {cert: config.go}}}\n", nil, []string{`nats.embedded.tls.cert: "config.go": want`}},
		{"users", "nats: {embedded: {users: [hush]}}\n", nil, []string{`nats.embedded.users: (hidden): want name:password each`}},
		{"limits", "limits: {cameras: 65, frame_rate: 0}\n", nil, []string{`limits.cameras: 65: want 1 to 64`, `limits.frame_rate: 0: want 1 to 10000`}},
		{"results", "results: {min_score: 1.5, range: -1}\n", nil, []string{`results.min_score: 1.5: want 0 to 1`, `results.range: -1: want metres`}},
		{"text for a fraction", "results: {min_score: high}\n", nil, []string{`results.min_score: "high": want a number`}},
		{"listen", "http: {listen: here}\n", nil, []string{`http.listen: "here": want host:port`}},
		{"collector", "otel: {endpoint: here:4318}\n", nil, []string{`otel.endpoint: "here:4318": want http://host:port`}},
		{"kernels", "kernels: fast\n", nil, []string{`kernels: "fast": want auto, generic`}},
		{"variable", "", []string{"SOLOFUSION_NATS_EMBEDDED_PORT=x"},
			[]string{`nats.embedded.port: "x": want a whole number (from SOLOFUSION_NATS_EMBEDDED_PORT)`}},
		{"unknown variable", "", []string{"SOLOFUSION_NATS_ULR=x"},
			[]string{`SOLOFUSION_NATS_ULR: "x": want one of the variables of solofusion.yaml; the nearest is SOLOFUSION_NATS_URL`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse([]byte(tt.text), "f.yaml", tt.environ)
			var faults Faults
			if !errors.As(err, &faults) {
				t.Fatalf("error %v, want Faults", err)
			}
			if len(faults) != len(tt.want) {
				t.Fatalf("%d faults, want %d:\n%v", len(faults), len(tt.want), err)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(faults[i].String(), want) {
					t.Errorf("fault %d is\n  %s, want\n  %s", i, faults[i], want)
				}
				if !strings.Contains(err.Error(), faults[i].String()) {
					t.Errorf("the error does not name fault %d:\n%v", i, err)
				}
			}
			if strings.Contains(err.Error(), "hush") {
				t.Error("a secret is in the error")
			}
		})
	}
}

// TestLeastRate: history goes on over the intervals of any rate that can be asked for, with
// sets half a second off its beats.
func TestLeastRate(t *testing.T) {
	refused := func(hz float64) bool {
		c := Default()
		c.Service.Rate = hz
		return len(c.check(nil, nil)) > 0
	}
	least := 1 / (pipeline.Defaults().MaxGap - 500*time.Millisecond).Seconds()
	for _, hz := range []float64{0, 0.25, 2, 100} {
		if refused(hz) {
			t.Errorf("%g Hz is refused", hz)
		}
	}
	for hz := 0.01; hz < least; hz += 0.01 {
		if !refused(hz) {
			t.Errorf("%g Hz is taken, but history ends between its results", hz)
		}
	}
}

// TestEveryKeyIsChecked: every key has a bound, except those that may have any
// value.
func TestEveryKeyIsChecked(t *testing.T) {
	c := Default()
	checked := map[string]bool{"nats.embedded.store": true, "service.overlap": true}
	for _, b := range c.bounds() {
		checked[b.Name] = true
		if !b.OK {
			t.Errorf("the default of %s is out of bounds, want %s", b.Name, b.Want)
		}
	}
	known := keys(&c)
	for _, key := range known {
		if !checked[key] {
			t.Errorf("%s has no bound", key)
		}
	}
	for key := range checked {
		if !slices.Contains(known, key) {
			t.Errorf("%s has a bound and is no key", key)
		}
	}
}

func TestLoad(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	if c, err := Load("", nil); err != nil || !reflect.DeepEqual(c, Default()) {
		t.Errorf("without a file: %v %v", c, err)
	}
	path, err := Path()
	if err != nil || path != filepath.Join(home, "solofusion", "solofusion.yaml") {
		t.Fatalf("path %s %v", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("nats: {rig: found}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if c, err := Load("", nil); err != nil || c.NATS.Rig != "found" {
		t.Errorf("with a file: %v %v", c.NATS.Rig, err)
	}
	if _, err := Load(filepath.Join(home, "absent.yaml"), nil); err == nil || !strings.Contains(err.Error(), "absent.yaml") {
		t.Errorf("a named file that is absent: %v", err)
	}
	if err := os.WriteFile(path, []byte("nats: [\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load("", nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("broken YAML: %v", err)
	}
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("HOME", "")
	if c, err := Load("", nil); err != nil || !reflect.DeepEqual(c, Default()) {
		t.Errorf("without a home: %v %v", c, err)
	}
}

// TestNoTextCrashes: any YAML gives a configuration or an error.
// TestOneDocument: keys behind a line of --- are not left out in silence.
func TestOneDocument(t *testing.T) {
	path := filepath.Join(t.TempDir(), "two.yaml")
	for text, want := range map[string]string{
		"---\nnats:\n  rig: a\n":                     "",
		"nats:\n  rig: a\n---\nnats:\n  prefix: b\n": "two.yaml: a second document begins with ---, want one",
		"nats:\n  rig: a\n---\n{[\n":                 "two.yaml",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, nil); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestNoTextCrashes(t *testing.T) {
	value := rapid.SampledFrom([]string{"", "1", "x", "[]", "{}", "[a, 1]", "{a: b}", "1.5", "true", "~", "-1s", "1:2"})
	c := Default()
	name := rapid.SampledFrom(append(keys(&c), "x", "nats", "nats.embedded"))
	rapid.Check(t, func(t *rapid.T) {
		key := name.Draw(t, "key")
		parts := strings.Split(key, ".")
		text := strings.Join(parts, ": {") + ": " + value.Draw(t, "value") + strings.Repeat("}", len(parts)-1)
		_, _ = parse([]byte(text), "f.yaml", []string{variable(name.Draw(t, "variable")) + "=" + value.Draw(t, "of it")})
	})
}
