package service

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/solofusion/solofusion/perception"
)

// metrics are the service's metrics in a registry of their own: counters, which
// each scrape reads from the account, and histograms.
type metrics struct {
	service  *Service
	registry *prometheus.Registry
	missing  *prometheus.CounterVec
	rejected *prometheus.CounterVec
	stages   *prometheus.HistogramVec
	step     prometheus.Histogram
	latency  prometheus.Histogram
}

func newMetrics(s *Service) *metrics {
	buckets := []float64{.001, .002, .005, .01, .02, .05, .1, .2, .3, .5, 1, 2, 5, 10}
	histogram := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}
	}
	m := &metrics{
		service:  s,
		registry: prometheus.NewRegistry(),
		missing: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "solofusion_camera_missing_total", Help: "Results made without a usable image of the camera."}, []string{"camera"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "solofusion_image_rejected_total", Help: "Images that came but could not be used."}, []string{"camera"}),
		stages: prometheus.NewHistogramVec(histogram("solofusion_stage_seconds", "Duration of a stage of the detector."), []string{"stage"}),
		step:   prometheus.NewHistogram(histogram("solofusion_step_seconds", "From taking a set to its published result.")),
		latency: prometheus.NewHistogram(histogram("solofusion_latency_seconds",
			"From a set's capture to its published result, by the clocks of both machines. Live only.")),
	}
	m.registry.MustRegister(m, m.missing, m.rejected, m.stages, m.step, m.latency,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(r *perception.Result, step time.Duration) {
	for _, camera := range r.Missing {
		m.missing.WithLabelValues(camera).Inc()
	}
	for camera := range r.Rejected {
		m.rejected.WithLabelValues(camera).Inc()
	}
	for stage, d := range r.StageDurations {
		m.stages.WithLabelValues(stage).Observe(d.Seconds())
	}
	m.step.Observe(step.Seconds())
	if !m.service.options.Lossless {
		m.latency.Observe(time.Since(r.Time).Seconds())
	}
}

// counter describes a metric that each scrape reads from the account.
func counter(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("solofusion_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector. It describes nothing, since the reasons
// of a source's drops are not known in advance.
func (m *metrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	st := m.service.Status()
	dropped := counter("dropped_total", "Messages, frames and poses that were not used.", "reason")
	lost := counter("sets_lost_total", "Sets that led to no result.", "reason")
	for name, n := range st.Counts {
		kind, reason, _ := strings.Cut(name, ".")
		send := func(d *prometheus.Desc, labels ...string) {
			out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
		}
		switch kind {
		case "drop":
			send(dropped, reason)
		case "lost":
			send(lost, reason)
		default:
			send(counter(name+"_total", "Count of "+name+"."))
		}
	}
	state := counter("state", "1 for the state that the service is in.", "state")
	for _, s := range []perception.State{
		perception.Starting, perception.Waiting, perception.Running, perception.Degraded, perception.Draining,
	} {
		v := 0.0
		if s == st.State {
			v = 1
		}
		out <- prometheus.MustNewConstMetric(state, prometheus.GaugeValue, v, string(s))
	}
	if model, quant := m.service.account.identity(); model != "" {
		info := counter("model_info", "The bundle in use.", "model", "quantisation")
		out <- prometheus.MustNewConstMetric(info, prometheus.GaugeValue, 1, model, quant)
	}
}

func (a *account) identity() (model, quantisation string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.model, a.quant
}
