package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/internal/reliability"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/synth"
)

// overload starts the service once for each factor, sends it more than it can work off,
// and fails if a set is not accounted for.
func overload(ctx context.Context, args []string) error {
	flags, drives, report := newFlags("overload")
	program := flags.String("program", "bin/solofusion", "the service")
	factors := flags.String("factors", "2,10", "sets sent for each that the service can work off")
	duration := flags.Duration("duration", 20*time.Second, "of each load")
	port := flags.Int("port", 14222, "of the service's NATS server")
	http := flags.Int("http", 19464, "port of its metrics")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ds, err := nuscenes.Open(*drives, synth.Version)
	if err != nil {
		return err
	}
	drive, err := reliability.Read(ctx, ds, 0, 0)
	if err != nil {
		return err
	}
	var all []*reliability.Strain
	for text := range strings.SplitSeq(*factors, ",") {
		factor, err := strconv.ParseFloat(text, 64)
		if err != nil || !(factor > 0) {
			return fmt.Errorf("reliability: --factors %s, want numbers above 0", *factors)
		}
		load := &reliability.Overload{Drive: drive, Factor: factor, Duration: *duration}
		s, err := strain(ctx, load, *program, *port, *http)
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	table := reliability.Strains(all)
	fmt.Println(table)
	for _, s := range all {
		if err := s.Check(); err != nil {
			return err
		}
	}
	if *report == "" {
		return nil
	}
	return reliability.Replace(*report, "overload", table)
}

// strain runs the service under one load.
func strain(ctx context.Context, load *reliability.Overload, program string, port, http int) (*reliability.Strain, error) {
	p, err := reliability.Start(program,
		"SOLOFUSION_NATS_EMBEDDED_STORE=temporary", fmt.Sprintf("SOLOFUSION_NATS_EMBEDDED_PORT=%d", port), fmt.Sprintf("SOLOFUSION_HTTP_LISTEN=127.0.0.1:%d", http))
	if err != nil {
		return nil, err
	}
	s, err := drive(ctx, load, p, port)
	if stopped := p.Stop(); err == nil {
		err = stopped
	}
	return s, err
}

// drive sends the load, as soon as the service is there.
func drive(ctx context.Context, load *reliability.Overload, p *reliability.Process, port int) (*reliability.Strain, error) {
	const patience = 30 * time.Second
	var conn *bus.Conn
	var err error
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		conn, err = bus.Connect(bus.ConnOptions{URL: fmt.Sprintf("nats://127.0.0.1:%d", port), Name: "solofusion reliability"})
		if err == nil {
			break
		}
		if time.Since(began) > patience || ctx.Err() != nil {
			return nil, err
		}
	}
	defer conn.Close()
	return load.Run(ctx, conn, bus.DefaultSubjects(), p.Memory)
}
