package bus

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/solofusion/solofusion/internal/option"
)

// Subjects are the subjects of one rig's messages, <prefix>.<rig>.<kind>.
type Subjects struct {
	Prefix string // tokens separated by dots
	Rig    string // one token
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

var (
	token  = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	prefix = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
)

// Validate returns an error if the names cannot be parts of a subject.
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
	return []option.Bound{
		{Name: "prefix", OK: prefix.MatchString(s.Prefix), Want: "letters, digits, _ and -, in tokens separated by dots"},
		{Name: "rig", OK: token.MatchString(s.Rig), Want: "letters, digits, _ and -"},
	}
}

// DefaultSubjects returns the defaults.
func DefaultSubjects() Subjects { return Subjects{Prefix: "sf", Rig: "car"} }

func (s Subjects) of(kind string) string { return s.Prefix + "." + s.Rig + "." + kind }

// kind is the inverse of of.
func (s Subjects) kind(subject string) string { return strings.TrimPrefix(subject, s.of("")) }

// bucket names the key-value bucket that keeps the calibrations of all rigs.
func (s Subjects) bucket() string { return strings.ReplaceAll(s.Prefix, ".", "_") + "_calibration" }
