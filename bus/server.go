package bus

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/solofusion/solofusion/internal/option"
)

// Server is a NATS server in this process, with JetStream.
type Server struct {
	server                *server.Server
	store                 *store
	user, password, token string // of clients in this process
}

// StartServer returns a server that accepts connections. The caller closes it. It warns
// if the server takes anybody's from other machines.
func StartServer(o ServerOptions) (*Server, error) {
	o = option.Fill(o, DefaultServer())
	s := &Server{user: o.User, password: o.Password, token: o.Token}
	if s.user == "" && len(o.Users) > 0 { // this process needs a name too
		s.user, s.password = "service-"+rand.Text(), rand.Text()
	}
	var err error
	if s.store, err = openStore(o.Store); err != nil {
		return nil, fmt.Errorf("bus: folder of the embedded server: %w", err)
	}
	if err := s.start(o); err != nil {
		s.Close()
		return nil, fmt.Errorf("bus: embedded server: %w", err)
	}
	if open := len(o.Users) == 0 && o.User == "" && o.Token == "" && o.TLS.CA == ""; open && !loopback(o.Host) {
		o.Log.Warn("the embedded server listens beyond this machine, and anybody there can send and read: "+
			"set nats.embedded.users, nats.user and nats.password, nats.token or nats.embedded.tls.ca", "host", o.Host, "port", o.Port)
	}
	return s, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *Server) start(o ServerOptions) error {
	options := &server.Options{
		Host:          o.Host,
		Port:          o.Port,
		MaxPayload:    int32(o.MaxPayload),
		Users:         s.users(o),
		Authorization: o.Token,
		JetStream:     true,
		StoreDir:      s.store.dir,
		NoSigs:        true,
	}
	if err := secure(options, o.TLS); err != nil {
		return err
	}
	srv, err := server.NewServer(options)
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

// users returns the server's users: those of the options and that of this process.
func (s *Server) users(o ServerOptions) (all []*server.User) {
	if s.user != "" {
		all = append(all, &server.User{Username: s.user, Password: s.password})
	}
	for _, user := range o.Users {
		name, password, _ := strings.Cut(user, ":")
		if name != s.user {
			all = append(all, &server.User{Username: name, Password: password})
		}
	}
	return all
}

// secure puts TLS into the options of a server.
func secure(o *server.Options, t TLS) (err error) {
	if t.Cert == "" {
		return nil
	}
	o.TLSConfig, err = server.GenTLSConfig(&server.TLSConfigOpts{
		CertFile: t.Cert, KeyFile: t.Key, CaFile: t.CA, Verify: t.CA != "",
	})
	if err != nil {
		return fmt.Errorf("nats.embedded.tls: %w", err)
	}
	o.TLS, o.TLSVerify = true, t.CA != ""
	o.TLSTimeout = 2
	return nil
}

// client returns the options of a client in this process.
func (s *Server) client(o ConnOptions) ConnOptions {
	o.User, o.Password, o.Token, o.NKey, o.Creds = s.user, s.password, s.token, "", ""
	o.TLS = TLS{} // there is no network between
	return o
}

// URL returns the address for other processes.
func (s *Server) URL() string { return s.server.ClientURL() }

// Close stops the server and its connections.
func (s *Server) Close() {
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
	s.store.close()
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

// Warnf leaves out that passwords are not hashed: they are this process's own, from its
// configuration.
func (l *serverLog) Warnf(format string, v ...any) {
	level := l.log.Warn
	if strings.HasPrefix(format, "Plaintext passwords") {
		level = l.log.Debug
	}
	l.write(level, format, v)
}

func (l *serverLog) Errorf(format string, v ...any) { l.write(l.log.Error, format, v) }
func (l *serverLog) Debugf(format string, v ...any) { l.write(l.log.Debug, format, v) }
func (l *serverLog) Tracef(format string, v ...any) { l.write(l.log.Debug, format, v) }
