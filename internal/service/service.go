package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// Stepper is the detector. An error concerns the one set, which then is as if
// it had never come, and the service goes on; but an error with a method
// Fatal() bool that says true ends the service.
type Stepper interface {
	Step(*perception.FrameSet) (*perception.Result, error)
}

// A sink may also take status messages, and be flushed at the end.
type (
	statusSink interface {
		PublishStatus(context.Context, *perception.Status) error
	}
	flusher interface{ Flush(context.Context) error }
)

// dropper is a source that counts what it dropped.
type dropper interface {
	Drops(yield func(reason string, n uint64) bool)
}

// Options configure a Service. Fields that are zero take their default.
type Options struct {
	Sync     framesync.Options
	Lossless bool // for recordings: wait instead of dropping, time by the frames

	Queue        int           // sets that wait for the detector at most; default 2
	StatusPeriod time.Duration // of status messages and of words about drops; default 1 s
	Drain        time.Duration // for finishing, once ctx is done; default 10 s
	Stall        time.Duration // of one step, that makes the service unhealthy; default 30 s
	Log          *slog.Logger  // default slog.Default
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.StatusPeriod, time.Second)
	set(&o.Drain, 10*time.Second)
	set(&o.Stall, 30*time.Second)
	if o.Queue == 0 {
		o.Queue = 2
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Sync.StreamTime = o.Lossless
	return o
}

// Service is one run of the detector.
type Service struct {
	source  perception.Source
	stepper Stepper
	sink    perception.Sink
	options Options
	log     *slog.Logger
	sync    *framesync.Sync // of the assembler
	backlog *backlog
	account account
	metrics *metrics
}

// New returns a service that Run starts.
func New(source perception.Source, stepper Stepper, sink perception.Sink, o Options) *Service {
	o = o.withDefaults()
	s := &Service{
		source:  source,
		stepper: stepper,
		sink:    sink,
		options: o,
		log:     o.Log,
		sync:    framesync.New(o.Sync),
		backlog: newBacklog(o.Queue, o.Lossless),
	}
	s.account.state = perception.Starting
	s.metrics = newMetrics(s)
	return s
}

// Run works until the source ends or ctx is done, finishes what is complete,
// and returns nil; or it returns the error of the source, or a fatal one of
// the detector. It is called once.
func (s *Service) Run(ctx context.Context) error {
	s.account.enter(perception.Waiting)
	reading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	finishing, expire := context.WithCancel(context.WithoutCancel(ctx))
	defer expire()
	forget := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(s.options.Drain, expire)
		context.AfterFunc(finishing, func() { timer.Stop() })
	})
	defer forget()

	var stepping, reporting sync.WaitGroup
	stepping.Go(func() { s.step(finishing, stop) })
	reporting.Go(func() { s.report(finishing) })

	err := s.assemble(reading, s.read(reading))
	if ctx.Err() != nil {
		s.account.enter(perception.Draining)
	}
	s.backlog.close()
	stepping.Wait()
	if fatal := new(fatalError); errors.As(context.Cause(reading), &fatal) {
		err = fatal
	}
	err = errors.Join(err, s.flush(finishing))
	expire()
	reporting.Wait()
	return err
}

// delivery is what the source gave: an event, or the error that ended it.
type delivery struct {
	event perception.Event
	err   error
}

// read passes on what the source delivers; its last delivery has an error. Its
// goroutine ends with the source or with ctx.
func (s *Service) read(ctx context.Context) <-chan delivery {
	out := make(chan delivery)
	go func() {
		defer close(out)
		for {
			ev, err := s.source.Next(ctx)
			if err != nil && ctx.Err() != nil {
				return
			}
			select {
			case out <- delivery{ev, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

// assemble makes sets of events until there are no more.
func (s *Service) assemble(ctx context.Context, in <-chan delivery) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.arm(timer)
		select {
		case d, ok := <-in:
			if !ok { // ctx is done
				s.abandon()
				return nil
			}
			if errors.Is(d.err, io.EOF) {
				s.put(s.sync.Flush())
				return nil
			}
			if d.err != nil {
				s.abandon()
				return fmt.Errorf("service: input: %w", d.err)
			}
			s.announce(d.event)
			s.put(s.sync.Push(d.event, time.Now()))
		case <-timer.C:
			s.put(s.sync.Advance(time.Now()))
		}
	}
}

// abandon gives up the sets in the making.
func (s *Service) abandon() {
	s.sync.Discard()
	s.account.input(s.sync.Counters())
}

// arm sets the timer to the next deadline. Stream time has none.
func (s *Service) arm(timer *time.Timer) {
	at, ok := s.sync.Deadline()
	if !ok || s.options.Lossless {
		timer.Stop()
		return
	}
	timer.Reset(time.Until(at))
}

func (s *Service) put(sets []*perception.FrameSet) {
	for _, set := range sets {
		if why, lost := s.backlog.put(set); lost {
			s.account.loseSet(why)
		}
	}
	s.account.input(s.sync.Counters())
}

// announce logs a calibration.
func (s *Service) announce(ev perception.Event) {
	rig, ok := ev.(*perception.Rig)
	if !ok {
		return
	}
	if err := rig.Validate(); err != nil {
		s.log.Warn("calibration refused", "error", err)
		return
	}
	s.log.Info("calibration", "rig", rig.Name, "cameras", len(rig.Cameras))
}

func (s *Service) flush(ctx context.Context) error {
	f, ok := s.sink.(flusher)
	if !ok || ctx.Err() != nil {
		return nil
	}
	if err := f.Flush(ctx); err != nil {
		return fmt.Errorf("service: results: %w", err)
	}
	return nil
}
