package bus

import (
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/solofusion/solofusion/internal/option"
)

// ConnOptions are the address of a server and the client's credentials, of which one
// kind at most may be given. Fields that are zero take their default.
type ConnOptions struct {
	URL      string  // several separated by commas; unused with Server
	Server   *Server // in this process; its credentials are used
	User     string
	Password string
	Token    string
	Creds    string        // file with a user's JWT and seed
	NKey     string        // file with a user's NKey seed
	TLS      TLS           // for servers with TLS
	Inbox    string        // first tokens of the subjects for answers to this client
	Name     string        // shown by the server's monitoring
	Timeout  time.Duration // for the first connection
	Log      *slog.Logger  // default slog.Default
	Quiet    bool          // the caller tells by [Source.Down] when the connection is lost and back: the log does at its level debug only
}

// TLS are the files that prove who a server and its client are, in PEM. All may be
// empty: then the authorities are those of the system, and the client has no
// certificate.
type TLS struct {
	CA   string `yaml:"ca"` // certificates of the authorities that sign the other side's
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Bounds returns what the files must satisfy.
func (t TLS) Bounds() []option.Bound {
	return []option.Bound{
		{Name: "tls.ca", OK: t.CA == "" || readable(t.CA), Want: "a file that can be read, with the authority's certificates in PEM"},
		{Name: "tls.cert", OK: t.Cert == "" || readable(t.Cert) && t.Key != "", Want: "a file that can be read, with a certificate in PEM, and the key with it"},
		{Name: "tls.key", OK: t.Key == "" || readable(t.Key) && t.Cert != "", Want: "a file that can be read, with the certificate's key in PEM, and the certificate with it"},
	}
}

// DefaultConn returns the defaults.
func DefaultConn() ConnOptions {
	return ConnOptions{Name: "solofusion", Inbox: nats.InboxPrefix[:len(nats.InboxPrefix)-1], Timeout: 5 * time.Second, Log: slog.Default()}
}

// Bounds returns what the options must satisfy. The URL may be empty, for a server
// in this process.
func (o ConnOptions) Bounds() []option.Bound {
	const (
		one      = "one of nats.user, nats.token, nats.nkey, nats.creds and a user in nats.url"
		file     = "a file that can be read"
		external = "nats.url with it: the embedded server's users are in nats.embedded.users"
	)
	return append([]option.Bound{
		{Name: "url", OK: urlsOK(o.URL), Want: `nats://host:port, tls:// or ws://, several separated by commas, or "" for the embedded server`},
		{Name: "user", OK: o.User == "" || !userIn(o.URL), Want: one},
		{Name: "password", OK: o.Password == "" || o.User != "", Want: "nats.user with it"},
		{Name: "token", OK: o.Token == "" || o.User == "" && !userIn(o.URL), Want: one},
		{Name: "nkey", OK: o.NKey == "" || readable(o.NKey), Want: file},
		{Name: "nkey", OK: o.NKey == "" || o.URL != "", Want: external},
		{Name: "nkey", OK: o.NKey == "" || o.User == "" && o.Token == "" && !userIn(o.URL), Want: one},
		{Name: "creds", OK: o.Creds == "" || readable(o.Creds), Want: file},
		{Name: "creds", OK: o.Creds == "" || o.URL != "", Want: external},
		{Name: "creds", OK: o.Creds == "" || o.User == "" && o.Token == "" && o.NKey == "" && !userIn(o.URL), Want: one},
		{Name: "inbox", OK: prefix.MatchString(o.Inbox) && len(o.Inbox) <= maxPrefix, Want: "letters, digits, _ and -, in tokens separated by dots"},
		option.Positive("connect_timeout", o.Timeout),
	}, o.TLS.Bounds()...)
}

// userIn reports whether one of the URLs names a user or a token.
func userIn(urls string) bool {
	for one := range strings.SplitSeq(urls, ",") {
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil && u.User != nil {
			return true
		}
	}
	return false
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
	TLS            TLS          `yaml:"tls"`         // with a CA clients need a certificate that it signed
	Users          []string     `yaml:"users"`       // "name:password" each; a password may be its bcrypt hash
	User, Password string       `yaml:"-"`           // one more of Users
	Token          string       `yaml:"-"`           // what clients must give in place of a user
	Log            *slog.Logger `yaml:"-"`           // default slog.Default
}

// DefaultServer returns the defaults.
func DefaultServer() ServerOptions {
	return ServerOptions{Host: "127.0.0.1", Port: 4222, MaxPayload: 8 << 20, Log: slog.Default()}
}

// Bounds returns what the options must satisfy.
func (o ServerOptions) Bounds() []option.Bound {
	return append([]option.Bound{
		{Name: "host", OK: o.Host != "", Want: "a host name or address"},
		{Name: "port", OK: o.Port == -1 || o.Port >= 1 && o.Port <= 65535, Want: "1 to 65535, or -1 for any free port"},
		{Name: "max_payload", OK: o.MaxPayload >= 1024 && o.MaxPayload <= 64<<20, Want: "1024 to 67108864 bytes"},
		{Name: "users", OK: usersOK(o.Users) && (len(o.Users) == 0 || o.Token == ""), Want: "name:password each, no name twice, and no nats.token with it"},
		{Name: "tls.cert", OK: o.TLS.CA == "" || o.TLS.Cert != "", Want: "the server's certificate if tls.ca is set"},
	}, o.TLS.Bounds()...)
}

func usersOK(users []string) bool {
	seen := map[string]bool{}
	for _, user := range users {
		name, password, found := strings.Cut(user, ":")
		if !found || name == "" || password == "" || seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}

// SourceOptions configure a Source. Fields that are zero take their default.
type SourceOptions struct {
	Queue  int    // largest number of messages that wait
	Limits Limits // of a source that is not lossless

	// Lossless waits instead of dropping, and ends at the end of the stream: for
	// replays, whose publisher uses Confirm.
	Lossless bool
}

// DefaultSource returns the defaults.
func DefaultSource() SourceOptions { return SourceOptions{Queue: 256, Limits: DefaultLimits()} }

// Bounds returns what the options must satisfy.
func (o SourceOptions) Bounds() []option.Bound {
	return []option.Bound{option.Within("queue", o.Queue, 1, 1<<20)}
}

// SinkOptions select the boxes that a sink publishes. The zero value publishes all.
type SinkOptions struct {
	MinScore float64 `yaml:"min_score"` // least score
	Range    float64 `yaml:"range"`     // largest distance of the centre from the ego frame's origin, in its ground plane, metres; 0 for any
}

// Bounds returns what the options must satisfy.
func (o SinkOptions) Bounds() []option.Bound {
	return []option.Bound{
		{Name: "min_score", OK: o.MinScore >= 0 && o.MinScore <= 1, Want: "0 to 1"},
		{Name: "range", OK: o.Range >= 0 && o.Range <= 1e6, Want: "metres, or 0 for any distance"},
	}
}
