package reliability

import (
	"context"
	"fmt"
	"strings"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
)

// Long is the name of the case without a loss in whole drives, which bursts are compared
// with.
const Long = "clean-long"

// Recovered is the share of the clean recall from which on a camera counts as recovered.
const Recovered = 0.95

// Bursting is what a study of bursts found.
type Bursting struct {
	Drives, Objects int // objects that only the lost cameras see, in all frames of the longest burst
	Clean           Recalls
	Rows            []BurstRow
}

// BurstRow is one length of bursts.
type BurstRow struct {
	Length      int     // frames
	All         Recalls // from the burst's first frame to the last that was detected after it
	First, Last Share   // of the clean recall, in the burst's first and last frame
	During      Share
	After       []Share // frame by frame
	Smooth      int     // frames after the burst until Recovered is reached; -1 if it is not
}

// RunLong detects in a whole drive without a loss and with bursts, unless that was done.
func RunLong(ctx context.Context, s *Study, ds *nuscenes.Dataset, index int) error {
	d, err := Read(ctx, ds, index, 0)
	if err != nil {
		return err
	}
	clean := Clean()
	clean.Name = Long
	if err := s.Run(ctx, d, clean); err != nil {
		return err
	}
	return s.RunBursts(ctx, d, Absent)
}

// Bursting tallies what was run, of the scenes that were run under every burst.
func (p *Plan) Bursting(ctx context.Context, s *Study) (*Bursting, error) {
	var drives []*Drive
	for i := range p.Dataset.Scenes {
		if s.done(&Drive{Scene: p.Dataset.Scenes[i]}, Burst(Absent, Bursts[len(Bursts)-1]).Name) {
			d, err := Read(ctx, p.Dataset, i, 0)
			if err != nil {
				return nil, err
			}
			drives = append(drives, d)
		}
	}
	if len(drives) == 0 {
		return nil, fmt.Errorf("reliability: no drive was run under every burst")
	}
	end := len(drives[0].Sets)
	clean, err := s.Recall(p.Dataset, drives, BurstBegins, end, Long)
	if err != nil {
		return nil, err
	}
	b := &Bursting{Drives: len(drives), Clean: clean, Objects: clean[:Bursts[len(Bursts)-1]].Total().All}
	for _, length := range Bursts {
		all, err := s.Recall(p.Dataset, drives, BurstBegins, min(end, BurstBegins+length+Recovery), Burst(Absent, length).Name)
		if err != nil {
			return nil, err
		}
		b.Rows = append(b.Rows, newBurstRow(length, all, clean))
	}
	return b, nil
}

func newBurstRow(length int, all, clean Recalls) BurstRow {
	part := func(from, to int) Share { return all[from:to].Kept(clean[from:to]) }
	r := BurstRow{
		Length: length, All: all, Smooth: -1,
		First: part(0, 1), Last: part(length-1, length), During: part(0, length),
	}
	for f := length; f < len(all); f++ {
		r.After = append(r.After, part(f, f+1))
		if r.Smooth < 0 && r.After[f-length].Value >= Recovered {
			r.Smooth = f - length
		}
	}
	return r
}

// period is the time between two frames in seconds.
const period = 0.5

// Table writes the bursts as a table in Markdown.
func (b *Bursting) Table() string {
	var t strings.Builder
	fmt.Fprintf(&t, "%d drives, seed %d, one camera of each lost after 2 s, no image instead; %d objects that no other camera sees, of which\n"+
		"%.0f %% are found without a loss (score at least %.1f, within %d m). Shares of that recall, with 95 %% intervals over drives:\n\n",
		b.Drives, Seed, b.Objects, 100*b.recall(), Sure, Near)
	fmt.Fprintf(&t, "| burst | first set | all of it | last set | first set after | 1 s later | %.0f %% again after |\n|---|---|---|---|---|---|---|\n", 100*Recovered)
	for _, r := range b.Rows {
		recovered := "not within the drive"
		if r.Smooth >= 0 {
			recovered = fmt.Sprintf("%.1f s", float64(r.Smooth)*period)
		}
		fmt.Fprintf(&t, "| %.0f s | %s | %s | %s | %s | %s | %s |\n", float64(r.Length)*period,
			r.First, r.During, r.Last, r.After[0], r.After[2], recovered)
	}
	return t.String()
}

func (b *Bursting) recall() float64 {
	t := b.Clean[:Bursts[len(Bursts)-1]].Total()
	return float64(t.Found) / float64(t.All)
}

// Draw draws the recall from the bursts' beginning on.
func (b *Bursting) Draw(file string) error {
	p := Panel{Title: "Objects that only the lost camera sees", X: "seconds since its loss", Y: "recall"}
	add := func(name string, r Recalls, colour int) {
		c := Curve{Name: name, Colour: colour}
		for f := range r {
			t := r[f : f+1].Total()
			c.X = append(c.X, float64(f)*period)
			v := float64(t.Found) / float64(max(1, t.All))
			c.Y = append(c.Y, Share{v, eval.Interval{Low: v, High: v}})
		}
		p.Curves = append(p.Curves, c)
	}
	add("without a loss", b.Clean, -1)
	for i := len(b.Rows) - 1; i >= 0; i-- {
		add(fmt.Sprintf("lost for %.0f s", float64(b.Rows[i].Length)*period), b.Rows[i].All, i)
	}
	return Draw(file, p)
}
