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

// Stepper is the detector. After an error its state must be as before the call: the
// set is lost, and the service goes on with the next.
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

	// used by the assembler only
	sync   *framesync.Sync
	latest sequence
	beats  beats

	begun int // number of the stepper's sequence; used by the stepper only
}

// New returns a service. Run starts it.
func New(source perception.Source, stepper Stepper, sink perception.Sink, o Options) *Service {
	o = o.filled()
	s := &Service{
		source:  source,
		stepper: stepper,
		sink:    sink,
		options: o,
		log:     o.Log,
		sync:    framesync.New(o.Sync),
		beats:   every(o.Rate),
		backlog: newBacklog(o.Queue, o.Lossless),
	}
	s.account.state = perception.Starting
	s.metrics = newMetrics(s)
	return s
}

// Run works until the source ends or ctx is done, then finishes the complete sets.
// It returns nil, the error of the source or that of flushing the sink. Every
// delivery that it took is settled by then. It must be called only once.
func (s *Service) Run(ctx context.Context) error {
	s.account.enter(perception.Waiting)
	finishing, expire := context.WithCancel(context.WithoutCancel(ctx))
	defer expire()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(s.options.Drain, expire)
		context.AfterFunc(finishing, func() { timer.Stop() })
	})
	defer stop()

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

// input is a delivery of the source, or the error that ended it.
type input struct {
	perception.Delivery
	err error
}

// read sends what the source delivers. After an error of the source, which it sends
// too, or when ctx is done, it closes the channel.
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

// assemble makes sets of deliveries until the channel closes or an input has an
// error. It returns the source's error, nil for io.EOF.
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
			s.logCalibration(d.Event)
			s.put(s.sync.Push(d.Delivery, time.Now()))
		case <-timer.C:
			s.put(s.sync.Advance(time.Now()))
		}
	}
}

// abandon drops the pending sets.
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

// logCalibration logs ev if it is a calibration.
func (s *Service) logCalibration(ev perception.Event) {
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
