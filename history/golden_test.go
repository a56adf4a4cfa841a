package history

import (
	"testing"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/internal/parallel"
	"github.com/solofusion/solofusion/tensor"
)

// The reference's small configuration: ../shared/reference/tiny/config.json.
var tiny = Config{
	Grid:     geom.Grid{X: geom.Axis{-51.2, 51.2, 1.6}, Y: geom.Axis{-51.2, 51.2, 1.6}},
	Channels: 16, Frames: 4,
	Period: 0.5, KeepFeatures: true,
}

// tinyWeights returns the reference's time convolution.
func tinyWeights(t testing.TB, checkpoint string) Weights {
	t.Helper()
	ck := golden.Checkpoint(t, checkpoint)
	folded, bias := golden.Fold(t, ck, "history_keyframe_time_conv.0", "history_keyframe_time_conv.1", 1e-5)
	return splitAge(folded, bias)
}

// splitAge takes the last column off a matrix with a row for each of bias.
func splitAge(matrix, bias []float32) Weights {
	w := Weights{Bias: bias}
	n := len(bias)
	for o := range n {
		row := matrix[o*(n+1):][:n+1]
		w.Weight = append(w.Weight, row[:n]...)
		w.Age = append(w.Age, row[n])
	}
	return w
}

func lidarPose(z *golden.Archive) geom.Pose {
	q := func(name string) geom.Quat {
		d := golden.Array[float64](z, name).Data
		return geom.Quat{W: d[0], X: d[1], Y: d[2], Z: d[3]}
	}
	v := func(name string) geom.Vec3 { return geom.Vec3(golden.Array[float64](z, name).Data) }
	return geom.NewPose(q("ego2global_rotation"), v("ego2global_translation")).
		Mul(geom.NewPose(q("lidar2ego_rotation"), v("lidar2ego_translation")))
}

// TestReference runs the reference's sequences, with the start of a new one
// among them, and compares the aligned history and the head's input.
func TestReference(t *testing.T) {
	for folder, frames := range map[string][]string{
		"reference/tiny/rig":  {"frame_000.npz", "frame_001.npz", "frame_002.npz", "frame_003.npz"},
		"reference/tiny/mini": {"scene-0103/000.npz", "scene-0103/001.npz"},
	} {
		t.Run(folder, func(t *testing.T) {
			root := golden.Shared(t, folder)
			w := tinyWeights(t, root+"/checkpoint.pth")
			pool := parallel.New(2)
			defer pool.Close()
			r := mustNew(t, tiny, w, pool)
			for i, name := range frames {
				z := golden.Open(t, root+"/"+name)
				compareFrame(t, name, r, w, z, time.Unix(int64(i), 0))
			}
		})
	}
}

func compareFrame(t *testing.T, name string, r *memory, w Weights, z *golden.Archive, now time.Time) {
	t.Helper()
	c := &r.cfg
	feature := golden.ChannelsLast(golden.Array[float32](z, "bev_embedded"))
	got := tensor.New[float32](1, c.height(), c.width(), (c.Frames+1)*c.Channels)
	reach := r.Step(shot{
		Frame{Feature: feature, GlobalFromGrid: lidarPose(z), Time: now},
		golden.Array[uint8](z, "start_of_sequence").Data[0] != 0,
	}, Stack{F32: got})

	stack := golden.ChannelsLast(golden.Array[float32](z, "history_stack")) // T+1 Y X C+1
	bound := golden.Bound{Rel: 1e-5}
	a := golden.Within(t, name+": history", r.Features().Data, pastFeatures(stack), bound)
	b := golden.Within(t, name+": stack", got.Data, interleave(timeConv(stack, w)).Data, bound)
	t.Logf("%s: history %.2g, stack %.2g of the largest", name, a.Rel, b.Rel)
	if z.Has("history_time_conv") {
		want := interleave(golden.ChannelsLast(golden.Array[float32](z, "history_time_conv")))
		d := golden.Within(t, name+": the reference's time convolution", got.Data, want.Data, bound)
		t.Logf("%s: the reference's time convolution %.2g of the largest", name, d.Rel)
	}
	ages := golden.Array[float64](z, "history_sweep_time_after").Data
	for i, want := range ages {
		if got := float64(min(i, reach.Frames)); got != want {
			t.Errorf("%s: slot %d has age %v after the step, want %v", name, i, got, want)
		}
	}
}

// pastFeatures drops the current frame and the ages from a stack [T+1, Y, X, C+1].
func pastFeatures(stack *tensor.F32) []float32 {
	n := stack.Shape[3]
	frame := stack.Shape[1] * stack.Shape[2] * n
	var out []float32
	for i := frame; i < len(stack.Data); i += n {
		out = append(out, stack.Data[i:][:n-1]...)
	}
	return out
}

// timeConv applies the time convolution to a stack [T+1, Y, X, C+1] in the
// order of the model: after resampling.
func timeConv(stack *tensor.F32, w Weights) *tensor.F32 {
	n := len(w.Bias)
	s := stack.Shape
	out := tensor.New[float32](s[0], s[1], s[2], n)
	for i := range len(out.Data) / n {
		x := stack.Data[i*(n+1):][:n+1]
		for o := range n {
			v := float64(w.Bias[o]) + float64(w.Age[o])*float64(x[n])
			for k := range n {
				v += float64(w.Weight[o*n+k]) * float64(x[k])
			}
			out.Data[i*n+o] = float32(max(v, 0))
		}
	}
	return out
}

// interleave turns [T+1, Y, X, C] into [1, Y, X, (T+1)·C].
func interleave(a *tensor.F32) *tensor.F32 {
	frames, cells, n := a.Shape[0], a.Shape[1]*a.Shape[2], a.Shape[3]
	out := tensor.New[float32](1, a.Shape[1], a.Shape[2], frames*n)
	for f := range frames {
		for i := range cells {
			copy(out.Data[(i*frames+f)*n:][:n], a.Data[(f*cells+i)*n:])
		}
	}
	return out
}

func TestReferenceGrid(t *testing.T) {
	root := golden.Shared(t, "reference/tiny/rig")
	z := golden.Open(t, root+"/frame_001.npz")
	cells := tiny.cells(lidarPose(golden.Open(t, root+"/frame_000.npz")).Inv().Mul(lidarPose(z)))
	want := golden.Array[float64](z, "history_grid").Data
	got := make([]float64, len(want))
	for y := range 64 {
		line := cells.line(y)
		for x := range 64 {
			got[2*(64*y+x)] = (line.X+float64(x)*line.DX)/63*2 - 1
			got[2*(64*y+x)+1] = (line.Y+float64(x)*line.DY)/63*2 - 1
		}
	}
	golden.Within(t, "grid", got, want, golden.Bound{Abs: 2e-6})
}
