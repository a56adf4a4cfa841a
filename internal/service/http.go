package service

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler serves
//
//	/metrics  for Prometheus
//	/healthz  200 unless a step has been running for longer than Stall
//	/readyz   200 if frames that arrive give results, as far as is known of the last 2 s
//
// The body of the last two is text: the state or the fault in one line, for /readyz followed
// by a line for each trouble.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
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
	v := s.view()
	if !v.ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, v.words)
	for i := range v.troubles {
		c := change{Trouble: v.troubles[i]}
		fmt.Fprintln(w, c.begun(s.options.Lossless))
	}
}
