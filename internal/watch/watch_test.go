package watch

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

var captured = time.Date(2026, 5, 1, 12, 3, 11, 450e6, time.UTC)

// box is a detection of a class at a place ahead and to the left of the vehicle.
func box(class perception.Class, score float32, x, y float64) perception.Detection {
	return perception.Detection{Class: class, Score: score, Center: geom.Vec3{x, y, 0}, Size: geom.Vec3{2, 4, 1.5}}
}

// result is one of two cameras with two cars and a pedestrian.
func result() *perception.Result {
	return &perception.Result{
		Time: captured, GlobalFromEgo: geom.IdentityPose(), EgoFromModel: geom.IdentityPose(), HistoryDepth: 8,
		Captured: map[string]time.Time{"CAM_FRONT": captured, "CAM_BACK": captured},
		Detections: []perception.Detection{
			box(perception.Car, 0.5, 10, 0), box(perception.Pedestrian, 0.75, -3, 5), box(perception.Car, 0.625, 1, 1), box(perception.Bus, 0.25, 5, 5),
		},
	}
}

func TestLine(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*perception.Result)
		arrived time.Duration
		want    string
	}{
		{"whole", func(*perception.Result) {}, 412 * time.Millisecond,
			"12:03:11.450  2/2  412 ms    8     3  pedestrian 0.75 6 m left; 2 car …"},
		{"of a recording", func(*perception.Result) {}, 24 * time.Hour,
			"12:03:11.450  2/2       -    8     3  pedestrian 0.75 6 m left; 2 car …"},
		{"slow", func(r *perception.Result) { r.Detections = nil }, 12300 * time.Millisecond,
			"12:03:11.450  2/2  12.3 s    8     0"},
		{"without a camera", func(r *perception.Result) {
			delete(r.Captured, "CAM_BACK")
			r.Missing, r.Rejected = []string{"CAM_BACK"}, map[string]string{"CAM_BACK": "truncated"}
		}, 0, "12:03:11.450  1/2    0 ms    8     3  no CAM_BACK (truncated); pedestrian 0.75 6 m left …"},
		{"anew", func(r *perception.Result) { r.Reset, r.HistoryDepth, r.Detections = "clock jumped", 0, nil }, 0,
			"12:03:11.450  2/2    0 ms    0     0  new sequence: clock jumped"},
	} {
		r := result()
		test.change(r)
		if got := line(r, captured.Add(test.arrived), 0.3); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
}

// A line of a sound result fits a terminal, whatever the classes.
func TestLineFits(t *testing.T) {
	r := result()
	for i := range perception.Classes {
		for range 10 {
			r.Detections = append(r.Detections, box(perception.Class(i), 0.9, -100, 1))
		}
	}
	got := line(r, captured, 0.3)
	if n := len([]rune(got)); n > width || !strings.HasSuffix(got, " …") {
		t.Errorf("%d columns: %s", n, got)
	}
}

func TestSide(t *testing.T) {
	for want, at := range map[string][2]float64{"ahead": {2, 1}, "behind": {-2, 1}, "left": {1, 2}, "right": {-1, -2}} {
		if got := side(at[0], at[1]); got != want {
			t.Errorf("%v is %s, want %s", at, got, want)
		}
	}
}

// feed delivers messages at their times after the start, then nothing.
type feed[T any] struct {
	messages []T
	after    []time.Duration
	errs     map[int]error
	sent     int
	start    time.Time
}

func (f *feed[T]) Next(ctx context.Context) (T, error) {
	var none T
	if f.sent == len(f.messages) {
		<-ctx.Done()
		return none, ctx.Err()
	}
	time.Sleep(time.Until(f.start.Add(f.after[f.sent])))
	f.sent++
	return f.messages[f.sent-1], f.errs[f.sent-1]
}

func status(after time.Duration, s perception.State, frames, dropped uint64) *perception.Status {
	return &perception.Status{Time: captured.Add(after), State: s, Words: string(s), Counts: map[string]uint64{
		"frames": frames, "results": frames / 6, "drop.late": dropped,
	}}
}

// run watches the feeds for a minute and returns what is written, and what is told.
func run(t *testing.T, o Options, results *feed[*perception.Result], statuses *feed[*perception.Status]) (out, told string) {
	t.Helper()
	var text, words strings.Builder
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		results.start, statuses.start = time.Now(), time.Now()
		o.Words, o.Where, o.Rig, o.Silence = &words, "sf.car.>", "car", 5*time.Second
		context.AfterFunc(ctx, func() {})
		if err := New(&text, o).Run(ctx, results, statuses); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	return text.String(), words.String()
}

// States are told when they change, rates each period, silence once.
func TestRun(t *testing.T) {
	s := time.Second
	statuses := &feed[*perception.Status]{
		messages: []*perception.Status{
			status(0, perception.Waiting, 0, 0), status(s, perception.Waiting, 0, 0), status(2*s, perception.Running, 12, 0),
			status(3*s, perception.Running, 24, 0), status(4*s, perception.Running, 24, 3), status(20*s, perception.Running, 24, 3), nil,
		},
		after: []time.Duration{0, s, 2 * s, 3 * s, 4 * s, 20 * s, 21 * s},
		errs:  map[int]error{6: &bus.MalformedError{Subject: "sf.car.status", Reason: "it is nonsense"}},
	}
	results := &feed[*perception.Result]{messages: []*perception.Result{result()}, after: []time.Duration{1500 * time.Millisecond}}
	out, told := run(t, Options{Score: 0.3, Rates: 2 * s}, results, statuses)
	want := []string{
		"12:03:11.450  WAITING",
		"captured     cams latency past boxes",
		"12:03:11.450  2/2       -    8     3  pedestrian 0.75 6 m left; 2 car …",
		"12:03:13.450  RUNNING",
		"12:03:13.450  1.0 results/s from 6.0 images/s",
		"12:03:15.450  1.0 results/s from 6.0 images/s; dropped: late 3",
		"",
	}
	if out != strings.Join(want, "\n") {
		t.Errorf("written\n%swant\n%s", out, strings.Join(want, "\n"))
	}
	silent := "no message on sf.car.> for 5s: is serve running with nats.rig car?\n"
	if told != silent+"messages come again\nbus: message on sf.car.status: it is nonsense\n"+silent {
		t.Errorf("told\n%s", told)
	}
}

func TestColours(t *testing.T) {
	statuses := &feed[*perception.Status]{messages: []*perception.Status{status(0, perception.Degraded, 0, 0)}, after: []time.Duration{0}}
	out, _ := run(t, Options{Colours: true}, &feed[*perception.Result]{}, statuses)
	if out != "12:03:11.450  \x1b[33mDEGRADED\x1b[0m\n" {
		t.Errorf("written %q", out)
	}
}

func TestJSON(t *testing.T) {
	statuses := &feed[*perception.Status]{messages: []*perception.Status{status(0, perception.Running, 6, 2)}, after: []time.Duration{0}}
	results := &feed[*perception.Result]{messages: []*perception.Result{result()}, after: []time.Duration{time.Second}}
	out, _ := run(t, Options{JSON: true, Score: 0.7}, results, statuses)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var first, second Record
	if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &first) != nil || json.Unmarshal([]byte(lines[1]), &second) != nil {
		t.Fatalf("written %s", out)
	}
	if first.Status == nil || first.Result != nil || first.Status.State != "running" || first.Status.Counts["drop.late"] != 2 {
		t.Errorf("status %+v", first.Status)
	}
	if r := second.Result; r == nil || len(r.Boxes) != 1 || r.Boxes[0].Class != "pedestrian" || r.Boxes[0].Center != [3]float64{-3, 5, 0} || len(r.Cameras) != 2 {
		t.Errorf("result %+v", r)
	}
}

func TestChanges(t *testing.T) {
	var s states
	troubles := func(list ...perception.Trouble) []perception.Trouble { return list }
	missing := perception.Trouble{Subject: "CAM_BACK", Cause: "missing", Words: "arrives 104 ms late", Since: captured}
	offset := perception.Trouble{Subject: "CAM_LEFT", Cause: "clock_offset", Since: captured}
	refused := perception.Trouble{Subject: "input", Cause: "invalid_calibration", Words: "b: fx is 0.8", Since: captured}
	for _, step := range []struct {
		status perception.Status
		want   string
	}{
		{perception.Status{State: perception.Waiting, WaitingFor: "poses", Words: "waiting for poses: none came"}, "WAITING for poses: none came"},
		{perception.Status{State: perception.Waiting, WaitingFor: "poses", Words: "waiting for poses: none came for 5 s"}, ""},
		{perception.Status{State: perception.Degraded, Words: "degraded: CAM_BACK missing", Troubles: troubles(missing)},
			"DEGRADED: CAM_BACK missing|CAM_BACK missing since 12:03:11: arrives 104 ms late"},
		{perception.Status{State: perception.Degraded, Troubles: troubles(missing, offset)}, "CAM_LEFT clock offset since 12:03:11"},
		{perception.Status{State: perception.Running, Words: "running", Outside: []string{"a"}, LastError: "no"},
			"RUNNING|over: CAM_BACK missing|over: CAM_LEFT clock offset|last error: no|not as in training: a"},
		{perception.Status{State: perception.Running, Words: "running", Outside: []string{"a"}, LastError: "no"}, ""},
		{perception.Status{State: perception.Running, Outside: []string{"a"}, Troubles: troubles(refused), LastError: "b: fx is 0.8"},
			"input invalid calibration since 12:03:11: b: fx is 0.8"},
		{perception.Status{State: perception.Running, Outside: []string{"a"}, Troubles: troubles(refused), LastError: "b: cx is -4000"},
			"last error: b: cx is -4000"},
		{perception.Status{State: perception.Running, Outside: []string{"a"}}, "over: input invalid calibration"}, // another run
	} {
		if got := strings.Join(s.change(&step.status), "|"); got != step.want {
			t.Errorf("told %s, want %s", got, step.want)
		}
	}
}
