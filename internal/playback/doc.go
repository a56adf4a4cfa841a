// Package playback runs a recording through the same service as the command serve,
// and sums up the results.
//
//	sum := playback.NewSummary(rows, samples, progress)
//	status, err := playback.Run(ctx, playback.Options{Via: playback.NATS}, source, detector.For(memory), sum)
//	err = sum.Write(os.Stderr, took, source.Stats(), status)
//	err = sum.Check(source.Stats(), status) // whether any image was used
//
// With [Direct] the service reads the events from the source. With [NATS] a publisher
// in this process sends them to an embedded server, the service receives them from
// there, and its results come back over the server. The sink gets the same results
// either way.
package playback
