package config

import (
	"fmt"
	"strings"
)

// Fault is one wrong key or value of the configuration.
type Fault struct {
	Key    string // for example nats.embedded.port
	Value  string // as it was given; hidden for secrets
	Want   string // what would be right
	Origin string // the file or the variable it comes from; "" for the default
}

// String returns the key, the value, what would be right, and the origin.
func (f Fault) String() string {
	text := fmt.Sprintf("%s: %s: want %s", f.Key, f.Value, f.Want)
	if f.Origin != "" {
		text += " (from " + f.Origin + ")"
	}
	return text
}

// Faults are all faults of a configuration, sorted by key.
type Faults []Fault

// Error lists the faults, one a line.
func (f Faults) Error() string {
	if len(f) == 1 {
		return "config: " + f[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "config: %d faults", len(f))
	for _, fault := range f {
		b.WriteString("\n  " + fault.String())
	}
	return b.String()
}
