package config

import (
	"net"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/option"
)

// bounds returns the bounds of all keys: those of the packages under the keys of
// their options, and those of the command.
func (c *Config) bounds() []option.Bound {
	detector := c.Pipeline()
	all := slices.Concat(
		under("nats.", c.NATS.Conn().Bounds()),
		under("nats.", c.NATS.Subjects().Bounds()),
		under("nats.", c.Source().Bounds()),
		under("nats.embedded.", c.NATS.server().Bounds()),
		under("results.", c.Results.Bounds()),
		under("limits.", c.Limits.Bounds()),
		under("sync.", c.Sync.Bounds()),
		under("service.", c.Service.Bounds()),
		under("images.", c.Images.Bounds()),
		renamed(detector.Bounds(), map[string]string{
			"history": "history.mode", "time": "history.time", "storage": "history.storage", "lost": "history.lost", "providers": "onnx.providers", "device": "onnx.device", "threads": "onnx.threads",
		}),
	)
	_, noKernels := isa.Choose(c.Kernels, isa.Detect())
	return append(all,
		option.Bound{Name: "model.bundle", OK: c.Model.Bundle != "", Want: "a bundle's folder, or default"},
		option.Bound{Name: "kernels", OK: noKernels == nil, Want: "auto, generic, or a set that this machine can run (see solofusion doctor)"},
		option.Bound{Name: "http.listen", OK: c.HTTP.ok(), Want: "host:port, or \"\" for none"},
		option.Bound{Name: "otel.endpoint", OK: c.OTel.ok(), Want: "http://host:port or https://host:port, or \"\" for none"},
		option.OneOf("log.level", strings.ToLower(c.Log.Level), "debug", "info", "warn", "error"),
		option.OneOf("log.format", c.Log.Format, "text", "json"),
	)
}

// under returns the bounds with a section before their names.
func under(section string, bounds []option.Bound) []option.Bound {
	for i := range bounds {
		bounds[i].Name = section + bounds[i].Name
	}
	return bounds
}

// renamed returns the bounds that have a key, named by it.
func renamed(bounds []option.Bound, keys map[string]string) (known []option.Bound) {
	for _, b := range bounds {
		if key, ok := keys[b.Name]; ok {
			b.Name = key
			known = append(known, b)
		}
	}
	return known
}

// check returns a fault for each value out of bounds, except for keys in known.
func (c *Config) check(known Faults, origins map[string]string) (faults Faults) {
	values := map[string]any{}
	walk("", reflect.ValueOf(c).Elem(), func(key string, field reflect.Value) { values[key] = field.Interface() })
	for _, b := range c.bounds() {
		already := slices.ContainsFunc(known, func(f Fault) bool { return f.Key == b.Name })
		if already || b.OK {
			continue
		}
		value := values[b.Name]
		if d, ok := value.(time.Duration); ok {
			value = d.String()
		}
		faults = append(faults, Fault{b.Name, show(b.Name, value), b.Want, origins[b.Name]})
	}
	return faults
}

func (o *OTel) ok() bool {
	u, err := url.Parse(o.Endpoint)
	return o.Endpoint == "" || err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func (h *HTTP) ok() bool {
	if h.Listen == "" {
		return true
	}
	_, _, err := net.SplitHostPort(h.Listen)
	return err == nil
}
