package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// states is what was last told of a service.
type states struct {
	state    perception.State
	waiting  string
	troubles map[string]string // how those that are present are called, by subject and cause
	fault    string            // last error
	outside  []string
	rated    *perception.Status
}

// change returns the lines that a status adds to what was told: a new state, troubles
// that began or ended, an error that no trouble of these names. Most statuses have none.
func (s *states) change(st *perception.Status) (lines []string) {
	if st.State != s.state || st.WaitingFor != s.waiting {
		s.state, s.waiting = st.State, st.WaitingFor
		lines = append(lines, stateWords(st))
	}
	lines = append(lines, s.troubled(st.Troubles)...)
	if st.LastError != s.fault {
		s.fault = st.LastError
		if s.fault != "" && !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, s.fault) }) {
			lines = append(lines, "last error: "+s.fault)
		}
	}
	if !slices.Equal(st.Outside, s.outside) {
		s.outside = st.Outside
		for _, words := range st.Outside {
			lines = append(lines, "not as in training: "+words)
		}
	}
	return lines
}

// stateWords returns the state in capitals, with the service's words for it.
func stateWords(st *perception.Status) string {
	state := strings.ToUpper(string(st.State))
	return state + strings.TrimPrefix(st.Words, string(st.State))
}

// troubled returns a line for each trouble that began or ended.
func (s *states) troubled(troubles []perception.Trouble) (lines []string) {
	present := map[string]string{}
	for i := range troubles {
		t := &troubles[i]
		key := t.Subject + "\x00" + t.Cause
		present[key] = t.Title()
		if s.troubles[key] == "" {
			lines = append(lines, begun(present[key], t))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.troubles)) {
		if present[key] == "" {
			lines = append(lines, "over: "+s.troubles[key])
		}
	}
	s.troubles = present
	return lines
}

func begun(title string, t *perception.Trouble) string {
	title += " since " + t.Since.UTC().Format(time.TimeOnly)
	if t.Words == "" {
		return title
	}
	return title + ": " + t.Words
}

// rates describes what the service did since the last call that returned words, if
// that is at least period ago; "" if not, or if there is nothing to say.
func (s *states) rates(st *perception.Status, period time.Duration) string {
	before := s.rated
	if before == nil || st.Time.Before(before.Time) || st.Counts["frames"] < before.Counts["frames"] { // the first, or another run
		s.rated = st
		return ""
	}
	took := st.Time.Sub(before.Time)
	if took < period {
		return ""
	}
	s.rated = st
	per := func(name string) float64 { return float64(st.Counts[name]-before.Counts[name]) / took.Seconds() }
	words := fmt.Sprintf("%.1f results/s from %.1f images/s", per("results"), per("frames"))
	if lost := losses(before.Counts, st.Counts); lost != "" {
		return words + "; dropped: " + lost
	}
	if per("results") == 0 && per("frames") == 0 {
		return ""
	}
	return words
}

// losses lists the drops of messages and the losses of sets between two counts.
func losses(before, after map[string]uint64) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		kind, reason, _ := strings.Cut(name, ".")
		if n := after[name] - before[name]; (kind == "drop" || kind == "lost") && n > 0 {
			words = append(words, fmt.Sprintf("%s %d", reason, n))
		}
	}
	return strings.Join(words, ", ")
}
