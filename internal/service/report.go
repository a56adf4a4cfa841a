package service

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// report publishes the status and logs drops each period. It logs the remaining
// drops at the end.
func (s *Service) report(ctx context.Context) {
	ticker := time.NewTicker(s.options.StatusPeriod)
	defer ticker.Stop()
	reported := map[string]uint64{}
	for {
		s.reportOnce(ctx, reported)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			s.logDrops(s.Status().Counts, reported)
			return
		}
	}
}

func (s *Service) reportOnce(ctx context.Context, reported map[string]uint64) {
	st := s.Status()
	s.logDrops(st.Counts, reported)
	if err := s.sink.Status(ctx, st); err != nil {
		s.log.Warn("status not published", "error", err)
	}
}

// logDrops logs the drops and losses since reported but those that are asked for, and
// updates reported.
func (s *Service) logDrops(counts, reported map[string]uint64) {
	var news []any
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		isDrop := strings.HasPrefix(name, "drop.") || strings.HasPrefix(name, "lost.")
		asked := name == "lost."+lossNames[surplus]
		if n := counts[name] - reported[name]; isDrop && !asked && n > 0 {
			news = append(news, name, n)
		}
	}
	maps.Copy(reported, counts)
	if len(news) > 0 {
		s.log.Warn("dropped since the last report", news...)
	}
}
