package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/perception"
)

// Options say what is shown.
type Options struct {
	Score   float64       // lowest score of the boxes that count
	Rates   time.Duration // period of the rates; 0 for none
	Silence time.Duration // after which the absence of messages is told
	JSON    bool          // one Record a line
	Colours bool          // of states
	Words   io.Writer     // for what is told when nothing comes
	Where   string        // subjects that are watched, for these words
	Rig     string        // and the rig
}

// Watcher writes messages to a writer, as text or JSON.
type Watcher struct {
	out     io.Writer
	options Options
	states  states
	lines   int // since the last header
	silent  bool
}

// New returns a watcher that writes to out.
func New(out io.Writer, o Options) *Watcher { return &Watcher{out: out, options: o} }

// Feed delivers messages: a [bus.Feed].
type Feed[T any] interface {
	Next(ctx context.Context) (T, error)
}

// Run writes all messages until ctx is done, which is no error, or a feed fails.
func (w *Watcher) Run(ctx context.Context, results Feed[*perception.Result], statuses Feed[*perception.Status]) error {
	all, ctx := errgroup.WithContext(ctx)
	messages := make(chan any)
	all.Go(func() error { return forward(ctx, results, messages) })
	all.Go(func() error { return forward(ctx, statuses, messages) })
	all.Go(func() error { return w.show(ctx, messages) })
	if err := all.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// forward sends the messages of a feed to the channel. One that cannot be read is sent
// as its error.
func forward[T any](ctx context.Context, feed Feed[T], messages chan<- any) error {
	for {
		var message any
		var malformed *bus.MalformedError
		m, err := feed.Next(ctx)
		switch {
		case errors.As(err, &malformed):
			message = err
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		default:
			message = m
		}
		select {
		case messages <- message:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// show writes each message, and tells if none comes.
func (w *Watcher) show(ctx context.Context, messages <-chan any) error {
	for {
		select {
		case m := <-messages:
			if err := w.message(m, time.Now()); err != nil {
				return err
			}
		case <-time.After(w.options.Silence):
			w.tellSilence()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// message writes what there is to say of a message.
func (w *Watcher) message(m any, arrived time.Time) error {
	if w.silent {
		w.silent = false
		fmt.Fprintln(w.options.Words, "messages come again")
	}
	switch m := m.(type) {
	case *perception.Result:
		return w.result(m, arrived)
	case *perception.Status:
		return w.status(m)
	case error:
		fmt.Fprintln(w.options.Words, m)
	}
	return nil
}

// tellSilence says once that nothing comes.
func (w *Watcher) tellSilence() {
	if w.silent {
		return
	}
	w.silent = true
	fmt.Fprintf(w.options.Words, "no message on %s for %v: is serve running with nats.rig %s?\n",
		w.options.Where, w.options.Silence, w.options.Rig)
}

// every is the number of lines between two headers.
const every = 40

func (w *Watcher) result(r *perception.Result, arrived time.Time) error {
	if w.options.JSON {
		return w.json(Record{Result: resultRecord(r, arrived, w.options.Score)})
	}
	if w.lines%every == 0 {
		if err := w.line(header); err != nil {
			return err
		}
	}
	w.lines++
	return w.line(line(r, arrived, w.options.Score))
}

func (w *Watcher) status(st *perception.Status) error {
	if w.options.JSON {
		return w.json(Record{Status: statusRecord(st)})
	}
	at := st.Time.UTC().Format(clock) + "  "
	for _, words := range w.states.change(st) {
		if err := w.line(at + w.coloured(words, st.State)); err != nil {
			return err
		}
	}
	if w.options.Rates == 0 {
		return nil
	}
	if words := w.states.rates(st, w.options.Rates); words != "" {
		return w.line(at + words)
	}
	return nil
}

// colour returns the terminal's code for a state, "" if it has none.
func colour(s perception.State) string {
	switch s {
	case perception.Running:
		return "\x1b[32m" // green
	case perception.Degraded, perception.Waiting:
		return "\x1b[33m" // yellow
	}
	return ""
}

// coloured returns words with the state, if they begin with it, in its colour.
func (w *Watcher) coloured(words string, s perception.State) string {
	code := colour(s)
	if !w.options.Colours || code == "" || !strings.HasPrefix(words, strings.ToUpper(string(s))) {
		return words
	}
	return code + words[:len(s)] + "\x1b[0m" + words[len(s):]
}

func (w *Watcher) json(r Record) error { return json.NewEncoder(w.out).Encode(r) }

func (w *Watcher) line(text string) error {
	_, err := fmt.Fprintln(w.out, text)
	return err
}
