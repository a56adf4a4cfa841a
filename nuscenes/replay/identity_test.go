package replay

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/internal/tinyset"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/framesync"
)

// openChanged opens the tiny set as change leaves its tables.
func openChanged(t *testing.T, change func(tinyset.Tables)) *nuscenes.Dataset {
	t.Helper()
	tables := tinyset.New()
	change(tables)
	dir := tables.Write(t)
	tables.WriteImages(t, dir)
	ds, err := nuscenes.Open(dir, tinyset.Version)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// retimed opens the tiny set and gives samples and key frames other times.
func retimed(t *testing.T, to func(us nuscenes.Timestamp) nuscenes.Timestamp) *nuscenes.Dataset {
	t.Helper()
	ds := openTiny(t, true)
	for _, sample := range ds.Samples {
		sample.Timestamp = to(sample.Timestamp)
		for _, data := range append(sample.Cameras(), sample.Key(nuscenes.LidarTop)) {
			data.Timestamp = to(data.Timestamp)
		}
	}
	return ds
}

// sets returns the complete sets that framesync makes of a data set.
func sets(t *testing.T, ds *nuscenes.Dataset, options Options) []*perception.FrameSet {
	t.Helper()
	var all []*perception.FrameSet
	err := framesync.Each(t.Context(), newSource(t, ds, options), func(set *perception.FrameSet) error {
		if missing := set.Missing(); len(missing) > 0 {
			t.Errorf("the set of %s lacks %v", set.KeyFrame, missing)
		}
		all = append(all, set)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A frame stands where its row's pose is, even if another sensor has another pose at
// the same time, and a set where its sample's key pose is.
func TestEachCameraHasThePoseOfItsRow(t *testing.T) {
	for _, poses := range []bool{false, true} {
		ds := openChanged(t, func(tables tinyset.Tables) {
			for _, name := range []string{"sample_data", "ego_pose"} {
				for _, row := range tables[name] {
					token := strings.TrimPrefix(row["token"].(string), "pose-")
					if sample := tables.Row("sample_data", token)["sample_token"].(string); row["timestamp"] != nil {
						row["timestamp"] = tables.Row("sample", sample)["timestamp"]
					}
					if name == "ego_pose" && strings.Contains(token, "key-front") {
						row["translation"] = []float64{100, 0, 0}
					}
				}
			}
			for _, row := range tables["sample_data"] { // links are of no use with one time for all
				row["prev"], row["next"] = "", ""
			}
		})
		all := sets(t, ds, Options{Poses: poses})
		if len(all) != 5 {
			t.Fatalf("%d sets, want 5", len(all))
		}
		for _, set := range all {
			sample := ds.Sample(set.KeyFrame)
			if got, want := set.GlobalFromEgo.T, sample.KeyPose().GlobalFromEgo.Translation; got != want {
				t.Errorf("%s stands at %v, want %v", sample.Token, got, want)
			}
			for _, f := range set.Frames {
				if got, want := f.GlobalFromEgo.T, sample.Key(f.Camera).EgoPose.GlobalFromEgo.Translation; got != want {
					t.Errorf("%s of %s stands at %v, want %v", f.Camera, sample.Token, got, want)
				}
			}
		}
	}
}

// Every image is in a set whatever the times are, each set has its sample's identity,
// and no set continues one that is not earlier.
func TestEveryImageIsUsedAtAnyTime(t *testing.T) {
	const first = 1_000_000_000_000_000
	for name, to := range map[string]func(us nuscenes.Timestamp) nuscenes.Timestamp{
		"scenes that overlap":   func(us nuscenes.Timestamp) nuscenes.Timestamp { return first + (us-first)%100_000_000 },
		"hours between samples": func(us nuscenes.Timestamp) nuscenes.Timestamp { return first + 36000*(us-first) },
		"from zero":             func(us nuscenes.Timestamp) nuscenes.Timestamp { return us - first },
		"before 1970":           func(us nuscenes.Timestamp) nuscenes.Timestamp { return us - 2*first },
		"one time for all":      func(nuscenes.Timestamp) nuscenes.Timestamp { return 0 },
		"backwards":             func(us nuscenes.Timestamp) nuscenes.Timestamp { return 2*first - us },
		"in milliseconds":       func(us nuscenes.Timestamp) nuscenes.Timestamp { return us / 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			ds := retimed(t, to)
			quiet := slog.New(slog.DiscardHandler)
			all := sets(t, ds, Options{Logger: quiet})
			if len(all) != len(ds.Samples) {
				t.Fatalf("%d sets of %d samples", len(all), len(ds.Samples))
			}
			for i, set := range all {
				if want := ds.Scenes[0].Samples; i < len(want) && set.KeyFrame != want[i].Token {
					t.Errorf("set %d is of %s, want %s", i, set.KeyFrame, want[i].Token)
				}
				if i > 0 && set.NewSequence == "" && !set.Time.After(all[i-1].Time) {
					t.Errorf("%s continues a sequence, and is not later than the set before", set.KeyFrame)
				}
			}
		})
	}
}

func TestTimesInAnotherUnit(t *testing.T) {
	ds := retimed(t, func(us nuscenes.Timestamp) nuscenes.Timestamp { return us * 1000 })
	_, err := NewSource(ds, ds.Scenes, Options{})
	if err == nil || !strings.Contains(err.Error(), "in the year 33658") || !strings.Contains(err.Error(), "look like nanoseconds") ||
		!strings.Contains(err.Error(), ds.Samples[0].Token) {
		t.Errorf("nanoseconds: %v", err)
	}
	const none = -62135596800_000_000 // time.Time{} in microseconds
	ds = retimed(t, func(us nuscenes.Timestamp) nuscenes.Timestamp { return none + us%1_000_000 })
	if _, err := NewSource(ds, ds.Scenes, Options{}); err == nil || !strings.Contains(err.Error(), "in the year 1: want microseconds") {
		t.Errorf("Go's zero time: %v", err)
	}
	for unit, mean := range map[nuscenes.Timestamp]string{1000: "mean_us=500", 333_333: "mean_us=1"} { // the latter in about seconds
		var log bytes.Buffer
		ds = retimed(t, func(us nuscenes.Timestamp) nuscenes.Timestamp { return us / unit })
		drain(t, newSource(t, ds, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}))
		if n := strings.Count(log.String(), "look like milliseconds"); n != 2 || !strings.Contains(log.String(), mean) {
			t.Errorf("%d-th parts: %d warnings:\n%s", unit, n, log.String())
		}
	}
}

// Where time does not go on, a reset comes before the sample, and one warning for the
// scene.
func TestTimeThatGoesBackIsSaid(t *testing.T) {
	ds := openChanged(t, func(tables tinyset.Tables) {
		earlier := func(row tinyset.Row) { row["timestamp"] = row["timestamp"].(float64) - 3600e6 }
		earlier(tables.Row("sample", "scene-0103-sample-1"))
		for _, sensor := range []string{"lidar", "front", "back"} {
			earlier(tables.Row("sample_data", "scene-0103-key-"+sensor+"-1"))
		}
		for _, row := range tables["sample_data"] {
			row["prev"], row["next"] = "", ""
		}
	})
	var log bytes.Buffer
	s := newSource(t, ds, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	got := describe(drain(t, s), ds.Samples[0].Timestamp.Time())[:9]
	want := "rig 2, CAM_FRONT#0 -40/0, CAM_BACK#0 -20/0, reset, CAM_FRONT#1 -3599540/-3599500, CAM_BACK#1 -3599520/-3599500, " +
		"CAM_FRONT#2 960/1000, CAM_BACK#2 980/1000, reset"
	if strings.Join(got, ", ") != want {
		t.Errorf("sent %v, want %s", got, want)
	}
	if !strings.Contains(log.String(), "not later than the ones before them") || !strings.Contains(log.String(), "count=1 first=scene-0103-sample-1") {
		t.Errorf("log:\n%s", log.String())
	}
	// A dropped camera's key frames are counted from each reset.
	faulty, err := Inject(newSource(t, ds, Options{Logger: slog.New(slog.DiscardHandler)}), Faults{Drop: []CameraDrop{{"CAM_BACK", 1, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Join(describe(drain(t, faulty), ds.Samples[0].Timestamp.Time()), ", ")
	if strings.Contains(words, "CAM_BACK#2") || !strings.Contains(words, "CAM_BACK#1") {
		t.Errorf("sent %s, want CAM_BACK's third frame dropped", words)
	}
}

func TestInjectedDropsAreCounted(t *testing.T) {
	s, err := Inject(newSource(t, openTiny(t, true), Options{}), Faults{Drop: []CameraDrop{{"CAM_BACK", 0, -1}}})
	if err != nil {
		t.Fatal(err)
	}
	drain(t, s)
	for reason, n := range s.Drops {
		if reason != "injected" || n != 5 {
			t.Errorf("%d %s, want 5 injected", n, reason)
		}
	}
}

func TestUsage(t *testing.T) {
	var u Usage
	sent := Stats{Images: map[string]int{"CAM_FRONT": 6, "CAM_BACK": 6, "side\nleft": 1}, Absent: map[string]int{"CAM_FRONT": 1, "CAM_BACK": 3}}
	if got, want := u.Describe(Stats{}, ""), "0 of 0 images used"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := u.Check(Stats{}, ""); err == nil || err.Error() != "replay: the samples have no images" {
		t.Errorf("no images: %v", err)
	}
	none := "replay: none of the 13 images could be used: 9 dropped: 9 no_pose"
	if err := u.Check(sent, "9 no_pose"); err == nil || err.Error() != none {
		t.Errorf("got  %v\nwant %s", err, none)
	}
	at := time.Now()
	u.Add(&perception.Result{Captured: map[string]time.Time{"CAM_FRONT": at, "CAM_BACK": at}})
	for _, reason := range []string{"too small", "too small", "a", "b", "c", "d"} {
		u.Add(&perception.Result{Rejected: map[string]string{"CAM_FRONT": reason}})
		sent.Images["CAM_FRONT"]++
	}
	want := "2 of 19 images used; 4 absent (CAM_BACK 3, CAM_FRONT 1); 2 rejected (CAM_FRONT 2): too small; 1 rejected (CAM_FRONT 1): a; " +
		"1 rejected (CAM_FRONT 1): b; 2 rejected for other reasons (CAM_FRONT 2); 7 dropped (CAM_BACK 2, CAM_FRONT 4, \"side\\nleft\" 1)"
	if got := u.Describe(sent, ""); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := u.Check(sent, ""); err != nil {
		t.Error(err)
	}
}

// TestUsageOfDoubtfulImages: reasons that differ in numbers are one kind, and images
// that were used though they are damaged or suspect are told apart.
func TestUsageOfDoubtfulImages(t *testing.T) {
	var u Usage
	sent := Stats{Images: map[string]int{"CAM_FRONT": 5}}
	for _, share := range []string{"50", "62"} {
		u.Add(&perception.Result{Rejected: map[string]string{"CAM_FRONT": "truncated after " + share + " % of its rows"}})
	}
	at := map[string]time.Time{"CAM_FRONT": time.Now()}
	for _, words := range []string{"frozen: same image for 0.5 s", "frozen: same image for 1.0 s", "black"} {
		u.Add(&perception.Result{
			Captured: at, Suspect: map[string]string{"CAM_FRONT": words, "CAM_BACK": "black"},
			Damaged: map[string]string{"CAM_FRONT": "damaged"},
		})
	}
	want := "3 of 5 images used; 2 rejected (CAM_FRONT 2): truncated after 50 % of its rows; " +
		"of those used 3 damaged, 1 black, 2 frozen"
	if got := u.Describe(sent, ""); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
