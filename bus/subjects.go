package bus

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/solofusion/solofusion/internal/option"
	"github.com/solofusion/solofusion/perception"
)

// Subjects are the subjects of one rig's messages, <prefix>.<rig>.<kind>, where
// <rig> is the [Token] of its name.
type Subjects struct {
	Prefix string // tokens separated by dots
	Rig    string // the rig's name
}

const (
	calibration = "calibration"
	pose        = "pose"
	frame       = "frame."
	control     = "control"
	detections  = "detections"
	status      = "status"
	service     = "service"
)

var prefix = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// maxPrefix is the largest length of a prefix, in bytes: the bucket's name has it,
// which NATS limits.
const maxPrefix = 200

// Validate returns an error if there cannot be such subjects.
func (s Subjects) Validate() error {
	values := map[string]string{"prefix": s.Prefix, "rig": s.Rig}
	for _, b := range s.Bounds() {
		if !b.OK {
			return fmt.Errorf("bus: %s %q: want %s", b.Name, values[b.Name], b.Want)
		}
	}
	return nil
}

// Bounds returns what the names must satisfy.
func (s Subjects) Bounds() []option.Bound {
	prefixOK := prefix.MatchString(s.Prefix) && len(s.Prefix) <= maxPrefix
	return []option.Bound{
		{Name: "prefix", OK: prefixOK, Want: fmt.Sprintf("letters, digits, _ and -, in tokens separated by dots, at most %d bytes", maxPrefix)},
		{Name: "rig", OK: perception.CheckName(s.Rig) == nil, Want: fmt.Sprintf("1 to %d bytes of UTF-8", perception.MaxName)},
	}
}

// DefaultSubjects returns the defaults.
func DefaultSubjects() Subjects { return Subjects{Prefix: "sf", Rig: "car"} }

// All returns the pattern that all of the rig's subjects match.
func (s Subjects) All() string { return s.of(">") }

func (s Subjects) of(kind string) string { return s.Prefix + "." + Token(s.Rig) + "." + kind }

// kind is the inverse of of.
func (s Subjects) kind(subject string) string { return strings.TrimPrefix(subject, s.of("")) }
