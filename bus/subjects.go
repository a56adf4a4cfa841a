package bus

import (
	"fmt"
	"regexp"
	"strings"
)

// Subjects names one rig's messages.
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

// Validate returns an error where the names cannot be parts of a subject.
func (s Subjects) Validate() error {
	if !prefix.MatchString(s.Prefix) {
		return fmt.Errorf("bus: prefix %q: want letters, digits, _ and -, in tokens separated by dots", s.Prefix)
	}
	if !token.MatchString(s.Rig) {
		return fmt.Errorf("bus: rig %q: want letters, digits, _ and -", s.Rig)
	}
	return nil
}

func (s Subjects) of(kind string) string { return s.Prefix + "." + s.Rig + "." + kind }

// kind is the inverse of of.
func (s Subjects) kind(subject string) string { return strings.TrimPrefix(subject, s.of("")) }

// bucket is the key-value bucket that keeps the calibrations of all rigs.
func (s Subjects) bucket() string { return strings.ReplaceAll(s.Prefix, ".", "_") + "_calibration" }
