package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/solofusion/solofusion/internal/option"
	"github.com/solofusion/solofusion/internal/warning"
)

// Conn is a connection to a NATS server. Until Close it reconnects each time it is
// lost. It does not receive its own messages: a source and the publisher that
// feeds it need a connection each.
type Conn struct {
	nc       *nats.Conn
	who      string // the client, for words to operators
	log      *slog.Logger
	warnings *warning.Log
	closed   chan struct{} // when the connection is closed for good

	// lost is why nothing can be sent or received, nil while there is a connection. nats.go's
	// own state is behind a lock that it holds while it writes and while it dials.
	lost atomic.Pointer[error]

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

// warnEvery is the time between two warnings of one kind about one subject.
const warnEvery = 10 * time.Second

// A server that vanishes, with its machine or the cable, sends nothing that would end the
// connection: it is lost when this many pings have no answer at the next, after 6 s.
// What is sent meanwhile fills the socket's buffer, and then a write waits, with all that
// need nats.go's lock. It ends the connection too if it takes too long.
const (
	pingInterval = 2 * time.Second
	pingsOut     = 2
	writeTimeout = 5 * time.Second
)

// Connect returns a connection. Its error names the setting to check.
func Connect(o ConnOptions) (*Conn, error) {
	o = option.Fill(o, DefaultConn())
	if o.Server != nil {
		o = o.Server.client(o)
	}
	c := &Conn{who: o.who(), log: o.Log, warnings: warning.New(o.Log, warnEvery), closed: make(chan struct{})}
	options := nats.GetDefaultOptions()
	options.Servers = strings.FieldsFunc(o.URL, func(r rune) bool { return r == ',' || r == ' ' })
	for _, apply := range append(c.handlers(o), o.doors()...) {
		if err := apply(&options); err != nil {
			return nil, fmt.Errorf("bus: %w", err)
		}
	}
	nc, err := options.Connect()
	if err != nil {
		return nil, connectError(o, err)
	}
	c.nc = nc
	return c, nil
}

func (c *Conn) handlers(o ConnOptions) []nats.Option {
	tell := func(level slog.Level, text string, args ...any) {
		if o.Quiet {
			level = slog.LevelDebug
		}
		c.log.Log(context.Background(), level, text, args...)
	}
	return []nats.Option{
		nats.Name(o.Name),
		nats.Timeout(o.Timeout),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(pingsOut),
		nats.FlusherTimeout(writeTimeout),
		nats.ReconnectOnFlusherError(),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // credentials may be mended at the server
		nats.CustomInboxPrefix(o.Inbox),
		nats.NoEcho(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				c.lose(fmt.Errorf("bus: the connection to the NATS server is lost, trying again: %w", err))
				tell(slog.LevelWarn, "connection to the NATS server lost, trying again", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			c.lost.Store(nil)
			tell(slog.LevelInfo, "connected to the NATS server again", "url", nc.ConnectedUrlRedacted())
			go c.onReconnect.call() // which may wait: other handlers do not
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) { c.warn(sub, err) }),
		nats.ClosedHandler(func(*nats.Conn) {
			c.lose(errors.New("bus: the connection to the NATS server is closed"))
			c.onClose.call()
			close(c.closed)
		}),
	}
}

// warn logs an error that no call returned, limited by kind and subject.
func (c *Conn) warn(sub *nats.Subscription, err error) {
	var denied *DeniedError
	switch {
	case errors.As(c.denied(err), &denied):
		c.warnings.Warn(denied.Right+denied.Subject, "right missing", "error", denied)
	case sub != nil:
		c.warnings.Warn(err.Error()+sub.Subject, "NATS", "subject", sub.Subject, "error", err)
	default:
		c.warnings.Warn(err.Error(), "NATS", "error", err)
	}
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

func (c *Conn) lose(why error) { c.lost.Store(&why) }

// down returns why nothing can be sent or received, nil while there is a connection. It
// returns at once.
func (c *Conn) down() error {
	if why := c.lost.Load(); why != nil {
		return *why
	}
	return nil
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
