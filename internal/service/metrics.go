package service

import (
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// metrics are the service's metrics in a registry of their own: histograms, and what each
// scrape reads from the view. All have the label rig.
type metrics struct {
	service  *Service
	registry *prometheus.Registry
	stages   *prometheus.HistogramVec
	step     prometheus.Histogram
	latency  prometheus.Histogram
}

func newMetrics(s *Service) *metrics {
	buckets := []float64{.001, .002, .005, .01, .02, .05, .1, .2, .3, .5, 1, 2, 5, 10}
	histogram := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets}
	}
	m := &metrics{
		service:  s,
		registry: prometheus.NewRegistry(),
		stages:   prometheus.NewHistogramVec(histogram("stage_seconds", "Duration of a stage of the detector."), []string{"stage"}),
		step:     prometheus.NewHistogram(histogram("step_seconds", "From taking a set to its published result.")),
		latency: prometheus.NewHistogram(histogram("latency_seconds",
			"From a set's capture to its published result, by the clocks of both machines; from its arrival if the cameras have another clock. Live only.")),
	}
	prometheus.WrapRegistererWith(prometheus.Labels{"rig": s.options.Rig}, m.registry).MustRegister(m, m.stages, m.step, m.latency)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const prefix = "solofusion_"

// observe takes the way of a set whose result is published.
func (m *metrics) observe(w *Way) {
	for stage, d := range w.Result.StageDurations {
		m.stages.WithLabelValues(stage).Observe(d.Seconds())
	}
	m.step.Observe(w.Published.Sub(w.Began).Seconds())
	if !m.service.options.Lossless {
		m.latency.Observe(w.latency().Seconds())
	}
}

// scrape sends metrics of one moment. Labels are pairs of name and value.
type scrape chan<- prometheus.Metric

func (out scrape) counter(name, help string, n uint64, labels ...string) {
	out.send(prometheus.CounterValue, name, help, float64(n), labels)
}

func (out scrape) gauge(name, help string, v float64, labels ...string) {
	out.send(prometheus.GaugeValue, name, help, v, labels)
}

// age sends the time since at, nothing if that is zero.
func (out scrape) age(name, help string, at, now time.Time, labels ...string) {
	if !at.IsZero() {
		out.gauge(name, help, now.Sub(at).Seconds(), labels...)
	}
}

func (out scrape) send(kind prometheus.ValueType, name, help string, v float64, labels []string) {
	var names, values []string
	for i := 0; i < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, strings.ToValidUTF8(labels[i+1], "\uFFFD"))
	}
	out <- prometheus.MustNewConstMetric(prometheus.NewDesc(prefix+name, help, names, nil), kind, v, values...)
}

// Describe implements prometheus.Collector. It describes nothing, since cameras and reasons
// are not known in advance.
func (m *metrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	out, v := scrape(to), m.service.view()
	m.counts(out)
	m.state(out, v)
	m.flow(out, v)
	for i := range v.health.Cameras {
		camera(out, v, &v.health.Cameras[i])
	}
}

func (m *metrics) counts(out scrape) {
	a := &m.service.account
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, n := range m.service.counts() {
		kind, reason, _ := strings.Cut(name, ".")
		switch kind {
		case "drop":
			out.counter("dropped_total", "Messages, frames and poses that were not used.", n, "reason", reason)
		case "lost":
			out.counter("sets_lost_total", "Sets that led to no result.", n, "reason", reason)
		default:
			out.counter(name+"_total", "Count of "+name+".", n)
		}
	}
	if made := a.made; made.model != "" {
		out.gauge("model_info", "The bundle in use.", 1, "model", made.model, "quantisation", made.quantisation)
	}
}

func (m *metrics) state(out scrape, v *view) {
	o := &m.service.options
	out.gauge("build_info", "The program.", 1, "version", o.Version, "go", runtime.Version())
	for _, state := range perception.States {
		out.gauge("state", "1 for the state that the service is in.", truth(state == v.state), "state", string(state))
	}
	for _, what := range perception.Waits {
		out.gauge("waiting", "1 for what the next result waits for in the state waiting.", truth(what == v.waitingFor), "for", what)
	}
	out.gauge("ready", "1 if /readyz answers 200.", truth(v.ready))
	out.gauge("connected", "1 while there is a connection to the NATS server.", truth(v.down == nil))
	for i := range v.troubles {
		t := &v.troubles[i]
		out.gauge("trouble", "1 for each trouble that is present.", 1, "kind", kind(t), "subject", t.Subject, "cause", t.Cause)
	}
}

// kind returns what a trouble's subject is: a camera may be named as a part.
func kind(t *perception.Trouble) string {
	if t.IsCamera {
		return "camera"
	}
	return "part"
}

// flow sends what is on its way, and how old it is.
func (m *metrics) flow(out scrape, v *view) {
	s := m.service
	out.gauge("queue_depth", "What waits: sets for the detector, messages for the service.", float64(s.backlog.Len()), "queue", "sets")
	if s.options.Link != nil {
		out.gauge("queue_depth", "What waits: sets for the detector, messages for the service.", float64(s.options.Link.Waiting()), "queue", "messages")
	}
	out.age("last_result_age_seconds", "Since the last result was published.", v.result.at, v.now)
	out.age("pose_age_seconds", "Since the last ego pose arrived.", v.health.Poses.Arrived, v.now)
	if v.result.count > 0 {
		out.gauge("history_depth", "Earlier frames that the last result uses.", float64(v.result.latest.HistoryDepth))
		out.gauge("history_age_seconds", "Age of the oldest of them.", v.result.latest.HistoryAge.Seconds())
	}
	out.counter("history_resets_total", "Results with which history began anew.", v.result.resets)
}

func camera(out scrape, v *view, c *framesync.CameraHealth) {
	out.counter("camera_frames_total", "Frames of the camera that arrived.", c.Frames, "camera", c.Name)
	out.counter("camera_gaps_total", "Frames lost before they arrived, by their numbers.", c.Gaps, "camera", c.Name)
	toll := func(cause string) uint64 { return v.tolls[key{c.Name, cause}] }
	out.counter("camera_missing_total", "Results made without a usable image of the camera.", toll(missing)+toll(rejected), "camera", c.Name)
	out.counter("image_rejected_total", "Images that arrived but could not be used.", toll(rejected), "camera", c.Name)
	out.counter("image_damaged_total", "Damaged images that were used.", toll(damaged), "camera", c.Name)
	for _, reason := range append(suspicions[:], suspect) {
		out.counter("image_suspect_total", "Images that may not show what is there.", toll(reason), "camera", c.Name, "reason", reason)
	}
	for reason, n := range c.Dropped {
		out.counter("camera_dropped_total", "Frames of the camera that were not used.", n, "camera", c.Name, "reason", framesync.Reason(reason).String())
	}
	out.age("camera_age_seconds", "Since the camera's last frame arrived.", c.Arrived, v.now, "camera", c.Name)
	out.gauge("camera_period_seconds", "Time between the camera's frames.", c.Period.Seconds(), "camera", c.Name)
	out.gauge("camera_clock_offset_seconds", "Of the camera's captures from those of the other cameras.", c.Offset.Seconds(), "camera", c.Name)
	out.gauge("camera_late_seconds", "From when the camera's frame was needed to its arrival.", c.Late.Seconds(), "camera", c.Name)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
