// Package bus carries the detector's input and output over NATS.
//
// One rig's messages are protobuf (schema solofusion.v1) under one prefix:
//
//	sf.<rig>.calibration     the rig; also kept in a key-value bucket, so that
//	                         whoever joins late has it
//	sf.<rig>.pose            ego poses
//	sf.<rig>.frame.<camera>  encoded images
//	sf.<rig>.control         reset, end of stream
//	sf.<rig>.detections      results
//	sf.<rig>.status          the service's account of itself
//	sf.<rig>.service         questions whether a service is there
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
// dropped and counted, and the log says so at most once a second. A message
// that cannot be understood is counted and dropped too.
//
// A replay must lose nothing: a lossless source waits instead of dropping, and
// a publisher with Confirm waits for the service to take each message. Such a
// message has the header Solofusion-Confirm, which names the subject for the
// service's answer: empty when the message is taken, and otherwise the reason
// why not. The service never answers on the reply subject of a message, since
// there a JetStream stream that captures sf.<rig>.> sends its acknowledgement.
// The publisher's own reply subject is only for the server's word that nobody
// listens; and since a captured message is never without a listener, a
// publisher that hears nothing for a second asks on sf.<rig>.service, where a
// service answers in the same way at once.
//
// [StartServer] runs a NATS server inside the process.
package bus
