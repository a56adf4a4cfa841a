// Package play sends a recording as its vehicle would: each event when it is due, at a
// multiple of real time or as fast as the results come back.
//
//	p := play.Player{Source: source, Schedule: play.NewSchedule(1, now), Send: publisher.Publish}
//	err := p.Run(ctx)
//	fmt.Println(p.Sent)
//
// [Schedule] is the rule, without a clock: when an event is due, and the time that it
// gets. [Player] is the loop that waits. The source is one of package replay, with
// Options.Live for events in order of time.
package play
