package reliability

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
)

// Plan is what a study of losses does.
type Plan struct {
	Dataset *nuscenes.Dataset
	Frames  int // samples of each scene for crashes and lost frames
	Rounds  int // of crashes
}

// severity is a loss, with its cases in each way.
type severity struct {
	name  string
	seen  float64
	crash bool
	cases map[Way][]Case // by round
}

// severities are the rows of the table.
func (p *Plan) severities() (all []severity) {
	for k := 1; k <= 5; k++ {
		s := severity{name: fmt.Sprintf("%d of 6 cameras", k), crash: true, cases: map[Way][]Case{}}
		for _, way := range Ways {
			for r := range p.Rounds {
				s.cases[way] = append(s.cases[way], Crash(way, k, 6, r, len(p.Dataset.Scenes)))
			}
		}
		all = append(all, s)
	}
	for _, lost := range []struct {
		sixths int
		words  string
	}{{2, "1/3"}, {4, "2/3"}, {5, "5/6"}} {
		s := severity{name: "images with p = " + lost.words, cases: map[Way][]Case{}}
		for _, way := range Ways {
			s.cases[way] = []Case{Frames(way, lost.sixths, 0)}
		}
		all = append(all, s)
	}
	for i := range all {
		all[i].seen = all[i].cases[Black][0].Seen
	}
	return all
}

// Cases are those that a drive must be run under.
func (p *Plan) Cases() []Case {
	all := []Case{Clean()}
	for _, s := range p.severities() {
		for _, way := range Ways {
			all = append(all, s.cases[way]...)
		}
	}
	return all
}

// Losses is what a study of crashes and lost frames found.
type Losses struct {
	Drives, Frames int
	Clean          eval.Headline
	Rows           []LossRow
}

// LossRow is a severity and what is kept under it.
type LossRow struct {
	Name  string
	Seen  float64
	Crash bool
	Kept  map[Way]Keeping
	Best  Keeping // of a detector without memory
}

// Keeping is what is kept of the drives that were run: of what the same drives give without a
// loss.
type Keeping struct {
	Drives      int // 0 if none was run
	MeanAP, NDS Share
}

// Losses grades what was run. A severity of which some drives are left to do is graded on the
// others.
func (p *Plan) Losses(ctx context.Context, s *Study) (*Losses, error) {
	scenes := s.complete(p.Dataset.Scenes, []Case{Clean()})
	if len(scenes) == 0 {
		return nil, errors.New("reliability: no drive was run without a loss")
	}
	clean, err := s.Grade(p.Dataset, scenes, p.Frames, Clean().Name)
	if err != nil {
		return nil, err
	}
	var drives []*Drive
	for i, scene := range p.Dataset.Scenes {
		if slices.Contains(scenes, scene) {
			d, err := Read(ctx, p.Dataset, i, p.Frames)
			if err != nil {
				return nil, err
			}
			drives = append(drives, d)
		}
	}
	l := &Losses{Drives: len(scenes), Frames: p.Frames, Clean: eval.Headline{MeanAP: clean.MeanAP, NDS: clean.NDS}}
	for _, severity := range p.severities() {
		row := LossRow{Name: severity.name, Seen: severity.seen, Crash: severity.crash, Kept: map[Way]Keeping{}}
		for _, way := range Ways {
			if row.Kept[way], err = p.keeping(s, scenes, severity.cases[way]); err != nil {
				return nil, err
			}
		}
		if row.Best, err = p.best(s, clean, drives, severity.cases[Absent]); err != nil {
			return nil, err
		}
		l.Rows = append(l.Rows, row)
	}
	return l, nil
}

// keeping grades the rounds of a severity on those scenes that were run under all of them.
func (p *Plan) keeping(s *Study, scenes []*nuscenes.Scene, cases []Case) (k Keeping, err error) {
	scenes = s.complete(scenes, cases)
	if k.Drives = len(scenes); k.Drives == 0 {
		return k, nil
	}
	clean, err := s.Grade(p.Dataset, scenes, p.Frames, Clean().Name)
	if err != nil {
		return k, err
	}
	var rounds []*eval.Metrics
	for _, c := range cases {
		m, err := s.Grade(p.Dataset, scenes, p.Frames, c.Name)
		if err != nil {
			return k, err
		}
		rounds = append(rounds, m)
	}
	k.MeanAP, k.NDS = Kept(clean, rounds)
	return k, nil
}

// best grades the rounds of a severity as a detector without memory would have them.
func (p *Plan) best(s *Study, clean *eval.Metrics, drives []*Drive, cases []Case) (k Keeping, err error) {
	var rounds []*eval.Metrics
	for _, c := range cases {
		m, err := s.Ceiling(p.Dataset, drives, c)
		if err != nil {
			return k, err
		}
		rounds = append(rounds, m)
	}
	k.Drives = len(drives)
	k.MeanAP, k.NDS = Kept(clean, rounds)
	return k, nil
}

// complete returns the scenes that were run under all cases.
func (s *Study) complete(scenes []*nuscenes.Scene, cases []Case) (all []*nuscenes.Scene) {
	for _, scene := range scenes {
		if !slices.ContainsFunc(cases, func(c Case) bool { return !s.done(&Drive{Scene: scene}, c.Name) }) {
			all = append(all, scene)
		}
	}
	return all
}

// Table writes the losses as a table in Markdown.
func (l *Losses) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d drives of %d sets, seed %d; clean mAP %.3f, NDS %.3f. Shares of these, with 95 %% intervals over drives:\n\n",
		l.Drives, l.Frames, Seed, l.Clean.MeanAP, l.Clean.NDS)
	b.WriteString("| lost | images seen | mAP kept, absent | black | without memory at best | NDS kept, absent | black | without memory at best |\n" +
		"|---|---|---|---|---|---|---|---|\n")
	for _, r := range l.Rows {
		absent, black := r.Kept[Absent], r.Kept[Black]
		fmt.Fprintf(&b, "| %s | %.0f %% | %s | %s | %.0f %% | %s | %s | %.0f %% |\n", r.Name, 100*r.Seen,
			l.words(absent, absent.MeanAP), l.words(black, black.MeanAP), 100*r.Best.MeanAP.Value,
			l.words(absent, absent.NDS), l.words(black, black.NDS), 100*r.Best.NDS.Value)
	}
	return b.String()
}

// words writes a share, and of how many drives it is if not of all.
func (l *Losses) words(k Keeping, s Share) string {
	switch k.Drives {
	case 0:
		return "not run"
	case l.Drives:
		return s.String()
	default:
		return fmt.Sprintf("%v, %d drives", s, k.Drives)
	}
}

// Draw draws what is kept against the share of images lost.
func (l *Losses) Draw(file string) error {
	number := func(title string, of func(Keeping) Share) Panel {
		p := Panel{Title: title, X: "share of images lost", Y: "share kept"}
		goal := Curve{Name: "share of images seen", X: []float64{0, 1}, Y: []Share{{Value: 1}, {}}, Colour: -1}
		p.Curves = append(p.Curves, goal)
		for i, kind := range []struct {
			crash bool
			words string
		}{{true, "cameras lost"}, {false, "images lost at random"}} {
			for j, way := range Ways {
				c := Curve{Name: kind.words + ", " + string(way), Dashed: way == Black, Colour: i}
				c.X, c.Y = []float64{0}, []Share{{Value: 1, Interval: eval.Interval{Low: 1, High: 1}}}
				for k := range l.Rows {
					if r := &l.Rows[k]; r.Crash == kind.crash && r.Kept[way].Drives > 0 {
						c.X = append(c.X, 1-r.Seen+0.006*float64(j))
						c.Y = append(c.Y, of(r.Kept[way]))
					}
				}
				p.Curves = append(p.Curves, c)
			}
		}
		return p
	}
	return Draw(file,
		number("mAP", func(k Keeping) Share { return k.MeanAP }),
		number("NDS", func(k Keeping) Share { return k.NDS }))
}

// Run detects in a drive under all cases whose name has a text, and that it was not run
// under before.
func (p *Plan) Run(ctx context.Context, s *Study, index int, only string) error {
	d, err := Read(ctx, p.Dataset, index, p.Frames)
	if err != nil {
		return err
	}
	for _, c := range p.Cases() {
		if !strings.Contains(c.Name, only) {
			continue
		}
		if err := s.Run(ctx, d, c); err != nil {
			return err
		}
	}
	return nil
}
