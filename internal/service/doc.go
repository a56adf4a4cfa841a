// Package service is the run loop: it reads deliveries from a source,
// assembles them into sets, steps the detector and gives each moment, the set
// with its result, to a sink.
//
//	source.Next ─▶ framesync ─▶ backlog ─▶ Stepper.Look ─▶ finish ─▶ sink.Publish
//	  reader        assembler                stepper       (goroutines; with Overlap one more from finish on)
//
//	s := service.New(source, pipeline, sink, service.Options{})
//	go http.Serve(listener, s.Handler()) // /metrics /healthz /readyz
//	err := s.Run(ctx)                    // until the end of the stream, or ctx is done
//
// A live service has a short backlog: when the detector is behind, the emptiest
// set is dropped and counted, the oldest of several. Incomplete sets leave at a deadline of the clock. A
// lossless service, for recordings, waits for the detector before it reads on, and
// deadlines are in the frames' own time. The same recording therefore gives the
// same results on a machine of any speed.
//
// Every delivery that is taken is settled once: with nil when its result is
// published, or with the reason if there is none.
//
// What the service knows of itself is one value, made from facts by pure functions: the state
// (state.go) and the troubles (symptoms.go, trouble.go). Log, status message, /readyz and
// metrics show that value; docs/operations.md explains it.
//
// When ctx is done the service takes no more deliveries. It drops incomplete sets,
// detects in the complete ones, publishes and flushes the results, and Run returns
// nil.
package service
