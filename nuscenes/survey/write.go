package survey

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/nuscenes"
)

// tables are those that are counted, in the order of the printed lines.
var tables = [][]string{
	{"scene", "sample", "sample_data", "ego_pose"},
	{"sensor", "calibrated_sensor", "log"},
	{"sample_annotation", "instance", "category", "attribute", "visibility"},
}

// most is how many lines of a kind are printed.
const most = 12

// Write prints the survey as a table.
func (s *Survey) Write(w io.Writer) error {
	p := &page{}
	p.line("data set", "%s of %s", s.Dataset.Version, s.Dataset.Dir)
	s.writeTables(p)
	s.writePace(p)
	s.writeRigs(p)
	s.writeSplits(p)
	p.gap()
	s.writeFindings(p)
	p.gap()
	s.writeAbility(p, "replay", "detects in", s.Detect)
	p.line("trace", "as replay")
	s.writeAbility(p, "eval", "grades", s.Grade)
	_, err := p.WriteTo(w)
	return err
}

// page is the text: what a line is about, and what it says.
type page struct {
	bytes.Buffer
	last string
}

// line adds a line; what it is about is printed once.
func (p *page) line(about, format string, args ...any) {
	shown := about
	if about == p.last {
		shown = ""
	}
	p.last = about
	fmt.Fprintf(&p.Buffer, "%-10s"+format+"\n", append([]any{shown}, args...)...)
}

func (p *page) gap() { p.WriteByte('\n') }

func (s *Survey) writeTables(p *page) {
	var absent []string
	for _, group := range tables {
		var counts []string
		for _, table := range group {
			if n, read := s.Dataset.Rows[table]; read {
				counts = append(counts, fmt.Sprintf("%s %d", table, n))
			} else {
				absent = append(absent, table)
			}
		}
		if len(counts) > 0 {
			p.line("tables", "%s", strings.Join(counts, ", "))
		}
	}
	if len(absent) > 0 {
		p.line("tables", "absent or broken: %s", strings.Join(absent, ", "))
	}
}

func (s *Survey) writePace(p *page) {
	pace := &s.Pace
	p.line("scenes", "%d with %d samples, %s", len(s.Dataset.Scenes)-pace.Empty, len(s.Dataset.Samples), span(pace.Shortest, pace.Most))
	if pace.Empty > 0 {
		p.line("scenes", "%d more are empty", pace.Empty)
	}
	if pace.Seconds > 0 {
		p.line("rate", "a key frame every %.4g s", pace.Seconds)
	}
	if pace.TooClose > 0 {
		p.line("rate", "too close for cameras in %d scenes: want times in microseconds, these look like milliseconds, seconds or a simulator's steps", pace.TooClose)
	}
	if pace.Gaps > 0 {
		p.line("rate", "%d gaps of more than %g times that, the longest of %.4g s before %s", pace.Gaps, gapRatio, pace.Longest, pace.Where)
	}
	if pace.Backward > 0 {
		p.line("rate", "%d key frames are not later than the one before, first %s", pace.Backward, pace.Back)
	}
}

// span says how many samples scenes have.
func span(least, most int) string {
	if least == most {
		return fmt.Sprintf("%d each", most)
	}
	return fmt.Sprintf("%d to %d each", least, most)
}

func (s *Survey) writeRigs(p *page) {
	for i, rig := range s.Rigs[:min(len(s.Rigs), most)] {
		about := fmt.Sprintf("rig %d", i+1)
		p.line(about, "in %d samples, first %s", rig.Samples, rig.First)
		for group := range slices.Chunk(rig.Cameras, 3) {
			p.line(about, "%s", strings.Join(group, ", "))
		}
		if len(rig.Cameras) == 0 {
			p.line(about, "no camera")
		}
		p.line(about, "%s", othersOf(rig))
	}
	if n := len(s.Rigs) - most; n > 0 {
		p.line("rigs", "%d more", n)
	}
	if s.Images.All == 0 {
		return
	}
	p.images(s.Images)
	p.line("ego poses", "%s", s.poses())
}

func (p *page) images(x Images) {
	if x.Absent == 0 && x.Unreadable == 0 {
		p.line("images", "all %d of key frames are there", x.All)
	}
	if x.Absent > 0 {
		p.line("images", "%d of %d of key frames are absent, first %s", x.Absent, x.All, x.First)
	}
	if x.Unreadable > 0 {
		p.line("images", "%d of %d of key frames cannot be read, first: %v", x.Unreadable, x.All, x.Why)
	}
}

func othersOf(rig Rig) string {
	if rig.Lidar == "" {
		return "no other sensors"
	}
	return "beside them " + rig.Lidar
}

func (s *Survey) poses() string {
	switch all := len(s.Dataset.Samples); s.OwnPose {
	case all:
		return "cameras have their own in every sample"
	case 0:
		return "all sensors of a sample share one"
	default:
		return fmt.Sprintf("cameras have their own in %d samples, and share that of the key frame in %d", s.OwnPose, all-s.OwnPose)
	}
}

func (s *Survey) writeSplits(p *page) {
	names := s.Dataset.SplitNames()
	for _, name := range names[:min(len(names), most)] {
		split, err := s.Dataset.Part(nuscenes.Part{Split: name})
		switch {
		case err != nil:
			p.line("splits", "%s: %v", name, err)
		case len(split.Absent) > 0:
			p.line("splits", "%s: %d samples; %d of its scenes are absent, first %s", name, len(split.Samples), len(split.Absent), split.Absent[0])
		default:
			p.line("splits", "%s: %d samples", name, len(split.Samples))
		}
	}
	if n := len(names) - most; n > 0 {
		p.line("splits", "%d more", n)
	}
	if len(names) == 0 {
		p.line("splits", "only all, %d samples", len(s.Dataset.Samples))
	}
}

func (s *Survey) writeFindings(p *page) {
	for _, f := range s.Dataset.Findings {
		p.line("findings", "%s: %s", f.Name(), f)
	}
	if len(s.Dataset.Findings) == 0 {
		p.line("findings", "none")
	}
}

func (s *Survey) writeAbility(p *page, command, does string, a Ability) {
	switch all := len(s.Dataset.Samples); {
	case a.Samples == 0:
		p.line(command, "cannot use it")
	case a.Unusable > 0:
		p.line(command, "stops at %d of %d samples; choose scenes without them", a.Unusable, all)
	case a.Samples == all:
		p.line(command, "%s all %d samples", does, all)
	default:
		p.line(command, "%s %d of %d samples", does, a.Samples, all)
	}
	if a.Skipped > 0 {
		p.line(command, "passes over %d samples without an image", a.Skipped)
	}
	for _, why := range a.Why[:min(len(a.Why), most)] {
		p.line(command, "%s", why)
	}
}
