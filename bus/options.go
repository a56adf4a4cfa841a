package bus

import (
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/solofusion/solofusion/internal/option"
)

// ConnOptions are the address of a server and the client's credentials. Fields that
// are zero take their default.
type ConnOptions struct {
	URL      string  // several separated by commas; unused with Server
	Server   *Server // in this process; its credentials are used
	User     string
	Password string
	Token    string
	Creds    string        // file
	Name     string        // shown by the server's monitoring
	Timeout  time.Duration // for the first connection
	Log      *slog.Logger  // default slog.Default
}

// DefaultConn returns the defaults.
func DefaultConn() ConnOptions {
	return ConnOptions{Name: "solofusion", Timeout: 5 * time.Second, Log: slog.Default()}
}

// Bounds returns what the options must satisfy. The URL may be empty, for a server
// in this process.
func (o ConnOptions) Bounds() []option.Bound {
	return []option.Bound{
		{Name: "url", OK: urlsOK(o.URL), Want: `nats://host:port, tls:// or ws://, several separated by commas, or "" for the embedded server`},
		{Name: "password", OK: o.Password == "" || o.User != "", Want: "nats.user with it"},
		{Name: "token", OK: o.Token == "" || o.User == "", Want: "either nats.user or nats.token"},
		{Name: "creds", OK: o.Creds == "" || readable(o.Creds) && o.URL != "", Want: "a file that can be read, and nats.url with it"},
		option.Positive("connect_timeout", o.Timeout),
	}
}

func urlsOK(urls string) bool {
	if urls == "" {
		return true
	}
	for one := range strings.SplitSeq(urls, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return false
		}
	}
	return true
}

func readable(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// ServerOptions configure the embedded server. Fields that are zero take their
// default.
type ServerOptions struct {
	Host           string       `yaml:"host"`
	Port           int          `yaml:"port"`        // -1 for any free one
	MaxPayload     int          `yaml:"max_payload"` // bytes
	Store          string       `yaml:"store"`       // folder of the calibration bucket; "" for a temporary one
	User, Password string       `yaml:"-"`           // what clients must give, if set
	Token          string       `yaml:"-"`
	Log            *slog.Logger `yaml:"-"` // default slog.Default
}

// DefaultServer returns the defaults.
func DefaultServer() ServerOptions {
	return ServerOptions{Host: "127.0.0.1", Port: 4222, MaxPayload: 8 << 20, Log: slog.Default()}
}

// Bounds returns what the options must satisfy.
func (o ServerOptions) Bounds() []option.Bound {
	return []option.Bound{
		{Name: "host", OK: o.Host != "", Want: "a host name or address"},
		{Name: "port", OK: o.Port == -1 || o.Port >= 1 && o.Port <= 65535, Want: "1 to 65535, or -1 for any free port"},
		{Name: "max_payload", OK: o.MaxPayload >= 1024 && o.MaxPayload <= 64<<20, Want: "1024 to 67108864 bytes"},
	}
}

// SourceOptions configure a Source. Fields that are zero take their default.
type SourceOptions struct {
	Queue int // largest number of messages that wait

	// Lossless waits instead of dropping, and ends at the end of the stream: for
	// replays, whose publisher uses Confirm.
	Lossless bool
}

// DefaultSource returns the defaults.
func DefaultSource() SourceOptions { return SourceOptions{Queue: 256} }

// Bounds returns what the options must satisfy.
func (o SourceOptions) Bounds() []option.Bound {
	return []option.Bound{option.Within("queue", o.Queue, 1, 1<<20)}
}
