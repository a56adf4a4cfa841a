package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/solofusion/solofusion/internal/option"
)

// Conn is a connection to a NATS server. Until Close it reconnects each time it is
// lost. It does not receive its own messages: a source and the publisher that
// feeds it need a connection each.
type Conn struct {
	nc     *nats.Conn
	log    *slog.Logger
	closed chan struct{} // when the connection is closed for good

	onReconnect, onClose handlers
}

// handlers are the functions that sources have registered with a connection.
type handlers struct {
	mu   sync.Mutex
	list []*func()
}

// add registers f until its owner calls remove. A call of f that began before may
// still be running after remove.
func (h *handlers) add(f func()) (remove func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, &f)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.list = slices.DeleteFunc(h.list, func(g *func()) bool { return g == &f })
	}
}

// call calls all functions, without holding the lock: they may wait for the network.
func (h *handlers) call() {
	h.mu.Lock()
	list := slices.Clone(h.list)
	h.mu.Unlock()
	for _, f := range list {
		(*f)()
	}
}

// Connect returns a connection. Its error names the setting to check.
func Connect(o ConnOptions) (*Conn, error) {
	o = option.Fill(o, DefaultConn())
	c := &Conn{log: o.Log, closed: make(chan struct{})}
	nc, err := nats.Connect(o.URL, c.options(o)...)
	if err != nil {
		return nil, connectError(o, err)
	}
	c.nc = nc
	return c, nil
}

func (c *Conn) options(o ConnOptions) []nats.Option {
	options := []nats.Option{
		nats.Name(o.Name),
		nats.Timeout(o.Timeout),
		nats.MaxReconnects(-1),
		nats.NoEcho(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				c.log.Warn("connection to the NATS server lost, trying again", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			c.log.Info("connected to the NATS server again", "url", nc.ConnectedUrlRedacted())
			c.onReconnect.call()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			c.log.Warn("NATS", "error", err)
		}),
		nats.ClosedHandler(func(*nats.Conn) {
			c.onClose.call()
			close(c.closed)
		}),
	}
	if o.Server != nil {
		options = append(options, nats.InProcessServer(o.Server.server))
		o.User, o.Password, o.Token = o.Server.user, o.Server.password, o.Server.token
	}
	if o.User != "" {
		options = append(options, nats.UserInfo(o.User, o.Password))
	}
	if o.Token != "" {
		options = append(options, nats.Token(o.Token))
	}
	if o.Creds != "" {
		options = append(options, nats.UserCredentials(o.Creds))
	}
	return options
}

func connectError(o ConnOptions, err error) error {
	where := redacted(o.URL)
	if o.Server != nil {
		where = "the embedded server"
	}
	if !errors.Is(err, nats.ErrAuthorization) {
		return fmt.Errorf("bus: %s: %w: is a NATS server running there? check nats.url", where, err)
	}
	who, check := "a client without a name", "set nats.user and nats.password, nats.token or nats.creds"
	switch {
	case o.User != "":
		who, check = fmt.Sprintf("user %q", o.User), "check nats.user and nats.password"
	case o.Token != "":
		who, check = "the token", "check nats.token"
	case o.Creds != "":
		who, check = o.Creds, "check nats.creds"
	}
	return fmt.Errorf("bus: %s refuses %s: %s: %w", where, who, check, err)
}

// redacted returns the list of URLs without passwords.
func redacted(urls string) string {
	list := strings.Split(urls, ",")
	for i, one := range list {
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil {
			list[i] = u.Redacted()
		}
	}
	return strings.Join(list, ",")
}

// encode marshals m, deterministically. It returns a PayloadError if the message
// is over the server's limit.
func (c *Conn) encode(subject string, m proto.Message) ([]byte, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("bus: message on %s: %w", subject, err)
	}
	if limit := c.nc.MaxPayload(); int64(len(data)) > limit {
		return nil, &PayloadError{Subject: subject, Size: int64(len(data)), Limit: limit}
	}
	return data, nil
}

func (c *Conn) publish(subject string, m proto.Message) error {
	data, err := c.encode(subject, m)
	if err != nil {
		return err
	}
	if err := c.nc.Publish(subject, data); err != nil {
		return fmt.Errorf("bus: message on %s: %w", subject, err)
	}
	return nil
}

// down returns why nothing can be sent or received, nil while there is a connection.
func (c *Conn) down() error {
	switch {
	case c.nc.IsConnected():
		return nil
	case c.nc.IsClosed():
		return errors.New("bus: the connection to the NATS server is closed")
	}
	return errors.New("bus: the connection to the NATS server is lost, trying again")
}

// Flush waits until the server has all that was published, at most 10 s if ctx
// has no deadline.
func (c *Conn) Flush(ctx context.Context) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
	}
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("bus: flush: %w", err)
	}
	return nil
}

// Close ends the connection and all that uses it.
func (c *Conn) Close() {
	c.nc.Close()
	<-c.closed
}
