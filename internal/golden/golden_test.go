package golden

import (
	"archive/zip"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbinet/npyio"

	"github.com/solofusion/solofusion/tensor"
)

func TestReadNpyAgreesWithAnotherWriter(t *testing.T) {
	var b bytes.Buffer
	if err := npyio.Write(&b, []float64{1.5, -2, math.Inf(1)}); err != nil {
		t.Fatal(err)
	}
	a, err := ReadNpy[float32](&b)
	if err != nil {
		t.Fatal(err)
	}
	a.MustShape("array", 3)
	Within(t, "array", a.Data, []float32{1.5, -2, float32(math.Inf(1))}, Bound{})
}

func TestReadNpyRefuses(t *testing.T) {
	header := func(h string) string { return "\x93NUMPY\x01\x00" + string([]byte{byte(len(h)), 0}) + h }
	for name, in := range map[string]string{
		"no magic":      "PK\x03\x04 and so on",
		"cut header":    "\x93NUMPY\x01\x00\xff\x00{}",
		"Fortran order": header("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }") + "abcd",
		"text elements": header("{'descr': '<U32', 'fortran_order': False, 'shape': (1,), }") + "abcd",
		"short data":    header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }") + "abcd",
	} {
		if _, err := ReadNpy[float32](strings.NewReader(in)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWithin(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name      string
		got, want []float64
		bound     Bound
		ok        bool
	}{
		{"equal", []float64{1, nan, inf}, []float64{1, nan, inf}, Bound{}, true},
		{"relative to the largest", []float64{0.01, 10}, []float64{0, 10}, Bound{Rel: 1e-3}, true},
		{"beyond relative", []float64{0.02, 10}, []float64{0, 10}, Bound{Rel: 1e-3}, false},
		{"absolute", []float64{0.5}, []float64{0}, Bound{Abs: 0.5}, true},
		{"beyond absolute", []float64{0.6}, []float64{0}, Bound{Abs: 0.5}, false},
		{"NaN against number", []float64{nan}, []float64{0}, Bound{Abs: 1e9, Rel: 1}, false},
		{"opposite infinities", []float64{inf, 1}, []float64{-inf, 1}, Bound{Abs: 1e9, Rel: 1}, false},
		{"lengths", []float64{1}, []float64{1, 2}, Bound{}, false},
	} {
		if _, err := within(c.got, c.want, c.bound); (err == nil) != c.ok {
			t.Errorf("%s: got error %v, want ok %t", c.name, err, c.ok)
		}
	}
}

// recorder is a testing.TB that notes failures instead of failing.
type recorder struct {
	testing.TB
	errors, skips, fatals int
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.errors++ }
func (r *recorder) Skipf(string, ...any)  { r.skips++ }
func (r *recorder) Fatalf(string, ...any) { r.fatals++ }

func TestGuardSeesStoresOutside(t *testing.T) {
	for _, at := range []int{-1, -guardWords - 3, 5, 5 + guardWords - 1} {
		g := Guard[uint8](5, 3, 0xa5)
		if cap(g.Slice) != 5 {
			t.Fatalf("capacity %d, want 5", cap(g.Slice))
		}
		r := &recorder{TB: t}
		if g.Check(r, "clean"); r.errors != 0 {
			t.Error("a clean slice fails")
		}
		g.whole[guardWords+3+at] = 0
		if g.Check(r, "hit"); r.errors != 1 {
			t.Errorf("store at %d goes unseen", at)
		}
	}
}

func TestSharedSkipsOrFails(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SOLOFUSION_DATA", dir)
	for _, c := range []struct {
		ci, require   string
		skips, fatals int
	}{{"", "", 1, 0}, {"true", "", 1, 1}, {"", "1", 1, 1}} {
		t.Setenv("CI", c.ci)
		t.Setenv("SOLOFUSION_REQUIRE_DATA", c.require)
		r := &recorder{TB: t}
		Shared(r, "absent")
		if r.fatals != c.fatals || r.skips != c.skips {
			t.Errorf("%+v: skipped %d, failed %d", c, r.skips, r.fatals)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "here"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Shared(t, "here"); got != filepath.Join(dir, "here") {
		t.Errorf("Shared = %s", got)
	}
	t.Setenv("SOLOFUSION_DATA", "")
	if got := root(); filepath.Base(got) != "shared" {
		t.Errorf("default folder is %s", got)
	}
}

func TestOpenReadsTheReference(t *testing.T) {
	z := Open(t, Shared(t, "reference/tiny/rig/frame_001.npz"))
	if !z.Has("geom") || z.Has("nothing") {
		t.Fatal("Has is wrong")
	}
	Array[float64](z, "geom").MustShape("geom", 1, 6, 56, 8, 22, 3)
	if start := Array[uint8](z, "start_of_sequence"); start.Data[0] != 0 {
		t.Errorf("start_of_sequence = %v, want false", start.Data)
	}
	img := Array[uint8](z, "img_u8")
	img.MustShape("img_u8", 6, 128, 352, 3)
}

func TestCheckpointReadsTheReference(t *testing.T) {
	w := Checkpoint(t, Shared(t, "reference/tiny/rig/checkpoint.pth"))
	w["history_keyframe_time_conv.0.weight"].MustShape("time conv", 16, 17, 1, 1)
	// The dx, bx constants of the view transformer are known from config.json.
	Within(t, "dx", w["img_view_transformer.dx"].Data, []float32{1.6, 1.6, 20}, Bound{})
	Within(t, "bx", w["img_view_transformer.bx"].Data, []float32{-50.4, -50.4, 0}, Bound{})
}

func TestCheckpointRefuses(t *testing.T) {
	build := func(files map[string]string) *zip.Reader {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for name, body := range files {
			f, err := w.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte(body)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	tensorOf := func(stride string) string { // {"w": a float tensor of shape (2,)}
		return "\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n" +
			"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x02tQK\x00K\x02\x85" + stride + "\x85\x89NtRs."
	}
	good := map[string]string{"c/data.pkl": tensorOf("K\x01"), "c/data/0": "\x00\x00\x80\x3f\x00\x00\x00\x40"}
	got, err := readCheckpoint(build(good))
	if err != nil {
		t.Fatal(err)
	}
	Within(t, "w", got["w"].Data, []float32{1, 2}, Bound{})

	for name, files := range map[string]map[string]string{
		"no pickle":      {"c/data/0": ""},
		"not a dict":     {"c/data.pkl": "K\x01."},
		"cut pickle":     {"c/data.pkl": "}X\xff\x00\x00\x00abc"},
		"no end":         {"c/data.pkl": "}"},
		"strange opcode": {"c/data.pkl": "\xfe."},
		"a call":         {"c/data.pkl": "cos\nsystem\n)R."},
		"strides":        {"c/data.pkl": tensorOf("K\x02"), "c/data/0": "12345678"},
		"short storage":  {"c/data.pkl": tensorOf("K\x01"), "c/data/0": "1234"},
		"no storage":     {"c/data.pkl": tensorOf("K\x01")},
	} {
		if _, err := readCheckpoint(build(files)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestChannelsLast(t *testing.T) {
	a := tensor.From([]uint8{0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32}, 2, 2, 3)
	b := ChannelsLast(a)
	b.MustShape("result", 2, 3, 2)
	Within(t, "result", b.Data, []uint8{0, 10, 1, 11, 2, 12, 20, 30, 21, 31, 22, 32}, Bound{})
}

func TestFold(t *testing.T) {
	one := func(x ...float32) *tensor.F32 { return tensor.From(x, len(x)) }
	w, b := Fold(t, map[string]*tensor.F32{
		"c.weight": one(1, 2, 3, 4), "c.bias": one(1, 0),
		"n.weight": one(2, 1), "n.bias": one(0.5, 0), "n.running_mean": one(3, 1), "n.running_var": one(3, 0),
	}, "c", "n", 1)
	// (x - 3) · 2/√4 + 0.5 and (x - 1) · 1/√1
	Within(t, "weight", w, []float32{1, 2, 3, 4}, Bound{})
	Within(t, "bias", b, []float32{-1.5, -1}, Bound{})
}
