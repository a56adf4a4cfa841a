// Package warning logs what recurs: of each kind the first at once, then at most one in
// a period, with the number of those held back since.
//
//	w := warning.New(slog.Default(), 10*time.Second)
//	w.Warn("malformed frame CAM_BACK", "message dropped", "subject", subject, "reason", err)
//
// The key says which warnings are alike: the kind, and the camera or subject. One camera
// that fails ten times a second therefore hides no other.
package warning

import (
	"log/slog"
	"sync"
	"time"
)

// maxKeys is the largest number of keys that are told apart. Names in keys come from
// outside: those beyond share one.
const maxKeys = 1024

// Log limits warnings by key. Any number of goroutines may use it.
type Log struct {
	log    *slog.Logger
	period time.Duration
	now    func() time.Time

	mu   sync.Mutex
	keys map[string]*recurring
}

// recurring is what is known of the warnings of one key.
type recurring struct {
	logged time.Time
	held   int // since then
}

// New returns a log of at most one warning of a key in a period.
func New(log *slog.Logger, period time.Duration) *Log {
	return &Log{log: log, period: period, now: time.Now, keys: map[string]*recurring{}}
}

// Warn logs the text with args, as [slog.Logger.Warn] does, unless a warning of that
// key was logged within the period. If some were held back, "more" is their number.
func (l *Log) Warn(key, text string, args ...any) {
	held, due := l.take(key)
	if !due {
		return
	}
	if held > 0 {
		args = append(args[:len(args):len(args)], "more", held)
	}
	l.log.Warn(text, args...)
}

// take reports whether a warning of the key is due, and how many were held back.
func (l *Log) take(key string) (held int, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.keys[key]
	if r == nil && len(l.keys) >= maxKeys {
		key = ""
		r = l.keys[key]
	}
	if r == nil {
		r = &recurring{}
		l.keys[key] = r
	}
	now := l.now()
	if !r.logged.IsZero() && now.Sub(r.logged) < l.period {
		r.held++
		return 0, false
	}
	held, r.logged, r.held = r.held, now, 0
	return held, true
}
