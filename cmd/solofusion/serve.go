package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/internal/config"
	"github.com/solofusion/solofusion/internal/service"
	"github.com/solofusion/solofusion/internal/spans"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/pipeline"
)

type serveCmd struct {
	Config string `help:"Configuration file. Without it, solofusion/solofusion.yaml in XDG_CONFIG_HOME or ~/.config is read if it exists." placeholder:"FILE" type:"existingfile"`
	Check  bool   `help:"Check configuration and bundle, then exit."`
}

func (c *serveCmd) Help() string {
	return `Detects what arrives over NATS until SIGTERM or SIGINT, then finishes the frames that it has
and exits with 0. Without nats.url it starts an embedded NATS server, which keeps calibrations in
solofusion/nats in XDG_STATE_HOME or ~/.local/state. All settings are in solofusion.yaml, also the
log's level and format; users, TLS and rights are in docs/nats.md.

Examples:

  solofusion serve --config solofusion.yaml
  SOLOFUSION_NATS_URL=nats://host:4222 solofusion serve --check
  SOLOFUSION_NATS_URL=tls://host:4222 SOLOFUSION_NATS_TLS_CA=ca.pem \
    SOLOFUSION_NATS_USER=detector SOLOFUSION_NATS_PASSWORD=... solofusion serve`
}

// Run checks all settings before it starts anything.
func (c *serveCmd) Run(ctx context.Context) error {
	settings, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	b, err := model.Open(settings.Model.Bundle)
	if err != nil {
		return err
	}
	if c.Check {
		if _, err := pipeline.Verify(b); err != nil {
			return err
		}
		fmt.Println("configuration and", b.ID(), "are sound")
		return nil
	}
	log, err := logger(settings.Log)
	if err != nil {
		return err
	}
	slog.SetDefault(log)
	return serve(ctx, &settings, b)
}

// logger returns a logger to standard error with the configured level and format.
func logger(c config.Log) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return nil, err
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o)), nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o)), nil
}

// serve runs the service until ctx is done.
func serve(ctx context.Context, c *config.Config, b *model.Bundle) error {
	p, err := newDetector(b, c.Kernels, c.Pipeline())
	if err != nil {
		return err
	}
	defer p.Close()
	conn, stop, err := join(&c.NATS)
	if err != nil {
		return err
	}
	defer stop()
	subjects := c.NATS.Subjects()
	source, err := bus.NewSource(ctx, conn, subjects, c.Source())
	if err != nil {
		return err
	}
	defer source.Close()
	loop := c.Loop()
	loop.Rig, loop.Version, loop.Link = c.NATS.Rig, version(), source
	if c.OTel.Endpoint != "" {
		exporter, err := spans.New(ctx, spans.Options{Endpoint: c.OTel.Endpoint, Version: loop.Version})
		if err != nil {
			return err
		}
		defer exporter.Close()
		loop.Trace = exporter.Set
	}
	s := service.New(source, p.For(p.NewMemory()), bus.NewSink(conn, subjects, c.Results), loop)
	closeHTTP, err := listen(c.HTTP.Listen, s.Handler())
	if err != nil {
		return err
	}
	defer closeHTTP()
	slog.Info("taking frames", "subjects", subjects.All(), "model", b.ID())
	if err := s.Run(ctx); err != nil {
		return err
	}
	slog.Info("finished", "results", s.Status().Counts["results"])
	return nil
}

// join connects to the server that c names, or to one that it starts. stop ends
// both.
func join(c *config.NATS) (conn *bus.Conn, stop func(), err error) {
	as, stopServer := c.Conn(), func() {}
	as.Quiet = true // the service logs its state
	if c.URL == "" {
		server, err := c.Server()
		if err != nil {
			return nil, nil, err
		}
		if as.Server, err = bus.StartServer(server); err != nil {
			return nil, nil, fmt.Errorf("%w (it listens at nats.embedded.host and nats.embedded.port)", err)
		}
		stopServer = as.Server.Close
		slog.Info("embedded NATS server", "url", as.Server.URL())
	}
	if conn, err = bus.Connect(as); err != nil {
		stopServer()
		return nil, nil, err
	}
	return conn, func() { conn.Close(); stopServer() }, nil
}

// listen serves h at address until stop; it does nothing if address is empty.
func listen(address string, h http.Handler) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve: http.listen: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("the server of metrics and health ended", "error", err)
		}
	}()
	slog.Info("metrics and health", "url", "http://"+l.Addr().String()+"/metrics")
	return func() { server.Close(); <-done }, nil
}
