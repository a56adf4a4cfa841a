package service

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// report publishes the status and speaks of drops, each period and at the end.
func (s *Service) report(ctx context.Context) {
	ticker := time.NewTicker(s.options.StatusPeriod)
	defer ticker.Stop()
	said := map[string]uint64{}
	for {
		s.reportOnce(ctx, said)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			s.speak(s.Status().Counts, said)
			return
		}
	}
}

func (s *Service) reportOnce(ctx context.Context, said map[string]uint64) {
	st := s.Status()
	s.speak(st.Counts, said)
	if err := s.sink.Status(ctx, st); err != nil {
		s.log.Warn("the status was not published", "error", err)
	}
}

// speak logs what was dropped since it was last called.
func (s *Service) speak(counts, said map[string]uint64) {
	var news []any
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		isDrop := strings.HasPrefix(name, "drop.") || strings.HasPrefix(name, "lost.")
		if n := counts[name] - said[name]; isDrop && n > 0 {
			news = append(news, name, n)
		}
	}
	maps.Copy(said, counts)
	if len(news) > 0 {
		s.log.Warn("dropped since the last word", news...)
	}
}
