// Package playback runs a recording through the service, as serve would run it
// live, and sums up what came of it.
//
//	sum := playback.NewSummary(rows, samples, progress)
//	status, err := playback.Run(ctx, playback.NATS, source, detector.For(memory), sum)
//	err = sum.Write(os.Stderr, took, source.Stats(), status)
//
// By [Direct] the service takes the events from the source; by [NATS] a vehicle of
// this process sends them to an embedded server, the service takes them from there,
// and its results come back by the server. The sink gets the same either way.
package playback
