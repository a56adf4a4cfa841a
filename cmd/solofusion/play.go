package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/internal/play"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/replay"
	"github.com/solofusion/solofusion/perception"
)

type playCmd struct {
	Input          string   `arg:"" help:"Folder of a data set in nuScenes format." placeholder:"INPUT"`
	DatasetVersion string   `help:"Folder of the tables; not needed if there is only one." placeholder:"V"`
	Scenes         []string `help:"Names or tokens of the scenes; all if not given." placeholder:"A,B"`
	Speed          string   `name:"rate" default:"1" help:"Multiple of real time, or max: each instant when the result of the one before is there." placeholder:"X"`
	Now            bool     `help:"Move the times to now; those of the recording if not given."`
	KeyFrames      bool     `xor:"kind" help:"Send the key frames with the images and their own poses, as replay does: sets are then grouped by them, not by time."`
	Sweeps         bool     `xor:"kind" help:"Also send the images between the key frames."`
	connectFlags
	rigFlags
}

func (c *playCmd) Help() string {
	return `Sends a recording to a NATS server as its vehicle would: the calibration, also into the server's
bucket, then ego poses and images, each at its time. Scenes follow each other, with a reset between them.
A summary goes to standard error. The exit code is 1 if nothing could be sent, or with --rate max if no
result came; Ctrl-C ends it with what was sent so far.

Examples:

  solofusion play drives --now                           # to the server of serve on this machine
  solofusion play drives --rate max --rig truck
  solofusion play data/nuscenes --dataset-version v1.0-mini --scenes scene-0103 --sweeps --url nats://vehicle:4222`
}

// Validate returns an error for a flag out of range.
func (c *playCmd) Validate() error {
	if _, err := parseRate(c.Speed); err != nil {
		return err
	}
	return c.rigFlags.Validate()
}

func (c *playCmd) Run(ctx context.Context) error {
	ds, err := openDataset(c.Input, c.DatasetVersion)
	if err != nil {
		return err
	}
	if err := c.tell(ds); err != nil {
		return err
	}
	scenes, err := scenesOf(ds, c.Scenes)
	if err != nil {
		return err
	}
	source, err := replay.NewSource(ds, scenes, replay.Options{Live: !c.KeyFrames, Sweeps: c.Sweeps})
	if err != nil {
		return err
	}
	conn, subjects, err := c.connect("play")
	if err != nil {
		return err
	}
	defer conn.Close()
	feed, err := bus.NewResults(conn, subjects)
	if err != nil {
		return err
	}
	defer feed.Close()
	return c.play(ctx, source, images(scenes), conn, subjects, play.Collect(feed))
}

// images returns the number of images of key frames.
func images(scenes []*nuscenes.Scene) (n int) {
	for _, sample := range samplesOf(scenes) {
		n += len(sample.Cameras())
	}
	return n
}

// play sends the source's events and sums up.
func (c *playCmd) play(ctx context.Context, source *replay.Source, total int, conn *bus.Conn, subjects bus.Subjects, back *play.Arrivals) error {
	rate, err := parseRate(c.Speed)
	if err != nil {
		return err
	}
	p := play.Player{Source: source, Schedule: play.NewSchedule(rate, c.Now)}
	p.Send = bus.NewPublisher(conn, subjects, bus.PublisherOptions{}).Publish
	if p.Schedule.Immediate() {
		p.Send, p.Await = confirming(conn, subjects, p.Send), back.Await
	}
	progress, finish := progressBar("sending", "images")
	p.Progress = func() { progress(p.Sent.Frames, max(total, p.Sent.Frames)) }
	slog.Info("playing", "to", subjects.All(), "images", total, "rate", c.Speed, "now", c.Now)
	start := time.Now()
	err = p.Run(ctx)
	finish()
	if err == nil {
		err = errors.Join(conn.Flush(ctx), back.Last(ctx, lingering))
	}
	c.sum(&p, source.Stats(), subjects, back.Count(), time.Since(start))
	return c.outcome(err, &p, subjects, back.Count())
}

// confirming returns send, with a calibration confirmed by the service, so that its
// absence or refusal is known before images wait for results. The images of an instant
// come together and are not confirmed one by one.
func confirming(conn *bus.Conn, subjects bus.Subjects, send sender) sender {
	confirmed := bus.NewPublisher(conn, subjects, bus.PublisherOptions{Confirm: true})
	return func(ctx context.Context, ev perception.Event) error {
		if _, rig := ev.(*perception.Rig); rig {
			return confirmed.Publish(ctx, ev)
		}
		return send(ctx, ev)
	}
}

type sender = func(context.Context, perception.Event) error

// lingering is how long play waits for a further result after the last image.
const lingering = 2 * time.Second

// sum writes the summary.
func (c *playCmd) sum(p *play.Player, st replay.Stats, subjects bus.Subjects, results int, took time.Duration) {
	fmt.Fprintf(os.Stderr, "%d samples of %d scenes: %v to %s in %.1f s; %d results came back\n",
		st.Samples, st.Scenes, p.Sent, subjects.All(), took.Seconds(), results)
	for camera, n := range st.Absent {
		fmt.Fprintf(os.Stderr, "%d images of %s were absent\n", n, camera)
	}
	if p.Sent.Unanswered > 0 {
		fmt.Fprintf(os.Stderr, "%d instants were without a result for %v\n", p.Sent.Unanswered, play.Patience)
	}
	if results == 0 && p.Sent.Frames > 0 {
		fmt.Fprintf(os.Stderr, "no result: is serve running with nats.rig %s? solofusion watch shows its state\n", subjects.Rig)
	}
}

// outcome returns the error that the command ends with.
func (c *playCmd) outcome(err error, p *play.Player, subjects bus.Subjects, results int) error {
	var none *bus.NoServiceError
	switch {
	case errors.As(err, &none):
		return fmt.Errorf("play: no service takes %s: start solofusion serve with nats.rig %s, or take --rate 1, which needs none",
			subjects.All(), subjects.Rig)
	case err != nil:
		return err
	case p.Sent.Frames == 0 && p.Sent.Why != nil:
		return fmt.Errorf("play: no image was sent: %w", p.Sent.Why)
	case p.Sent.Frames == 0:
		return errors.New("play: the recording has no image that can be sent")
	case results == 0 && p.Schedule.Immediate():
		return errors.New("play: no result came")
	}
	return nil
}
