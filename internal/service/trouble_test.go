package service

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// lines are the log lines of changes.
func lines(changes []change) (all []string) {
	for i := range changes {
		if c := &changes[i]; c.ended {
			all = append(all, c.over())
		} else {
			all = append(all, c.begun(false))
		}
	}
	return all
}

func absent(since time.Time, sets uint64) symptom {
	t := degrading("CAM_BACK", missing, "arrives 104 ms after its set left; sync.deadline is 150ms", sets)
	t.IsCamera, t.Since = true, since
	return symptom{Trouble: t, present: true, units: "sets"}
}

func duplicates(n uint64) symptom {
	return symptom{Trouble: noted(ofInput, "duplicate", "", n), units: "messages"}
}

// A trouble has one line when it begins and one when it is over, which is a hold after it
// was seen last.
func TestTroubleBeginsAndEndsOnce(t *testing.T) {
	j := newJournal(3 * time.Second)
	at := func(n int) time.Time { return ms(1000 * n) }
	var got []string
	look := func(second int, symptoms ...symptom) {
		for _, line := range lines(j.observe(at(second), symptoms)) {
			got = append(got, fmt.Sprintf("%d: %s", second, line))
		}
	}
	look(0, duplicates(0))
	look(1, duplicates(2), absent(at(0), 7)) // six sets before it was seen are of an earlier time
	look(2, duplicates(2), absent(at(0), 8))
	look(3, duplicates(5), absent(at(0), 9))
	look(4, duplicates(5))
	look(5, duplicates(5))
	look(6, duplicates(5))
	want := []string{
		"1: input duplicate since 12:00:01: 2 messages",
		"1: CAM_BACK missing since 12:00:00: arrives 104 ms after its set left; sync.deadline is 150ms",
		"6: CAM_BACK missing: over after 3.0 s, 3 sets",
		"6: input duplicate: over after 2.0 s, 5 messages",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if open := j.troubles(); len(open) != 0 {
		t.Errorf("open are %v", open)
	}
}

// What comes and goes is one trouble: each time it begins soon after its end, it takes twice
// as long to end.
func TestATroubleThatComesAndGoesIsOne(t *testing.T) {
	j := newJournal(time.Second)
	changes := 0
	for second := range 3600 {
		var symptoms []symptom
		if second%4 == 0 {
			symptoms = append(symptoms, absent(time.Time{}, uint64(second)))
		}
		changes += len(j.observe(ms(1000*second), symptoms))
	}
	if changes > 7 {
		t.Errorf("a camera that is missing for one second in four made %d lines in an hour", changes)
	}
}

// Causes that follow each other are one trouble, which is told of again, at most once in a hold.
func TestATroubleChangesItsCause(t *testing.T) {
	j := newJournal(3 * time.Second)
	var got []string
	for second := range 9 {
		s := absent(ms(0), uint64(second))
		s.kind = missing
		if second >= 1 && second != 3 {
			s.Cause, s.Words = "late", "arrives 90 ms after its set left"
		}
		for _, line := range lines(j.observe(ms(1000*second), []symptom{s})) {
			got = append(got, fmt.Sprintf("%d: %s", second, line))
		}
	}
	want := []string{
		"0: CAM_BACK missing since 12:00:00: arrives 104 ms after its set left; sync.deadline is 150ms",
		"4: CAM_BACK late since 12:00:00: arrives 90 ms after its set left",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestJournal: for any symptoms, troubles begin and end in turn, counts agree with what the
// symptoms counted, the number of changes is bounded, and nothing is kept for ever.
func TestJournal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := newJournal(time.Duration(rapid.IntRange(1, 5).Draw(t, "hold")) * time.Second)
		open, counts := map[string]bool{}, map[string]uint64{}
		told := map[string]uint64{}
		now, changes := epoch, 0
		looks := rapid.IntRange(1, 200).Draw(t, "looks")
		for range looks {
			now = now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond)
			var symptoms []symptom
			for _, name := range []string{"a", "b"} {
				counts[name] += uint64(max(0, rapid.IntRange(-5, 3).Draw(t, "more")))
				symptoms = append(symptoms, symptom{Trouble: noted(name, "drop", "", counts[name])})
			}
			for _, c := range j.observe(now, symptoms) {
				changes++
				if open[c.Subject] == !c.ended {
					t.Fatalf("%s changes to what it was: ended %v", c.Subject, c.ended)
				}
				open[c.Subject] = !c.ended
				if c.ended {
					told[c.Subject] += c.Count
				}
			}
		}
		for _, trouble := range j.troubles() {
			if !open[trouble.Subject] {
				t.Fatalf("%s is open without a beginning", trouble.Subject)
			}
			told[trouble.Subject] += trouble.Count
		}
		if diff := cmp.Diff(counts, told, cmp.Comparer(func(a, b map[string]uint64) bool { return a["a"] == b["a"] && a["b"] == b["b"] })); diff != "" {
			t.Fatalf("counts (-symptoms +troubles):\n%s", diff)
		}
		if j.observe(now.Add(time.Hour), nil); len(j.troubles()) > 0 {
			t.Fatal("a trouble is open an hour after its last symptom")
		}
		if j.observe(now.Add(2*time.Hour), nil); len(j.entries) > 0 {
			t.Fatalf("%d entries are kept for ever", len(j.entries))
		}
	})
}

// TestPartsAndCamerasOfOneName: a camera and a part of one name and cause are two troubles.
func TestPartsAndCamerasOfOneName(t *testing.T) {
	j := newJournal(3 * time.Second)
	part := symptom{Trouble: degrading(ofSync, "spread", "of the rig", 0), present: true}
	camera := symptom{Trouble: degrading(ofSync, "spread", "of a camera", 0), present: true}
	camera.IsCamera = true
	got := lines(j.observe(ms(0), []symptom{part, camera}))
	want := []string{"sync spread since 12:00:00: of the rig", "camera sync spread since 12:00:00: of a camera"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCausesThatTakeTurns: a camera that is now missing, now slow, has a few lines an hour,
// not one each hold.
func TestCausesThatTakeTurns(t *testing.T) {
	j, told := newJournal(3*time.Second), 0
	for second := range 3600 {
		s := absent(ms(0), uint64(second))
		s.kind = missing
		if second/4%2 == 1 {
			s.Cause = "slow"
		}
		told += len(j.observe(ms(1000*second), []symptom{s}))
	}
	if told < 5 || told > 70 {
		t.Errorf("%d lines in an hour, want one a minute at most after the first", told)
	}
}

// usual are the default limits.
var usual = Defaults().limits()

// TestSymptoms: what the facts show of cameras, and what is only counted.
func TestSymptoms(t *testing.T) {
	f := facts{
		now:      ms(5000),
		drops:    map[string]uint64{"duplicate": 3, "surplus": 70, noPose: 4, "out_of_order": 9},
		source:   map[string]uint64{queueFull: 2},
		refusals: map[string]string{"duplicate": "a: its time is that of the frame before", "out_of_order": "b"},
		tolls:    map[key]uint64{{"a", missing}: 2, {"b", rejected}: 5, {"b", "frozen"}: 1, {"d", "black"}: 1, {"d", rejected}: 1},
	}
	f.result.count, f.result.at = 1, f.now
	f.result.latest = perception.Result{
		Missing: []string{"a", "b", "d"}, Rejected: map[string]string{"b": "truncated", "d": "image is black: too dark"},
		Suspect: map[string]string{"b": "frozen: same image for 2.5 s", "d": "black: too dark"},
	}
	f.lost[behind] = 6
	f.health.Cameras = append(f.health.Cameras, cameraHealth("a", 1000), cameraHealth("b", 4900), cameraHealth("c", 900), cameraHealth("d", 4900))
	f.health.Cameras[0].Dropped[framesync.OutOfOrder], f.health.Cameras[1].Dropped[framesync.OutOfOrder] = 7, 2
	f.health.Cameras[2].Trouble = framesync.Trouble{Cause: missing, Words: "no frame since 12:00:00"} // like all others'

	var got []string
	for _, s := range f.symptoms(usual) {
		c := change{Trouble: s.Trouble, units: s.units}
		if !s.IsCamera && !slices.Contains(perception.Parts[:], s.Subject) {
			t.Errorf("%s is no part's name", s.Subject)
		}
		got = append(got, fmt.Sprintf("%s (%d %s, present %v, degrades %v)", c.begun(true), s.Count, s.units, s.present, s.Degrades))
	}
	for _, want := range []string{
		"a missing: no frame in the last result; its last came 4.0 s ago (2 sets, present true, degrades true)",
		"b rejected: truncated (5 images, present true, degrades true)",
		"b frozen: same image for 2.5 s (1 images, present true, degrades true)",
		"d black: too dark (1 images, present true, degrades true)",
		"no pose: 4 frames (4 frames, present false, degrades true)",
		"detector overload: sets arrive faster than results can be made; the newest complete one is used (8 sets, present false, degrades true)",
		"input out of order: frames so far: a 7, b 2 (9 messages, present false, degrades false)",
		"input duplicate: a: its time is that of the frame before (3 messages, present false, degrades false)",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no symptom is %q, got\n%s", want, strings.Join(got, "\n"))
		}
	}
	if strings.Contains(strings.Join(got, "\n"), "c missing") {
		t.Error("a camera is missing that no set lacks")
	}
	if strings.Contains(strings.Join(got, "\n"), "d rejected") {
		t.Error("an image that is not used because it is black is told of as rejected, too")
	}
	if strings.Contains(strings.Join(got, "\n"), "surplus") {
		t.Error("frames between those that are used are a symptom")
	}
}

// TestAResultGrowsOld: what a result shows is a symptom until it is too old, unless another
// is on its way, or it is a recording's.
func TestAResultGrowsOld(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(f *facts)
		want bool
	}{
		{"just now", func(f *facts) { f.result.at = ms(98_000) }, true},
		{"long ago", func(*facts) {}, false},
		{"long ago, a step since then", func(f *facts) { f.result.at, f.stepping = ms(79_000), ms(80_000) }, true},
		{"long ago, a step that hangs", func(f *facts) { f.stepping = ms(20_000) }, false},
		{"a recording", func(f *facts) { f.lossless = true }, true},
	} {
		f := facts{now: ms(100_000)}
		f.result.count, f.result.at = 1, ms(19_000)
		f.result.latest.Suspect = map[string]string{"a": "grey: it has no colour"}
		f.health.Cameras = append(f.health.Cameras, cameraHealth("a", 19_000))
		test.set(&f)
		got := slices.ContainsFunc(f.symptoms(usual), func(s symptom) bool { return s.Cause == "grey" && s.present })
		if got != test.want {
			t.Errorf("%s: the camera is grey %v, want %v", test.name, got, test.want)
		}
	}
}

// A camera whose times are now in another unit is another publisher to mend; one whose
// frames came but could not be used did not send nothing.
func TestWordsOfACamera(t *testing.T) {
	j := newJournal(3 * time.Second)
	var got []string
	for i, words := range []string{"nanoseconds?", "nanoseconds?", "milliseconds?"} {
		var f facts
		f.health.Cameras = append(f.health.Cameras, cameraHealth("a", 900))
		f.health.Cameras[0].Trouble = framesync.Trouble{Cause: framesync.CauseUnit, Words: words}
		got = append(got, lines(j.observe(ms(500*i), f.symptoms(usual)))...)
	}
	f := facts{now: ms(1500)}
	f.result.count, f.result.at, f.result.latest.Missing = 1, f.now, []string{"b"}
	f.health.Cameras = append(f.health.Cameras, framesync.CameraHealth{Name: "b", Frames: 4})
	got = append(got, lines(j.observe(ms(1500), f.symptoms(usual)))...)
	want := []string{
		"a unit since 12:00:00: nanoseconds?",
		"a unit since 12:00:00: milliseconds?",
		"b missing since 12:00:01: none of its 4 frames could be used",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func cameraHealth(name string, arrived int) framesync.CameraHealth {
	return framesync.CameraHealth{Name: name, Arrived: ms(arrived)}
}

// Another refused calibration is another fault to mend: its words are told again, and a
// flood of them only ever more seldom.
func TestOtherWordsAreToldAgain(t *testing.T) {
	look := func(j *journal, at int, n uint64, words string) []string {
		s := symptom{Trouble: noted(ofInput, invalidCalibration, words, n), units: "messages", worded: true}
		return lines(j.observe(ms(at), []symptom{s}))
	}
	j := newJournal(3 * time.Second)
	var got []string
	for i, words := range []string{"a: fx is 0.8", "a: fx is 0.8", "a: cx is -4000", "b: fx is 0.8"} {
		got = append(got, look(&j, 500*i, uint64(i+1), words)...)
	}
	want := []string{
		"input invalid calibration since 12:00:00: a: fx is 0.8",
		"input invalid calibration since 12:00:00: a: cx is -4000",
		"input invalid calibration since 12:00:00: b: fx is 0.8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	flood := newJournal(3 * time.Second)
	n := 0
	for i := range 36_000 {
		n += len(look(&flood, 100*i, uint64(i+1), fmt.Sprintf("a: fx is %d", i)))
	}
	if n < 60 || n > 80 {
		t.Errorf("an hour of refused calibrations made %d lines, want about one a minute", n)
	}
}
