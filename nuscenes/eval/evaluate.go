package eval

import (
	"math"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// Metrics is the grades of a whole results file.
type Metrics struct {
	Config  Config
	Classes []ClassMetrics // in the configuration's order
	MeanAP  float64
	Errors  [numErrors]float64 // means over the classes that count
	NDS     float64

	rankings []*ranking // of the classes
	scenes   []*nuscenes.Scene
}

// ClassMetrics is the grades of one class.
type ClassMetrics struct {
	Class        perception.Class
	Truth, Found int                   // boxes graded
	AP           [numDistances]float64 // at each distance of the configuration
	MeanAP       float64               // over them
	Errors       [numErrors]float64    // NaN if the class does not count
	Curves       *[numDistances]Curve  // at each distance
}

// Evaluate grades frames. The result does not depend on the number of
// processors.
func Evaluate(cfg Config, frames []Frame) *Metrics {
	m := &Metrics{Config: cfg, Classes: make([]ClassMetrics, len(cfg.Classes))}
	m.rankings, m.scenes = rank(&cfg, frames)
	inParallel(len(m.rankings), func(i int) {
		g := grader{cfg: &cfg}
		m.Classes[i] = g.grade(m.rankings[i])
		g.drawAllErrors(m.rankings[i])
		m.Classes[i].Curves = &g.curves
	})
	m.summarise()
	return m
}

// grader grades classes, one after the other.
type grader struct {
	cfg     *Config
	weights *weights
	curves  [numDistances]Curve // of the latest class
}

// gradeAll grades weighted scenes of the metrics, without curves. Classes whose
// true boxes all have no weight keep their values.
func (g *grader) gradeAll(all *Metrics) *Metrics {
	m := &Metrics{Config: *g.cfg, Classes: make([]ClassMetrics, len(all.rankings))}
	for i, r := range all.rankings {
		c := g.grade(r)
		if c.Truth == 0 {
			c.AP, c.MeanAP, c.Errors = all.Classes[i].AP, all.Classes[i].MeanAP, all.Classes[i].Errors
		}
		m.Classes[i] = c
	}
	m.summarise()
	return m
}

// grade grades a class and draws its curves, errors only if they are counted.
func (g *grader) grade(r *ranking) ClassMetrics {
	w := g.weights
	w.turnTo(r)
	m := ClassMetrics{Class: r.class, Truth: w.sum(r.positives), Found: w.before(r, len(r.scores))}
	atErrors := g.cfg.errorIndex()
	for d := range g.curves {
		c := &g.curves[d]
		if c.drawPrecision(r, d, w) && d == atErrors {
			c.drawErrors(r, d, w)
		}
		m.AP[d] = c.averagePrecision(g.cfg)
	}
	m.MeanAP = mean(m.AP[:])
	for e := range numErrors {
		m.Errors[e] = math.NaN()
		if e.counts(r.class) {
			m.Errors[e] = g.curves[atErrors].meanError(e, g.cfg)
		}
	}
	return m
}

// drawAllErrors completes the latest class's curves.
func (g *grader) drawAllErrors(r *ranking) {
	for d := range g.curves {
		if len(r.tp[d]) > 0 {
			g.curves[d].drawErrors(r, d, nil)
		}
	}
}

// summarise fills in the means over classes.
func (m *Metrics) summarise() {
	var aps []float64
	for i := range m.Classes {
		aps = append(aps, m.Classes[i].MeanAP)
	}
	m.MeanAP = mean(aps)
	total := float64(m.Config.MeanAPWeight) * m.MeanAP
	for e := range numErrors {
		var errs []float64
		for i := range m.Classes {
			if x := m.Classes[i].Errors[e]; !math.IsNaN(x) {
				errs = append(errs, x)
			}
		}
		m.Errors[e] = mean(errs)
		total += m.Score(e)
	}
	m.NDS = total / float64(m.Config.MeanAPWeight+int(numErrors))
}

// Score is an error's share in the NDS, from 0 to 1.
func (m *Metrics) Score(e Error) float64 { return max(0, 1-m.Errors[e]) }

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}
