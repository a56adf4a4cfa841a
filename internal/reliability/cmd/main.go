// Command cmd measures how reliable the detector and its service are, and writes what it
// finds between the marks of docs/reliability.md.
//
//	go run ./internal/reliability/cmd losses --drives out/losses/drives --report docs/reliability.md
//	go run ./internal/reliability/cmd overload --drives out/drives --factors 2,10 --duration 10m
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("reliability: want losses or overload")
	}
	switch args[0] {
	case "losses":
		return losses(ctx, args[1:])
	case "overload":
		return overload(ctx, args[1:])
	}
	return fmt.Errorf("reliability: %q, want losses or overload", args[0])
}

// newFlags returns flags, with the ones that all commands have.
func newFlags(name string) (flags *flag.FlagSet, drives, report *string) {
	flags = flag.NewFlagSet(name, flag.ExitOnError)
	drives = flags.String("drives", "", "folder of rendered drives")
	report = flags.String("report", "", "page to write the tables into, with pictures beside it; none if empty")
	return flags, drives, report
}

// beside returns a file in the folder of the page.
func beside(page, file string) string { return filepath.Join(filepath.Dir(page), file) }
