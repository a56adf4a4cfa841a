// Command solofusion detects the objects around a vehicle in the images of its
// cameras.
//
//	solofusion serve                       detect what arrives over NATS
//	solofusion replay DIR --out r.json     detect in a recording
//	solofusion doctor                      print what is installed and what is missing
//
// Each command has its own --help with an example. Data goes to standard
// output, messages and summaries to standard error. The exit code is 0 when the work is done,
// 1 when it failed and 2 when the command line is wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/solofusion/solofusion/nuscenes/eval"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// cli is the command line. A command is a struct with a Run(context.Context)
// error method; its Help method returns the example. An error of its Validate
// method is wrong usage.
type cli struct {
	LogLevel slog.Level       `help:"Lowest level of the messages on standard error: debug, info, warn or error." default:"info" env:"SOLOFUSION_LOG_LEVEL" placeholder:"LEVEL"`
	Version  kong.VersionFlag `help:"Print the version and exit."`

	Serve  serveCmd  `cmd:"" help:"Detect what arrives over NATS."`
	Play   playCmd   `cmd:"" help:"Send a recording over NATS as its vehicle would."`
	Watch  watchCmd  `cmd:"" help:"Print a service's results and states as they come."`
	Replay replayCmd `cmd:"" help:"Detect in a recording."`
	Demo   demoCmd   `cmd:"" help:"Demonstrate the whole service on a rendered drive."`
	Doctor doctorCmd `cmd:"" help:"Print what is installed and what is missing, or examine a data set."`
	Eval   evalCmd   `cmd:"" help:"Grade detections with the nuScenes metric."`
	Synth  synthCmd  `cmd:"" help:"Render drives as a data set."`
	Trace  traceCmd  `cmd:"" help:"Write every stage's arrays."`
	Bench  benchCmd  `cmd:"" help:"Time every stage on this machine."`
	Model  modelCmd  `cmd:"" help:"Print, check and rewrite bundles."`
}

const description = `Detects the objects around a vehicle in the images of its cameras.

Examples:

  solofusion demo                                    demonstrate the whole service
  solofusion doctor                                  what is installed, what is missing
  solofusion serve --config solofusion.yaml          detect what arrives over NATS
  solofusion play DIR --now                          send a recording as its vehicle would
  solofusion watch                                   print results and states as they come
  solofusion replay DIR --out results.json           detect in a recording

Only watch uses colours, on a terminal and without NO_COLOR.`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run runs the command line args and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := cancelledBySignals()
	defer stop()

	var c cli
	code, exited := exitDone, false
	parser, err := kong.New(&c,
		kong.Name("solofusion"),
		kong.Description(description),
		kong.Vars{"version": version(), "breakdowns": strings.Join(eval.Breakdowns, ", ")},
		kong.Writers(stdout, stderr),
		kong.Exit(func(status int) { code, exited = status, true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		panic(err) // a malformed tag in cli
	}

	kctx, err := parser.Parse(args)
	if exited { // --help and --version
		return code
	}
	if err != nil {
		fmt.Fprintf(stderr, "solofusion: %v\nsee solofusion --help\n", err)
		return exitUsage
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel})))

	if err := kctx.Run(); err != nil {
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		fmt.Fprintf(stderr, "solofusion: %v\n", err)
		return exitFailed
	}
	return exitDone
}

// cancelledBySignals returns a context that SIGINT and SIGTERM cancel. A second
// signal ends the process at once.
func cancelledBySignals() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// revision is the revision of the sources, which the Makefile sets at link time.
var revision string

// version returns the name of the build: the revision or the module's version, and
// the toolchain.
func version() string {
	v := revision
	if info, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = info.Main.Version
	}
	return fmt.Sprintf("solofusion %s (%s, %s/%s)", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
