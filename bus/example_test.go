package bus_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// A vehicle publishes its pose, and a service receives it. In a real system both
// connect to a NATS server by its URL.
func Example() {
	server, err := bus.StartServer(bus.ServerOptions{Port: -1})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	subjects := bus.Subjects{Prefix: "sf", Rig: "car"}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	service, err := bus.Connect(bus.ConnOptions{Server: server})
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	source, err := bus.NewSource(ctx, service, subjects, bus.SourceOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer source.Close()

	vehicle, err := bus.Connect(bus.ConnOptions{URL: server.URL()})
	if err != nil {
		log.Fatal(err)
	}
	defer vehicle.Close()
	out := bus.NewPublisher(vehicle, subjects, bus.PublisherOptions{})
	pose := perception.EgoPose{Time: time.Unix(1_700_000_000, 0).UTC(), GlobalFromEgo: geom.IdentityTransform()}
	if err := out.Publish(ctx, pose); err != nil {
		log.Fatal(err)
	}

	d, err := source.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Event.(perception.EgoPose).Time.Format(time.RFC3339))
	d.Settle(nil)
	// Output: 2023-11-14T22:13:20Z
}

// A service publishes what it detected, and whoever listens reads it.
func ExampleNewResults() {
	server, err := bus.StartServer(bus.ServerOptions{Port: -1})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	subjects := bus.Subjects{Prefix: "sf", Rig: "car"}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	reader, err := bus.Connect(bus.ConnOptions{URL: server.URL()})
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	results, err := bus.NewResults(reader, subjects) // of what is published from now on
	if err != nil {
		log.Fatal(err)
	}
	defer results.Close()

	service, err := bus.Connect(bus.ConnOptions{Server: server})
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	detected := &perception.Result{
		Rig: "car", Time: time.Unix(1_700_000_000, 0).UTC(), GlobalFromEgo: geom.IdentityPose(), EgoFromModel: geom.IdentityPose(),
		Detections: []perception.Detection{{Class: perception.Car, Score: 0.5, Center: geom.Vec3{0, 12, -1}, Size: geom.Vec3{1.9, 4.5, 1.6}}},
	}
	if err := bus.NewSink(service, subjects, bus.SinkOptions{}).Publish(ctx, &perception.Moment{Result: detected}); err != nil {
		log.Fatal(err)
	}

	result, err := results.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range result.Detections {
		fmt.Println(result.Time.Format(time.TimeOnly), d.Class, d.Score, d.Center)
	}
	// Output: 22:13:20 car 0.5 [0 12 -1]
}
