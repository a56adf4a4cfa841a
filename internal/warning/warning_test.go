package warning

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// logged returns a log with a clock, and what it wrote.
func logged() (l *Log, now *time.Time, out *bytes.Buffer) {
	out, now = &bytes.Buffer{}, new(time.Unix(1000, 0))
	plain := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	l = New(plain, 10*time.Second)
	l.now = func() time.Time { return *now }
	return l, now, out
}

func TestEachKeyHasItsOwnLimit(t *testing.T) {
	l, now, out := logged()
	for range 3 {
		l.Warn("a", "dropped", "camera", "a")
		l.Warn("b", "dropped", "camera", "b")
	}
	*now = now.Add(9 * time.Second)
	l.Warn("a", "dropped", "camera", "a")
	*now = now.Add(time.Second)
	l.Warn("a", "dropped", "camera", "a")
	*now = now.Add(10 * time.Second)
	l.Warn("a", "dropped", "camera", "a")
	want := "level=WARN msg=dropped camera=a\nlevel=WARN msg=dropped camera=b\n" +
		"level=WARN msg=dropped camera=a more=3\nlevel=WARN msg=dropped camera=a\n"
	if out.String() != want {
		t.Errorf("logged\n%swant\n%s", out, want)
	}
}

// Names from outside do not fill the memory, and warnings of new ones are still logged.
func TestKeysAreBounded(t *testing.T) {
	l, now, out := logged()
	for i := range 3 * maxKeys {
		l.Warn(fmt.Sprint(i), "dropped")
	}
	if n := strings.Count(out.String(), "\n"); n != maxKeys+1 || len(l.keys) != maxKeys+1 {
		t.Errorf("%d lines and %d keys, want %d", n, len(l.keys), maxKeys+1)
	}
	out.Reset()
	*now = now.Add(time.Minute)
	l.Warn("another", "dropped")
	if want := fmt.Sprintf("more=%d", 2*maxKeys-1); !strings.Contains(out.String(), want) {
		t.Errorf("logged %q, want %s", out, want)
	}
}

func TestNothingIsLostBetweenGoroutines(t *testing.T) {
	l, now, out := logged()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				l.Warn("a", "dropped")
			}
		})
	}
	all.Wait()
	*now = now.Add(time.Minute)
	l.Warn("a", "dropped")
	if !strings.HasSuffix(out.String(), "more=799\n") {
		t.Errorf("logged %q, want more=799", out)
	}
}
