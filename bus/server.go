package bus

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/solofusion/solofusion/internal/option"
)

// Server is a NATS server in this process, with JetStream.
type Server struct {
	server                *server.Server
	remove                string // temporary folder, or ""
	user, password, token string
}

// StartServer returns a server that accepts connections. The caller closes it.
func StartServer(o ServerOptions) (*Server, error) {
	o = option.Fill(o, DefaultServer())
	s := &Server{user: o.User, password: o.Password, token: o.Token}
	if o.Store == "" {
		dir, err := os.MkdirTemp("", "solofusion-nats-")
		if err != nil {
			return nil, fmt.Errorf("bus: folder of the embedded server: %w", err)
		}
		o.Store, s.remove = dir, dir
	}
	if err := s.start(o); err != nil {
		s.Close()
		return nil, fmt.Errorf("bus: embedded server: %w", err)
	}
	return s, nil
}

func (s *Server) start(o ServerOptions) error {
	srv, err := server.NewServer(&server.Options{
		Host:          o.Host,
		Port:          o.Port,
		MaxPayload:    int32(o.MaxPayload),
		Username:      o.User,
		Password:      o.Password,
		Authorization: o.Token,
		JetStream:     true,
		StoreDir:      o.Store,
		NoSigs:        true,
	})
	if err != nil {
		return err
	}
	s.server = srv
	log := &serverLog{log: o.Log}
	srv.SetLogger(log, false, false)
	srv.Start()
	for range 200 { // ten seconds
		if err := log.fatal(); err != nil {
			return err
		}
		if srv.ReadyForConnections(50 * time.Millisecond) {
			return nil
		}
	}
	return fmt.Errorf("not ready after 10 s")
}

// URL returns the address for other processes.
func (s *Server) URL() string { return s.server.ClientURL() }

// Close stops the server and its connections.
func (s *Server) Close() {
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
	if s.remove != "" {
		os.RemoveAll(s.remove)
	}
}

// serverLog writes the server's messages to log. It keeps a fatal one as an error
// instead of ending the process.
type serverLog struct {
	log *slog.Logger
	mu  sync.Mutex
	err error
}

func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *serverLog) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = fmt.Errorf(format, v...)
}

func (l *serverLog) write(level func(string, ...any), format string, v []any) {
	level("NATS server", "message", fmt.Sprintf(format, v...))
}

func (l *serverLog) Noticef(format string, v ...any) { l.write(l.log.Debug, format, v) }
func (l *serverLog) Warnf(format string, v ...any)   { l.write(l.log.Warn, format, v) }
func (l *serverLog) Errorf(format string, v ...any)  { l.write(l.log.Error, format, v) }
func (l *serverLog) Debugf(format string, v ...any)  { l.write(l.log.Debug, format, v) }
func (l *serverLog) Tracef(format string, v ...any)  { l.write(l.log.Debug, format, v) }
