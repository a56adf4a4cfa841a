package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// states is what was last said of a service.
type states struct {
	said  string // the words of the state
	rated *perception.Status
}

// change describes the state of a status if it is other than the last one, "" if it
// is the same.
func (s *states) change(st *perception.Status) string {
	words := stateWords(st)
	if words == s.said {
		return ""
	}
	s.said = words
	return words
}

// stateWords describes a state, with what may be wrong.
func stateWords(st *perception.Status) string {
	words := strings.ToUpper(string(st.State))
	if st.LastError != "" {
		words += "  last error: " + st.LastError
	}
	for _, outside := range st.Outside {
		words += "\n              not as in training: " + outside
	}
	return words
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
