// Command publish-frames is an example of a vehicle's program: it sends a
// calibration, poses and camera images to solofusion serve.
//
//	go run ./examples/publish-frames -url nats://127.0.0.1:4222 CAM_FRONT=a.jpg CAM_BACK=b.jpg
//
// It sends the same images twice a second until it is interrupted, as a vehicle
// that stands still would.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	_ "image/jpeg" // formats of the images
	_ "image/png"
	"log"
	"math"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

func main() {
	log.SetFlags(0)
	url := flag.String("url", "nats://127.0.0.1:4222", "NATS server")
	rig := flag.String("rig", "car", "name of the rig, as in nats.rig")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *url, *rig, flag.Args()); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal("publish-frames: ", err)
	}
}

func run(ctx context.Context, url, name string, args []string) error {
	conn, err := bus.Connect(bus.ConnOptions{URL: url, Name: "publish-frames"})
	if err != nil {
		return err
	}
	defer conn.Close()
	rig, images, err := load(name, args)
	if err != nil {
		return err
	}
	out := bus.NewPublisher(conn, bus.Subjects{Prefix: "sf", Rig: name}, bus.PublisherOptions{})
	// The calibration comes first. The server keeps it for services that start
	// later.
	if err := out.Publish(ctx, rig); err != nil {
		return err
	}
	clock := time.NewTicker(500 * time.Millisecond)
	defer clock.Stop()
	for n := uint64(1); ; n++ {
		if err := send(ctx, out, images, n, time.Now()); err != nil {
			return err
		}
		select {
		case <-clock.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// send publishes one instant: the vehicle's pose, then the images of its cameras.
func send(ctx context.Context, out *bus.Publisher, images map[string][]byte, n uint64, now time.Time) error {
	// A vehicle sends the poses of its localisation at their own rate; the
	// service interpolates between them.
	if err := out.Publish(ctx, perception.EgoPose{Time: now, GlobalFromEgo: geom.IdentityTransform()}); err != nil {
		return err
	}
	for camera, data := range images {
		frame := &perception.Frame{Camera: camera, Captured: now, Sequence: n, Image: data}
		if err := out.Publish(ctx, frame); err != nil {
			return err // for example a bus.PayloadError
		}
	}
	return out.Flush(ctx)
}

// load reads the images and returns a rig of their cameras. A real vehicle has a
// measured calibration; here the cameras stand in a circle, each with a horizontal
// field of view of 70 degrees.
func load(name string, args []string) (*perception.Rig, map[string][]byte, error) {
	rig := &perception.Rig{Name: name}
	images := map[string][]byte{}
	for i, arg := range args {
		camera, path, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, nil, fmt.Errorf("%q: want CAMERA=IMAGE", arg)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		size, _, err := image.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		images[camera] = data
		rig.Cameras = append(rig.Cameras, pinhole(camera, size, 2*math.Pi*float64(i)/float64(len(args))))
	}
	return rig, images, rig.Validate()
}

// pinhole returns a level camera that looks along yaw, in radians, 1.5 m above the
// ground.
func pinhole(name string, size image.Config, yaw float64) perception.Camera {
	w, h := float64(size.Width), float64(size.Height)
	focal := w / 2 / math.Tan(35*math.Pi/180)
	ahead := geom.Quat{W: 0.5, X: -0.5, Y: 0.5, Z: -0.5} // camera axes: x right, y down, z ahead
	return perception.Camera{
		Name:       name,
		Width:      size.Width,
		Height:     size.Height,
		Intrinsics: geom.Mat3{focal, 0, w / 2, 0, focal, h / 2, 0, 0, 1},
		EgoFromCamera: geom.Transform{
			Rotation:    geom.QuatFromYaw(yaw).Mul(ahead),
			Translation: geom.Vec3{math.Cos(yaw), math.Sin(yaw), 1.5},
		},
	}
}
