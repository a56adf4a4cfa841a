package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/solofusion/solofusion/internal/queue"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// Stepper is the detector. Look begins with a set and returns what ends its step, which
// is called once; sets are looked at and finished in the same order, and with
// [Options.Overlap] the next set is looked at while one is finished. After an error the
// set is lost, and the service goes on with the next.
type Stepper interface {
	Look(*perception.FrameSet) (finish func() (*perception.Result, error))
}

// choosy is a Stepper that cannot use every valid calibration. What Fits returns an error
// for is refused, and the calibration before it stays in force.
type choosy interface {
	Fits(*perception.Rig) error
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

	looking sync.Mutex // held while the facts are looked at
	journal journal    // of looking
	seen    atomic.Pointer[view]
	changed chan struct{} // when the stepper saw the condition change

	// used by the assembler only
	sync   *framesync.Sync
	latest sequence
	beats  beats
	unfit  uint64 // calibrations that the stepper cannot use

	begun int // number of the stepper's sequence; used by finish only
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
		journal: newJournal(o.limits().stale),
		changed: make(chan struct{}, 1),
	}
	if o.Lossless {
		s.journal = newJournal(0)
	}
	s.account.facts.refusals, s.account.facts.tolls = map[string]string{}, map[key]uint64{}
	s.seen.Store(&view{since: time.Now()})
	s.look()
	s.metrics = newMetrics(s)
	return s
}

// Run works until the source ends or ctx is done, then finishes the complete sets.
// It returns nil, the error of the source or that of flushing the sink; if ctx is done
// and the source's connection is lost, results that could not be sent are no error, but
// counted. Every delivery that it took is settled by then. It must be called only once.
func (s *Service) Run(ctx context.Context) error {
	s.enter(taking)
	finishing, expire := context.WithCancel(context.WithoutCancel(ctx))
	defer expire()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(s.options.Drain, expire)
		context.AfterFunc(finishing, func() { timer.Stop() })
	})
	defer stop()

	var stepping, reporting sync.WaitGroup
	stepping.Go(func() { s.step(finishing) })
	reporting.Go(func() { s.watch(finishing) })

	err := s.assemble(s.read(ctx))
	if ctx.Err() != nil {
		s.enter(draining)
	}
	s.backlog.Close()
	stepping.Wait()
	err = errors.Join(err, s.flush(finishing, ctx.Err() != nil))
	expire()
	reporting.Wait()
	return err
}

// enter begins a phase.
func (s *Service) enter(p phase) {
	s.account.enter(p)
	s.look()
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
	timer, looks := time.NewTimer(time.Hour), time.NewTicker(pulse)
	defer timer.Stop()
	defer looks.Stop()
	defer s.tell()
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
			s.push(d.Delivery)
		case <-timer.C:
			s.put(s.sync.Advance(time.Now()))
		case <-looks.C:
			s.put(s.sync.Advance(time.Now())) // without frames too, what the sync tells of goes out of date
		}
	}
}

// push gives a delivery to the sync. The reason is kept if it is dropped.
func (s *Service) push(d perception.Delivery) {
	now, event, done := time.Now(), d.Event, d.Done
	d.Done = func(err error) {
		s.account.refused(event, err)
		if done != nil {
			done(err)
		}
	}
	if f, ok := d.Event.(*perception.Frame); ok {
		s.account.arrived(now, s.options.limits().stale)
		if !s.options.Lossless || s.options.Trace != nil {
			stamped := *f
			stamped.Arrived = now
			d.Event = &stamped
		}
	}
	if s.refuse(d) {
		return
	}
	before := s.sync.Rig()
	s.put(s.sync.Push(d, now))
	s.logCalibration(before, s.sync.Rig())
}

// refuse drops a valid calibration that the stepper cannot use, as the sync drops those that
// are not valid.
func (s *Service) refuse(d perception.Delivery) bool {
	rig, isRig := d.Event.(*perception.Rig)
	stepper, choosy := s.stepper.(choosy)
	if !isRig || !choosy || rig.Validate() != nil {
		return false
	}
	err := stepper.Fits(rig)
	if err == nil {
		return false
	}
	s.unfit++
	d.Settle(&framesync.Drop{Reason: framesync.InvalidCalibration, Words: err.Error()})
	s.tell()
	return true
}

// tell gives the account what the sync knows.
func (s *Service) tell() {
	counters := s.sync.Counters()
	counters.Dropped[framesync.InvalidCalibration] += s.unfit
	s.account.input(counters, s.sync.Health(), s.sync.Rig() != nil)
}

// abandon drops the pending sets.
func (s *Service) abandon() { s.sync.Discard() }

// arm sets the timer to the next deadline. Stream time has none.
func (s *Service) arm(timer *time.Timer) {
	at, ok := s.sync.Deadline()
	if !ok || s.options.Lossless {
		timer.Stop()
		return
	}
	timer.Reset(time.Until(at))
}

// logCalibration logs a calibration that changes something.
func (s *Service) logCalibration(before, rig *perception.Rig) {
	if rig != before && (before == nil || before.Name != rig.Name || !before.Same(rig)) {
		s.log.Info("calibration", "rig", rig.Name, "cameras", len(rig.Cameras))
	}
}

// flush waits until the results are sent. If the service was stopped while there is no
// connection, those that wait for it are lost.
func (s *Service) flush(ctx context.Context, stopped bool) (err error) {
	if ctx.Err() == nil && !(stopped && s.down() != nil) {
		err = s.sink.Flush(ctx)
	}
	if down := s.down(); stopped && down != nil {
		s.account.unsend(down)
		return nil
	}
	if err != nil {
		return fmt.Errorf("service: results: %w", err)
	}
	return nil
}
