package service

import (
	"cmp"
	"slices"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// symptom is one thing that is wrong, as the facts of one time show it.
type symptom struct {
	perception.Trouble        // Count is of all times; Since is zero if that is not known
	present            bool   // even if Count has not grown
	kind               string // common to causes that follow each other in one trouble; "" for the cause alone
	units              string // of Count: sets, images, frames
	worded             bool   // other words mean that something else is to be mended
}

// key is a subject, and a cause or a kind of causes.
type key struct{ subject, cause string }

// place is a key of a camera or of a part: a camera may be named as one.
type place struct {
	camera bool
	key
}

// entry is a trouble that is present, or was.
type entry struct {
	symptom
	open   bool
	base   uint64 // count before it began
	told   uint64 // count when its beginning was told
	cause  string // that was told, with words
	words  string
	toldAt time.Time
	pause  time.Duration // from then until other words are told
	last   time.Time     // it was seen
	until  time.Time     // it ended
	hold   time.Duration // without it until it ends
}

// trouble returns the entry's trouble with its own count.
func (e *entry) trouble() perception.Trouble {
	t := e.Trouble
	t.Count -= e.base
	return t
}

// journal keeps troubles from symptoms. A trouble begins when it is seen and ends when
// it was not seen for a hold. If its cause changes it is told of again, and so are other
// words of a worded symptom, each after pauses that double. If it begins again soon after its
// end, its hold doubles: what comes and goes is one trouble. The number of changes is
// therefore bounded, however the symptoms change.
type journal struct {
	hold, most time.Duration // the first and the longest hold; 0 if troubles never end
	entries    map[place]*entry
}

// longest is the longest hold of a trouble.
const longest = time.Minute

// newJournal returns a journal of troubles that end; with hold 0 they never do.
func newJournal(hold time.Duration) journal {
	return journal{hold: hold, most: max(hold, longest), entries: map[place]*entry{}}
}

// change is the beginning or the end of a trouble.
type change struct {
	perception.Trouble
	units string
	ended bool
	took  time.Duration // if it ended
	more  bool          // if it ended: whether it cost more than when it began
}

// soon is how many holds after its end a trouble is the same one again.
const soon = 10

// observe takes the symptoms at the time now and returns what changed: what began, in
// their order, then what ended.
func (j *journal) observe(now time.Time, symptoms []symptom) (changes []change) {
	listed := make(map[place]bool, len(symptoms))
	for i := range symptoms {
		s := &symptoms[i]
		listed[s.place()] = true
		if e := j.entry(s, now); e.see(s, now) || e.turned(now) {
			e.hold, e.pause = min(e.hold, j.most), min(e.pause, j.most)
			e.cause, e.words, e.toldAt = e.Cause, e.Words, now
			changes = append(changes, change{Trouble: e.trouble(), units: e.units})
		}
	}
	return append(changes, j.end(now, listed)...)
}

func (s *symptom) place() place { return place{s.IsCamera, key{s.Subject, cmp.Or(s.kind, s.Cause)}} }

// entry returns the entry of a symptom, a new one if it has none. What a new symptom has
// cost before it was present is not part of the trouble.
func (j *journal) entry(s *symptom, now time.Time) *entry {
	e := j.entries[s.place()]
	if e == nil {
		e = &entry{hold: j.hold}
		if s.present && s.Count > 0 {
			e.Count = s.Count - 1
		}
		j.entries[s.place()] = e
	}
	if !e.open && now.Sub(e.until) > soon*e.hold {
		e.hold, e.until = j.hold, time.Time{}
	}
	return e
}

// see takes a symptom and reports whether the trouble begins with it.
func (e *entry) see(s *symptom, now time.Time) (begins bool) {
	seen := s.present || s.Count > e.Count
	begins = seen && !e.open
	if begins {
		e.base, e.open, e.pause = e.Count, true, pulse
		if !e.until.IsZero() {
			e.hold *= 2
		}
		if s.Since.IsZero() {
			s.Since = now
		}
		e.Since = s.Since
	}
	if seen {
		e.last = now
	}
	s.Since = e.Since
	e.symptom = *s
	if begins {
		e.told = s.Count
	}
	return begins
}

// turned reports whether an open trouble has another cause than was told a hold and a pause
// ago, or other words than were told a pause ago.
func (e *entry) turned(now time.Time) bool {
	switch since := now.Sub(e.toldAt); {
	case !e.open:
		return false
	case e.worded && e.Words != e.words && since >= e.pause:
		e.pause *= 2
		return true
	case e.last.Equal(now) && e.Cause != e.cause && since >= max(e.hold, e.pause):
		e.pause = 2 * max(e.hold, e.pause)
		return true
	}
	return false
}

// end closes the troubles that were not seen for their hold, and forgets those that
// ended long ago and have no symptom any more.
func (j *journal) end(now time.Time, listed map[place]bool) (changes []change) {
	if j.hold == 0 {
		return nil
	}
	for k, e := range j.entries {
		switch {
		case e.open && now.Sub(e.last) >= e.hold:
			e.open, e.until = false, now
			changes = append(changes, change{Trouble: e.trouble(), units: e.units, ended: true, took: e.last.Sub(e.Since), more: e.Count > e.told})
		case !e.open && !listed[k] && now.Sub(e.until) > soon*j.most:
			delete(j.entries, k)
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return order(&a.Trouble, &b.Trouble) })
	return changes
}

// troubles returns what is open, by subject and cause.
func (j *journal) troubles() (open []perception.Trouble) {
	for _, e := range j.entries {
		if e.open {
			open = append(open, e.trouble())
		}
	}
	slices.SortFunc(open, func(a, b perception.Trouble) int { return order(&a, &b) })
	return open
}

func order(a, b *perception.Trouble) int {
	return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Cause, b.Cause), cmp.Compare(truth(a.IsCamera), truth(b.IsCamera)))
}
