// Package service is the run loop: it reads deliveries from a source,
// assembles them into sets, steps the detector and gives each moment, the set
// with its result, to a sink.
//
//	source.Next ─▶ framesync ─▶ backlog ─▶ Stepper.Step ─▶ sink.Publish
//	  reader        assembler                stepper          (goroutines)
//
//	s := service.New(source, pipeline, sink, service.Options{})
//	go http.Serve(listener, s.Handler()) // /metrics /healthz /readyz
//	err := s.Run(ctx)                    // until the end of the stream, or ctx is done
//
// Live, the backlog is short: when the detector is behind, the oldest set is
// dropped and counted, and incomplete sets leave by the clock. Lossless, for
// recordings, reading waits for the detector and deadlines count in the
// frames' own time, so that the same recording gives the same results at any
// speed of the machine.
//
// Every delivery that is taken is settled once: with nil when its result is
// published, or with the reason for which there is none.
//
// When ctx is done the service takes nothing new, finishes the sets that are
// complete, publishes and flushes them, and Run returns nil.
package service
