package reliability

import (
	"context"
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
	Name        string
	Seen        float64
	Crash       bool
	MeanAP, NDS map[Way]Share
}

// Losses grades what was run, on the scenes that were run under every case.
func (p *Plan) Losses(s *Study) (*Losses, error) {
	scenes := s.complete(p.Dataset.Scenes, p.Cases())
	if len(scenes) == 0 {
		return nil, fmt.Errorf("reliability: no drive was run under every case")
	}
	clean, err := s.Grade(p.Dataset, scenes, p.Frames, Clean().Name)
	if err != nil {
		return nil, err
	}
	l := &Losses{Drives: len(scenes), Frames: p.Frames, Clean: eval.Headline{MeanAP: clean.MeanAP, NDS: clean.NDS}}
	for _, row := range p.severities() {
		r := LossRow{Name: row.name, Seen: row.seen, Crash: row.crash, MeanAP: map[Way]Share{}, NDS: map[Way]Share{}}
		for _, way := range Ways {
			var rounds []*eval.Metrics
			for _, c := range row.cases[way] {
				m, err := s.Grade(p.Dataset, scenes, p.Frames, c.Name)
				if err != nil {
					return nil, err
				}
				rounds = append(rounds, m)
			}
			r.MeanAP[way], r.NDS[way] = Kept(clean, rounds)
		}
		l.Rows = append(l.Rows, r)
	}
	return l, nil
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
	b.WriteString("| lost | images seen | mAP kept, black | absent | NDS kept, black | absent |\n|---|---|---|---|---|---|\n")
	for _, r := range l.Rows {
		fmt.Fprintf(&b, "| %s | %.0f %% | %s | %s | %s | %s |\n", r.Name, 100*r.Seen,
			r.MeanAP[Black], r.MeanAP[Absent], r.NDS[Black], r.NDS[Absent])
	}
	return b.String()
}

// Draw draws what is kept against the share of images lost.
func (l *Losses) Draw(file string) error {
	number := func(title string, of func(*LossRow) map[Way]Share) Panel {
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
					if r := &l.Rows[k]; r.Crash == kind.crash {
						c.X = append(c.X, 1-r.Seen+0.006*float64(j))
						c.Y = append(c.Y, of(r)[way])
					}
				}
				p.Curves = append(p.Curves, c)
			}
		}
		return p
	}
	return Draw(file,
		number("mAP", func(r *LossRow) map[Way]Share { return r.MeanAP }),
		number("NDS", func(r *LossRow) map[Way]Share { return r.NDS }))
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
