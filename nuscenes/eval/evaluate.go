package eval

import (
	"math"
	"slices"
	"sync"

	"github.com/solofusion/solofusion/perception"
)

// Metrics is the grades of a whole results file.
type Metrics struct {
	Config  Config
	Classes []ClassMetrics // in the configuration's order
	MeanAP  float64
	Errors  [numErrors]float64 // means over the classes that count
	NDS     float64
}

// ClassMetrics is the grades of one class.
type ClassMetrics struct {
	Class        perception.Class
	Truth, Found int                // boxes graded
	AP           []float64          // at each distance of the configuration
	MeanAP       float64            // over them
	Errors       [numErrors]float64 // NaN where the class does not count
	Curves       []*Curve           // at each distance
}

// Evaluate grades frames. The result does not depend on the number of
// processors.
func Evaluate(cfg Config, frames []Frame) *Metrics {
	m := &Metrics{Config: cfg, Classes: make([]ClassMetrics, len(cfg.Classes))}
	var all sync.WaitGroup
	for i, class := range cfg.Classes {
		all.Go(func() { m.Classes[i] = gradeClass(cfg, class, frames) })
	}
	all.Wait()
	m.summarise()
	return m
}

func gradeClass(cfg Config, class perception.Class, frames []Frame) ClassMetrics {
	boxes := collect(class, frames)
	m := ClassMetrics{Class: class, Truth: boxes.positives, Found: len(boxes.found)}
	for _, limit := range cfg.Distances {
		curve := noMatches()
		if boxes.positives > 0 {
			curve = newCurve(boxes.match(limit), boxes.positives)
		}
		m.Curves = append(m.Curves, curve)
		m.AP = append(m.AP, curve.averagePrecision(cfg))
	}
	m.MeanAP = mean(m.AP)
	atErrors := m.Curves[slices.Index(cfg.Distances, cfg.ErrorDistance)]
	for e := range numErrors {
		m.Errors[e] = math.NaN()
		if e.counts(class) {
			m.Errors[e] = atErrors.meanError(e, cfg)
		}
	}
	return m
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
