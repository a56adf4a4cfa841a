package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/solofusion/solofusion/internal/queue"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// Stepper is the detector. An error concerns the one set, which then is as if
// it had never come, and the service goes on.
type Stepper interface {
	Step(*perception.FrameSet) (*perception.Result, error)
}

// Service is one run of the detector.
type Service struct {
	source  perception.Source
	stepper Stepper
	sink    perception.Sink
	options Options
	log     *slog.Logger
	backlog *queue.Queue[waiting]
	account account
	metrics *metrics

	// of the assembler
	sync   *framesync.Sync
	latest sequence

	begun int // number of the sequence that the stepper is in
}

// New returns a service that Run starts.
func New(source perception.Source, stepper Stepper, sink perception.Sink, o Options) *Service {
	o = o.filled()
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
// and returns nil or the error of the source. Every delivery that it took is
// settled then. It is called once.
func (s *Service) Run(ctx context.Context) error {
	s.account.enter(perception.Waiting)
	finishing, expire := context.WithCancel(context.WithoutCancel(ctx))
	defer expire()
	forget := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(s.options.Drain, expire)
		context.AfterFunc(finishing, func() { timer.Stop() })
	})
	defer forget()

	var stepping, reporting sync.WaitGroup
	stepping.Go(func() { s.step(finishing) })
	reporting.Go(func() { s.report(finishing) })

	err := s.assemble(s.read(ctx))
	if ctx.Err() != nil {
		s.account.enter(perception.Draining)
	}
	s.backlog.Close()
	stepping.Wait()
	err = errors.Join(err, s.flush(finishing))
	expire()
	reporting.Wait()
	return err
}

// input is what the source gave: a delivery, or the error that ended it.
type input struct {
	perception.Delivery
	err error
}

// read passes on what the source delivers; its last input has an error. Its
// goroutine ends with the source or with ctx.
func (s *Service) read(ctx context.Context) <-chan input {
	out := make(chan input)
	go func() {
		defer close(out)
		for {
			d, err := s.source.Next(ctx)
			if err != nil && ctx.Err() != nil {
				return
			}
			select {
			case out <- input{d, err}:
			case <-ctx.Done():
				d.Settle(fmt.Errorf("service: not taken: %w", ctx.Err()))
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

// assemble makes sets of deliveries until there are no more.
func (s *Service) assemble(in <-chan input) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.arm(timer)
		select {
		case d, ok := <-in:
			if !ok { // the context is done
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
			s.announce(d.Event)
			s.put(s.sync.Push(d.Delivery, time.Now()))
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
	if ctx.Err() != nil {
		return nil
	}
	if err := s.sink.Flush(ctx); err != nil {
		return fmt.Errorf("service: results: %w", err)
	}
	return nil
}
