package config

import (
	"net"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/solofusion/solofusion/internal/isa"
)

// rule is what a key's value must satisfy.
type rule struct {
	key  string
	ok   func(c *Config) bool
	want string
}

var (
	tokenPattern  = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	prefixPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
)

func rules() []rule {
	positive := func(get func(c *Config) time.Duration) func(*Config) bool {
		return func(c *Config) bool { return get(c) > 0 }
	}
	within := func(lo, hi int, get func(c *Config) int) func(*Config) bool {
		return func(c *Config) bool { return get(c) >= lo && get(c) <= hi }
	}
	oneOf := func(get func(c *Config) string, names ...string) func(*Config) bool {
		return func(c *Config) bool { return slices.Contains(names, get(c)) }
	}
	const duration = "a duration above zero"
	return []rule{
		{"nats.url", urlsOK, "nats://host:port, tls:// or ws://, several separated by commas, or \"\" for the embedded server"},
		{"nats.prefix", func(c *Config) bool { return prefixPattern.MatchString(c.NATS.Prefix) },
			"letters, digits, _ and -, in tokens separated by dots"},
		{"nats.rig", func(c *Config) bool { return tokenPattern.MatchString(c.NATS.Rig) }, "letters, digits, _ and -"},
		{"nats.password", func(c *Config) bool { return c.NATS.Password == "" || c.NATS.User != "" }, "nats.user with it"},
		{"nats.token", func(c *Config) bool { return c.NATS.Token == "" || c.NATS.User == "" }, "either nats.user or nats.token"},
		{"nats.creds", credsOK, "a file that can be read, and nats.url with it"},
		{"nats.connect_timeout", positive(func(c *Config) time.Duration { return c.NATS.ConnectTimeout }), duration},
		{"nats.queue", within(1, 1<<20, func(c *Config) int { return c.NATS.Queue }), "1 to 1048576"},
		{"nats.embedded.host", func(c *Config) bool { return c.NATS.Embedded.Host != "" }, "a host name or address"},
		{"nats.embedded.port", within(-1, 65535, func(c *Config) int { return c.NATS.Embedded.Port }),
			"1 to 65535, or -1 for any free port"},
		{"nats.embedded.max_payload", within(1024, 64<<20, func(c *Config) int { return c.NATS.Embedded.MaxPayload }),
			"1024 to 67108864 bytes"},
		{"sync.spread", positive(func(c *Config) time.Duration { return c.Sync.Spread }), duration},
		{"sync.deadline", positive(func(c *Config) time.Duration { return c.Sync.Deadline }), duration},
		{"sync.pose_gap", positive(func(c *Config) time.Duration { return c.Sync.PoseGap }), duration},
		{"sync.jump", positive(func(c *Config) time.Duration { return c.Sync.Jump }), duration},
		{"sync.pending", within(1, 1024, func(c *Config) int { return c.Sync.Pending }), "1 to 1024"},
		{"sync.poses", within(2, 1<<20, func(c *Config) int { return c.Sync.Poses }), "2 to 1048576"},
		{"service.queue", within(1, 1024, func(c *Config) int { return c.Service.Queue }), "1 to 1024"},
		{"service.status_period", positive(func(c *Config) time.Duration { return c.Service.StatusPeriod }), duration},
		{"service.drain", positive(func(c *Config) time.Duration { return c.Service.Drain }), duration},
		{"service.stall", positive(func(c *Config) time.Duration { return c.Service.Stall }), duration},
		{"model.bundle", func(c *Config) bool { return c.Model.Bundle != "" }, "a bundle's folder, or default"},
		{"history.mode", oneOf(func(c *Config) string { return c.History.Mode }, "model", "recursive", "direct"), "model, recursive or direct"},
		{"history.time", oneOf(func(c *Config) string { return c.History.Time }, "model", "counted", "measured"), "model, counted or measured"},
		{"onnx.providers", providersOK, "some of tensorrt, cuda and cpu, each once"},
		{"onnx.threads", within(0, 1024, func(c *Config) int { return c.ONNX.Threads }), "0 for all cores, or 1 to 1024"},
		{"kernels", kernelsOK, "auto, generic, or a set that this machine can run (see solofusion doctor)"},
		{"http.listen", listenOK, "host:port, or \"\" for none"},
		{"log.level", oneOf(func(c *Config) string { return strings.ToLower(c.Log.Level) }, "debug", "info", "warn", "error"),
			"debug, info, warn or error"},
		{"log.format", oneOf(func(c *Config) string { return c.Log.Format }, "text", "json"), "text or json"},
	}
}

// check returns the rules that c breaks, but for keys that are at fault
// already.
func (c *Config) check(known Faults, origins map[string]string) (faults Faults) {
	values := map[string]any{}
	walk("", reflect.ValueOf(c).Elem(), func(key string, field reflect.Value) { values[key] = field.Interface() })
	for _, r := range rules() {
		already := slices.ContainsFunc(known, func(f Fault) bool { return f.Key == r.key })
		if already || r.ok(c) {
			continue
		}
		value := values[r.key]
		if d, ok := value.(time.Duration); ok {
			value = d.String()
		}
		faults = append(faults, Fault{r.key, show(r.key, value), r.want, origins[r.key]})
	}
	return faults
}

func urlsOK(c *Config) bool {
	if c.NATS.URL == "" {
		return true
	}
	for one := range strings.SplitSeq(c.NATS.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return false
		}
	}
	return true
}

func credsOK(c *Config) bool {
	if c.NATS.Creds == "" {
		return true
	}
	f, err := os.Open(c.NATS.Creds)
	if err != nil {
		return false
	}
	f.Close()
	return c.NATS.URL != ""
}

func providersOK(c *Config) bool {
	for i, p := range c.ONNX.Providers {
		if !slices.Contains([]string{"tensorrt", "cuda", "cpu"}, p) || slices.Contains(c.ONNX.Providers[:i], p) {
			return false
		}
	}
	return len(c.ONNX.Providers) > 0
}

func kernelsOK(c *Config) bool {
	_, err := isa.Choose(c.Kernels, isa.Detect())
	return err == nil
}

func listenOK(c *Config) bool {
	if c.HTTP.Listen == "" {
		return true
	}
	_, _, err := net.SplitHostPort(c.HTTP.Listen)
	return err == nil
}
