package service

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/solofusion/solofusion/perception"
)

// Handler serves
//
//	/metrics  for Prometheus
//	/healthz  200 unless a step has been running for longer than Stall
//	/readyz   200 while the service takes frames
//
// The body of the last two is a line of text with the state or the fault.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	return mux
}

func (s *Service) healthz(w http.ResponseWriter, _ *http.Request) {
	if d := s.account.stalled(time.Now()); d > s.options.Stall {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "a step has been running for %v\n", d.Round(time.Second))
		return
	}
	fmt.Fprintln(w, "ok")
}

func (s *Service) readyz(w http.ResponseWriter, _ *http.Request) {
	st := s.Status()
	if st.State == perception.Starting || st.State == perception.Draining {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, st.State)
}
