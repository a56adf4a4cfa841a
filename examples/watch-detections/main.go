// Command watch-detections prints the detections of solofusion serve, one line for
// each object, in the vehicle's frame: x ahead, y to the left, metres.
//
//	go run ./examples/watch-detections -url nats://127.0.0.1:4222 -score 0.4
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"os/signal"
	"strings"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/perception"
)

func main() {
	log.SetFlags(0)
	url := flag.String("url", "nats://127.0.0.1:4222", "NATS server")
	rig := flag.String("rig", "car", "name of the rig, as in nats.rig")
	score := flag.Float64("score", 0.3, "lowest score to print")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *url, *rig, float32(*score)); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal("watch-detections: ", err)
	}
}

func run(ctx context.Context, url, rig string, score float32) error {
	conn, err := bus.Connect(bus.ConnOptions{URL: url, Name: "watch-detections"})
	if err != nil {
		return err
	}
	defer conn.Close()
	results, err := bus.NewResults(conn, bus.Subjects{Prefix: "sf", Rig: rig})
	if err != nil {
		return err
	}
	for {
		r, err := results.Next(ctx)
		var malformed *bus.MalformedError
		if errors.As(err, &malformed) {
			log.Print(err) // for example from another version of the service
			continue
		}
		if err != nil {
			return err
		}
		show(r, score)
	}
}

// show prints a result. Its cameras and history come first: they show how reliable
// the detections are.
func show(r *perception.Result, score float32) {
	fmt.Printf("%s  %d cameras, history of %d frames over %v\n",
		r.Time.Format("15:04:05.000"), len(r.Captured), r.HistoryDepth, r.HistoryAge)
	if len(r.Missing) > 0 {
		fmt.Println("  missing:", strings.Join(r.Missing, ", "))
	}
	if r.Reset != "" {
		fmt.Println("  new sequence:", r.Reset)
	}
	for _, d := range r.Detections {
		if d.Score < score {
			continue
		}
		// Detections are in the lidar frame of the calibration.
		ego := d.Placement().In(r.EgoFromModel)
		at := ego.Center
		fmt.Printf("  %-20s %.2f  at %6.1f %6.1f  %5.1f m away  %4.1f m/s\n",
			d.Class, d.Score, at[0], at[1], math.Hypot(at[0], at[1]), ego.Velocity.Norm())
	}
}
