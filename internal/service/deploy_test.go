package service

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// metric is one of /metrics: its type, and the names of its labels but le, by name.
type metric struct {
	kind   string
	labels []string
}

// busyMetrics are the metrics of a service that has seen something of everything, by name.
func busyMetrics(t *testing.T) map[string]metric {
	t.Helper()
	s := New(&counting{script{events: drive(2, nil), err: io.EOF}}, &detector{}, &notebook{}, quiet(Options{Rig: "car", Version: "v9", Link: idle{}}))
	if err := s.Run(within(t)); err != nil {
		t.Fatal(err)
	}
	v := *s.view()
	v.health.Poses.Arrived, v.health.Cameras[0].Arrived = v.now, v.now
	v.troubles = []perception.Trouble{degrading(ofPoses, noPose, "", 1)}
	s.seen.Store(&v)
	_, body := get(s, "/metrics")
	all := map[string]metric{}
	for _, kind := range regexp.MustCompile(`(?m)^# TYPE (\w+) (\w+)$`).FindAllStringSubmatch(body, -1) {
		name := kind[1]
		sample := regexp.MustCompile(`(?m)^` + name + `(?:_bucket)?(\{.*\})? `).FindStringSubmatch(body)
		labels := map[string]bool{}
		for _, l := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(sample[1], -1) {
			labels[l[1]] = true
		}
		delete(labels, "le")
		all[name] = metric{kind[2], slices.Sorted(maps.Keys(labels))}
	}
	return all
}

// counting is a source that counts two publishers.
type counting struct{ script }

func (c *counting) Counts(yield func(string, uint64) bool) {
	_ = yield("two_publishers", 1) && yield("two_services", 1)
}

// idle is a connection on which nothing waits.
type idle struct{}

func (idle) Down() error  { return nil }
func (idle) Waiting() int { return 0 }

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMetricsAreDocumented: the table of docs/operations.md has every metric with its type and
// labels, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	want := map[string]string{}
	for name, m := range busyMetrics(t) {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if !slices.Contains(m.labels, "rig") {
			t.Errorf("%s has no label rig", name)
		}
		want[name] = fmt.Sprint(m.kind, slices.DeleteFunc(m.labels, func(l string) bool { return l == "rig" }))
	}
	got := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `(solofusion_\\w+)` \\| (\\w+) \\| ([\\w, ]*)\\|")
	for _, m := range row.FindAllStringSubmatch(read(t, "docs/operations.md"), -1) {
		labels := strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' || r == ' ' })
		slices.Sort(labels)
		got[m[1]] = fmt.Sprint(m[2], labels)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/operations.md (-registry +document):\n%s", diff)
	}
}

// TestRulesAndDashboardNameMetrics: each metric in deploy/ exists.
func TestRulesAndDashboardNameMetrics(t *testing.T) {
	metrics := busyMetrics(t)
	name := regexp.MustCompile(`\b(?:solofusion|process|go)_[a-z_]+\b`)
	for _, file := range []string{"deploy/alerts.yml", "deploy/dashboard.json"} {
		names := name.FindAllString(read(t, file), -1)
		for _, n := range names {
			_, found := metrics[n]
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				found = found || metrics[strings.TrimSuffix(n, part)].kind == "histogram"
			}
			if !found {
				t.Errorf("%s names %s, which is no metric", file, n)
			}
		}
		if len(names) < 10 {
			t.Errorf("%s names %d metrics", file, len(names))
		}
	}
	if !json.Valid([]byte(read(t, "deploy/dashboard.json"))) {
		t.Error("the dashboard is not JSON")
	}
}

// TestWordsAreDocumented: docs/operations.md explains each state, wait, reason and cause.
func TestWordsAreDocumented(t *testing.T) {
	text := read(t, "docs/operations.md")
	words := slices.Concat(perception.Waits[:], suspicions[:], []string{
		rejected, damaged, suspect, "overload", "failed", "unpublished", "malformed", queueFull,
		framesync.CauseMissing, framesync.CauseLate, framesync.CauseSlow, framesync.CauseSpread, framesync.CauseClockOffset,
		framesync.CauseTimeBack, framesync.CauseTimeAhead, framesync.CauseUnit, framesync.CauseStuck, framesync.CauseFewCameras,
		framesync.CauseNoPose, framesync.CausePoseLate, framesync.CausePoseClock, framesync.CausePoseGap,
	})
	for _, state := range perception.States {
		words = append(words, string(state))
	}
	for reason := range (&framesync.Counters{}).Drops {
		words = append(words, reason)
	}
	for _, word := range words {
		if !strings.Contains(text, "`"+word+"`") {
			t.Errorf("docs/operations.md does not explain `%s`", word)
		}
	}
	for _, name := range lossNames {
		if !strings.Contains(text, "`lost."+name+"`") {
			t.Errorf("docs/operations.md does not explain lost.%s", name)
		}
	}
}

// TestUnit has the systemd unit checked with a program that exists.
func TestUnit(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: the unit is not checked")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "solofusion.service")
	text := strings.ReplaceAll(read(t, "deploy/solofusion.service"), "/usr/local/bin/solofusion", program)
	if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(within(t), verify, "verify", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	drain := Defaults().Drain
	stop := regexp.MustCompile(`TimeoutStopSec=(\S+)`).FindStringSubmatch(text)
	if limit, err := time.ParseDuration(stop[1]); err != nil || limit <= drain {
		t.Errorf("TimeoutStopSec is %s, want more than service.drain, %v", stop[1], drain)
	}
}
