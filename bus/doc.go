// Package bus carries the detector's input and output over NATS.
//
// One rig's messages are protobuf (schema solofusion.v1) under one prefix:
//
//	sf.<rig>.calibration     the rig; also kept in a key-value bucket for
//	                         services that start later
//	sf.<rig>.pose            ego poses
//	sf.<rig>.frame.<camera>  encoded images
//	sf.<rig>.control         reset, end of stream
//	sf.<rig>.detections      results
//	sf.<rig>.status          the service's state and counts
//	sf.<rig>.service         pings: is there a service?
//
// Rigs and cameras may have any name: <rig> and <camera> are [Token]s of the
// names, which are the names themselves if these have letters, digits, _ and - only.
//
// A vehicle's side publishes events and reads results:
//
//	conn, err := bus.Connect(bus.ConnOptions{URL: "nats://127.0.0.1:4222"})
//	subjects := bus.Subjects{Prefix: "sf", Rig: "car"}
//	out := bus.NewPublisher(conn, subjects, bus.PublisherOptions{})
//	err = out.Publish(ctx, rig) // then poses and frames
//	results, err := bus.NewResults(conn, subjects)
//	r, err := results.Next(ctx)
//
// The service's side is a [Source] and a [Sink]. A source has one subscription
// for all kinds of messages, so that they come in the order in which they were
// sent. Its queue is bounded: when the service is behind, the oldest frames are
// dropped and counted, and logged at most once a second. A malformed message is
// dropped, counted and logged in the same way.
//
// A replay must lose nothing: a lossless source waits instead of dropping, and
// a publisher with Confirm waits for the service to take each message. Such a
// message has the header Solofusion-Confirm, which names the subject for the
// service's answer: empty if the message was taken, otherwise the reason for the
// refusal. The service never answers on the reply subject of a message, since
// there a JetStream stream that captures sf.<rig>.> sends its acknowledgement.
// The publisher uses its reply subject only for the server's report that a
// subject has no subscriber. A stream counts as a subscriber. A publisher without
// an answer for a second therefore pings sf.<rig>.service, where a service answers
// in the same way at once.
//
// [StartServer] runs a NATS server inside the process.
package bus
