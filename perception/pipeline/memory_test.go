package pipeline

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
)

// drives returns the sets of n rigs that differ in name, order and number of
// cameras, mounting, images and times.
func drives(t testing.TB, n, sets int) [][]*perception.FrameSet {
	t.Helper()
	base := drive(t, sets+n)
	all := make([][]*perception.FrameSet, n)
	for i := range all {
		rig := *base[0].Rig
		rig.Name = fmt.Sprintf("rig %d", i)
		rig.Cameras = append([]perception.Camera(nil), rig.Cameras[:6-i%3]...)
		rig.Cameras[0].Intrinsics[0] += float64(i)
		for _, set := range base[i:][:sets] {
			s := *set
			s.Rig, s.Frames = &rig, set.Frames[:len(rig.Cameras)]
			s.Time = s.Time.Add(time.Duration(i) * time.Second)
			all[i] = append(all[i], &s)
		}
		all[i][sets/2] = without(all[i][sets/2], rig.Cameras[i%3].Name, nil)
	}
	return all
}

// alone returns the results of one rig with a detector of its own.
func alone(t testing.TB, b *model.Bundle, o Options, sets []*perception.FrameSet) (results []*perception.Result) {
	t.Helper()
	p := openBundle(t, b, o)
	for _, set := range sets {
		results = append(results, step(t, p, set))
	}
	return results
}

// TestRigsAreApart: rigs that share a detector, turn by turn and from goroutines
// of their own, get what each gets if the others come after it.
func TestRigsAreApart(t *testing.T) {
	b := bundle(t)
	recursive, direct := Options{History: "recursive"}, Options{History: "direct", Time: "measured"}
	checkApart(t, b, recursive, drives(t, 1, 3))
	checkApart(t, b, recursive, drives(t, 4, 3))
	checkApart(t, b, direct, drives(t, 16, 2))
}

func checkApart(t *testing.T, b *model.Bundle, o Options, all [][]*perception.FrameSet) {
	t.Helper()
	d := openBundle(t, b, o)
	inTurn, atOnce := make([][]*perception.Result, len(all)), make([][]*perception.Result, len(all))
	memories := make([]*Memory, len(all))
	for k := range all[0] {
		for i := range all {
			if k == 0 {
				memories[i] = d.NewMemory()
			}
			r, err := d.Detector.Step(memories[i], all[i][k])
			if err != nil {
				t.Fatal(err)
			}
			inTurn[i] = append(inTurn[i], r)
		}
	}
	var wait sync.WaitGroup
	for i := range all {
		wait.Go(func() {
			m := d.NewMemory()
			for _, set := range all[i] {
				r, err := d.Detector.Step(m, set)
				if err != nil {
					t.Error(err)
					return
				}
				atOnce[i] = append(atOnce[i], r)
			}
		})
	}
	wait.Wait()
	own := openBundle(t, b, o)
	for i := range all {
		var want []*perception.Result
		m := own.NewMemory()
		for _, set := range all[i] {
			want = append(want, must(t, own, m, set))
		}
		if diff := cmp.Diff(want, inTurn[i], untimed); diff != "" {
			t.Errorf("%d rigs in turn: rig %d (-alone +together):\n%s", len(all), i, diff)
		}
		if diff := cmp.Diff(want, atOnce[i], untimed); diff != "" {
			t.Errorf("%d rigs at once: rig %d (-alone +together):\n%s", len(all), i, diff)
		}
	}
}

var every = flag.Bool("every", false, "compare every rig on the default bundle with its own run, not the last one alone")

// TestRigsOfTheDefaultBundle does so with the default bundle, and logs
// what each further rig costs.
func TestRigsOfTheDefaultBundle(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	b, err := model.Default()
	if err != nil {
		t.Fatal(err)
	}
	all := drives(t, 16, 2)
	d := openBundle(t, b, Options{})
	results := make([][]*perception.Result, len(all))
	memories := make([]*Memory, len(all))
	heap := map[int]uint64{}
	for i := range all {
		memories[i] = d.NewMemory()
		results[i] = append(results[i], must(t, d, memories[i], all[i][0]))
		heap[i+1] = inUse()
	}
	compared := []int{15}
	if *every {
		compared = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	}
	for _, i := range compared {
		results[i] = append(results[i], must(t, d, memories[i], all[i][1]))
	}
	each := float64(heap[16]-heap[1]) / 15 / (1 << 20)
	t.Logf("in use with 1, 4 and 16 rigs: %d, %d and %d MiB: %.1f MiB for each further rig", heap[1]>>20, heap[4]>>20, heap[16]>>20, each)
	if each > 64 {
		t.Errorf("%.1f MiB for each further rig", each)
	}
	for _, i := range compared {
		if diff := cmp.Diff(alone(t, b, Options{}, all[i]), results[i], untimed); diff != "" {
			t.Errorf("rig %d (-alone +together):\n%s", i, diff)
		}
	}
	runtime.KeepAlive(memories)
}

func must(t *testing.T, d *pipeline, m *Memory, set *perception.FrameSet) *perception.Result {
	t.Helper()
	r, err := d.Detector.Step(m, set)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// inUse returns the bytes of live objects.
func inUse() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// TestSavedMemoryContinues: a memory that was saved and loaded, by a detector
// that has never seen the rig, continues with the same results, wherever it is
// cut.
func TestSavedMemoryContinues(t *testing.T) {
	checkContinues(t, drive(t, 6))
	checkContinues(t, paced(t, slices.Repeat([]time.Duration{150 * time.Millisecond}, 6)...))
}

func checkContinues(t *testing.T, sets []*perception.FrameSet) {
	t.Helper()
	b := bundle(t)
	sets[2] = without(sets[2], "CAM_BACK", nil)
	for _, frame := range sets[3].Frames {
		sets[3] = without(sets[3], frame.Camera, nil)
	}
	for _, o := range []Options{{}, {History: "direct", Time: "measured"}, {KeepFeatures: true}} {
		whole, other := openBundle(t, b, o), openBundle(t, b, o)
		var files []*bytes.Buffer
		var want []*perception.Result
		for _, set := range sets {
			files = append(files, bytes.NewBuffer(saved(t, whole)))
			want = append(want, step(t, whole, set))
		}
		for at, file := range files {
			file.WriteString("what follows")
			m, err := other.LoadMemory(file)
			if err != nil {
				t.Fatal(err)
			}
			if file.String() != "what follows" {
				t.Errorf("cut at %d: %d bytes are left of what follows", at, file.Len())
			}
			var got []*perception.Result
			for _, set := range sets[at:] {
				got = append(got, must(t, other, m, set))
			}
			if diff := cmp.Diff(want[at:], got, untimed); diff != "" {
				t.Errorf("%+v, cut at %d (-whole +continued):\n%s", o, at, diff)
			}
		}
	}
}

// TestSavedResetIsKept: what was to begin a sequence still does.
func TestSavedResetIsKept(t *testing.T) {
	p := open(t, Options{})
	sets := drive(t, 2)
	step(t, p, sets[0])
	p.memory.Reset("asked")
	m, err := p.LoadMemory(bytes.NewReader(saved(t, p)))
	if err != nil {
		t.Fatal(err)
	}
	p.memory = m
	if r := step(t, p, sets[1]); r.Reset != "asked" || r.HistoryDepth != 0 {
		t.Errorf("reset %q, history of %d", r.Reset, r.HistoryDepth)
	}
}

// TestSavedAfterAFailure: what a failed set left is not of the next sequence.
func TestSavedAfterAFailure(t *testing.T) {
	p := open(t, Options{})
	sets := drive(t, 2)
	step(t, p, sets[0])
	p.memory.take(p.memory.frame(sets[1], false))
	_ = p.memory.fail(Head, errors.New("no memory"))
	m, err := p.LoadMemory(bytes.NewReader(saved(t, p)))
	if err != nil {
		t.Fatal(err)
	}
	p.memory = m
	if r := step(t, p, sets[1]); r.Reset != "a failure in head" || r.HistoryDepth != 0 {
		t.Errorf("reset %q, history of %d", r.Reset, r.HistoryDepth)
	}
}

func saved(t testing.TB, p *pipeline) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := p.memory.Save(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestLoadMemoryRefuses(t *testing.T) {
	b := bundle(t)
	p := openBundle(t, b, Options{History: "direct"})
	step(t, p, drive(t, 1)[0])
	whole := saved(t, p)
	plain, err := model.Open(testbundle.WritePlain(t))
	if err != nil {
		t.Fatal(err)
	}
	direct := Options{History: "direct"}
	newer := bytes.Replace(whole, []byte(`"version":5`), []byte(`"version":6`), 1)
	for name, test := range map[string]struct {
		bundle  *model.Bundle
		options Options
		data    []byte
		want    string
	}{
		"another bundle":   {plain, direct, whole, "it is of the bundle with digest"},
		"another mode":     {b, Options{History: "recursive"}, whole, "its history is direct and counted, want recursive and counted"},
		"another clock":    {b, Options{History: "direct", Time: "measured"}, whole, "direct and measured"},
		"another storage":  {b, Options{History: "direct", Storage: "int8"}, whole, "its planes are stored as float32, want int8"},
		"features":         {b, Options{History: "direct", KeepFeatures: true}, whole, "it keeps features: false, want true"},
		"another version":  {b, direct, newer, "it has version 6, want 5"},
		"nothing":          {b, direct, nil, "first line, want what Save wrote"},
		"a picture":        {b, direct, bytes.Repeat([]byte{0xff, 0xd8}, 100), "first line, want what Save wrote"},
		"half":             {b, direct, whole[:len(whole)/2], "EOF"},
		"without checksum": {b, direct, whole[:len(whole)-4], "it ends before its checksum"},
	} {
		_, err := openBundle(t, test.bundle, test.options).LoadMemory(bytes.NewReader(test.data))
		if err == nil || !strings.HasPrefix(err.Error(), "pipeline: saved memory: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, test.want)
		}
	}
	for at := 0; at < len(whole); at += max(1, len(whole)/41) {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0x10
		if _, err := p.LoadMemory(bytes.NewReader(damaged)); err == nil {
			t.Errorf("damage at byte %d of %d goes unnoticed", at, len(whole))
		}
	}
}

// failing is a writer that takes n bytes.
type failing struct{ n int }

func (f *failing) Write(b []byte) (int, error) {
	if f.n -= len(b); f.n < 0 {
		return 0, errors.New("full")
	}
	return len(b), nil
}

func TestSaveReportsTheWriter(t *testing.T) {
	p := open(t, Options{})
	step(t, p, drive(t, 1)[0])
	size := len(saved(t, p))
	for _, n := range []int{0, 100, size / 2, size - 1} {
		if err := p.memory.Save(&failing{n}); err == nil || !strings.Contains(err.Error(), "full") {
			t.Errorf("room for %d of %d bytes: %v", n, size, err)
		}
	}
}

// TestMemoryOfAnotherDetector is a mistake of the program.
func TestMemoryOfAnotherDetector(t *testing.T) {
	b := bundle(t)
	p, q := openBundle(t, b, Options{}), openBundle(t, b, Options{})
	defer func() {
		if recover() == nil {
			t.Error("it is taken")
		}
	}()
	_, _ = p.Detector.Step(q.memory, drive(t, 1)[0])
}

// FuzzLoadMemory: any bytes give a memory or an error.
func FuzzLoadMemory(f *testing.F) {
	p := open(f, Options{})
	f.Add(saved(f, p))
	sets := drive(f, 2)
	step(f, p, sets[0])
	whole := saved(f, p)
	f.Add(whole[:len(whole)/3])
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := p.LoadMemory(bytes.NewReader(data))
		if err != nil {
			return
		}
		if _, err := p.Detector.Step(m, sets[1]); err != nil {
			t.Error(err)
		}
	})
}
