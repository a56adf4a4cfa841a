package playback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/internal/service"
	"github.com/solofusion/solofusion/perception"
)

// Way is the way of a recording's events to the service.
type Way string

// The ways. Both give the sink the same results.
const (
	Direct Way = "direct"
	NATS   Way = "nats" // through an embedded server
)

// Options say how a recording is run. The results do not depend on them.
type Options struct {
	Via     Way
	Overlap bool // as of [service.Options]
}

func (o Options) service() service.Options {
	return service.Options{Lossless: true, Overlap: o.Overlap}
}

// Run runs a recording through the service to its end and returns the service's
// last status. The service is lossless: it drops nothing because it is too slow.
// With NATS the count drop.unsent has the messages that could not be sent.
func Run(ctx context.Context, o Options, source perception.Source, stepper service.Stepper, sink perception.Sink) (*perception.Status, error) {
	if o.Via == NATS {
		return overNATS(ctx, o, source, stepper, sink)
	}
	s := service.New(source, stepper, sink, o.service())
	err := errors.Join(s.Run(ctx), ctx.Err())
	return s.Status(), err
}

// overNATS runs the events and the results over an embedded server.
func overNATS(ctx context.Context, o Options, source perception.Source, stepper service.Stepper, sink perception.Sink) (*perception.Status, error) {
	server, err := bus.StartServer(bus.ServerOptions{Port: -1, MaxPayload: replayPayload, Log: errorsOnly()})
	if err != nil {
		return nil, err
	}
	defer server.Close()
	conn, err := bus.Connect(bus.ConnOptions{Server: server, Name: "solofusion service"})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	vehicle, err := bus.Connect(bus.ConnOptions{Server: server, Name: "solofusion replay"})
	if err != nil {
		return nil, err
	}
	defer vehicle.Close()
	subjects := bus.Subjects{Prefix: "sf", Rig: "replay"}
	in, err := bus.NewSource(ctx, conn, subjects, bus.SourceOptions{Lossless: true})
	if err != nil {
		return nil, err
	}
	defer in.Close()
	results, err := bus.NewResults(vehicle, subjects)
	if err != nil {
		return nil, err
	}
	defer results.Close()

	s := service.New(in, stepper, &echo{bus.NewSink(conn, subjects, bus.SinkOptions{}), results, sink}, o.service())
	both, each := errgroup.WithContext(ctx)
	both.Go(func() error { return s.Run(each) })
	unsent := uint64(0)
	both.Go(func() (err error) {
		unsent, err = publish(each, source, bus.NewPublisher(vehicle, subjects, bus.PublisherOptions{Confirm: true}))
		return err
	})
	err = errors.Join(both.Wait(), ctx.Err())
	status := s.Status()
	status.Counts["drop.unsent"] = unsent
	for reason, n := range source.Drops {
		status.Counts["drop."+reason] += n
	}
	return status, err
}

// replayPayload is the largest message of a replay, in bytes: half of the server's
// limit for the messages that wait for one client.
const replayPayload = 32 << 20

// errorsOnly returns a logger without the server's warning of a limit above its
// default.
func errorsOnly() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// publish sends all events of a source and then the end of the stream. It goes on
// after a message that cannot be sent, which unsent counts, and after one that the
// service refuses, which the service counts.
func publish(ctx context.Context, source perception.Source, p *bus.Publisher) (unsent uint64, err error) {
	for {
		d, err := source.Next(ctx)
		if errors.Is(err, io.EOF) {
			return unsent, p.End(ctx)
		}
		if err != nil {
			return unsent, err
		}
		var (
			refused *bus.RefusedError
			large   *bus.PayloadError
			invalid *bus.InvalidError
		)
		err = p.Publish(ctx, d.Event)
		d.Settle(err)
		switch {
		case errors.As(err, &refused):
		case errors.As(err, &large), errors.As(err, &invalid):
			if unsent == 0 {
				slog.Warn("message not sent, further ones are only counted", "error", err)
			}
			unsent++
		case err != nil:
			return unsent, err
		}
	}
}

// echo publishes results over NATS, receives them again, and gives the received
// ones to reader, together with the original sets.
type echo struct {
	*bus.Sink
	results *bus.Feed[*perception.Result]
	reader  perception.Sink
}

// echoLimit is the longest time of a result on its way through the server.
const echoLimit = 30 * time.Second

// Publish implements [perception.Sink].
func (e *echo) Publish(ctx context.Context, m *perception.Moment) error {
	if err := e.Sink.Publish(ctx, m); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, echoLimit)
	defer cancel()
	got, err := e.results.Next(ctx)
	if err != nil {
		return fmt.Errorf("playback: the result did not come back: %w", err)
	}
	if got.KeyFrame != m.Set.KeyFrame {
		return fmt.Errorf("playback: the result of key frame %q came back for %q", got.KeyFrame, m.Set.KeyFrame)
	}
	return e.reader.Publish(ctx, &perception.Moment{Set: m.Set, Result: got})
}
