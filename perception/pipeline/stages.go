package pipeline

import (
	"fmt"
	"sync"

	"github.com/solofusion/solofusion/history"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/decode"
	"github.com/solofusion/solofusion/perception/lift"
	"github.com/solofusion/solofusion/stereo"
	"github.com/solofusion/solofusion/tensor"
)

// What passes from stage to stage. The values are the front's or the back's, valid until
// its next set; their arrays have a row for each camera with a usable image, in the
// order of the encoder's rows.

// depths are the distributions of depth.
type depths struct {
	probability *tensor.F32     // N h w D
	matcher     *stereo.Matcher // that tested them; nil in a model without stereo
}

// plane is a bird's-eye plane, 1 Y X C.
type plane struct {
	name   string
	values *tensor.F32
}

// stack is the head's input, and the history that it was made from.
type stack struct {
	history.Stack
	channels int         // of a slot
	aligned  *tensor.F32 // T Y X C; nil unless it is kept
}

// maps are the head's outputs.
type maps struct {
	tasks    []decode.Maps // of a sparse head in the cells that boxes are made of
	heatmaps [][]float32   // of the tasks
	boxes    *boxes        // of a sparse head; else nil
	arrays   map[string]*tensor.F32
	names    []string // of all whole maps, in order
}

// nothing is what a stage makes that shows nothing.
type nothing struct{}

// match finds the depth, with the set that is an interval before. Without one, as for
// the first set of a sequence, the set is matched against itself.
func (w *back) match(f *frame, past *stereo.Past, v *views, x *features) *depths {
	began := f.begin(Stereo)
	d := &w.depths
	*d = depths{probability: x.depth, matcher: w.matcher}
	if w.matcher == nil {
		w.monocular.Step(x.mono, d.probability)
	} else {
		w.matcher.Step(past, w.seen(f, v, x), x.mono, d.probability)
	}
	f.end(Stereo, began, d)
	return d
}

// seen joins the cameras, in their places at their captures, with their descriptors.
func (w *back) seen(f *frame, v *views, x *features) stereo.Frame {
	w.stereoViews = w.stereoViews[:0]
	for i, c := range v.cameras {
		placed := c.at(f.local(f.set.Frames[c.index].GlobalFromEgo))
		w.stereoViews = append(w.stereoViews, stereo.View{Camera: placed, Features: row(x.stereo, i)})
	}
	before := stereo.Itself
	if len(f.plan.Earlier) > 0 {
		before = f.plan.Earlier[0]
	}
	return stereo.Frame{Views: w.stereoViews, Before: before, Keep: f.plan.Keep[:f.plan.Near]}
}

func (w *back) splat(f *frame, points *lift.Table, v *views, d *depths, x *features) *plane {
	began := f.begin(Lift)
	w.lifter.Place(points, v.own)
	w.lifter.Splat(points, d.probability, x.context, w.raw.values)
	f.end(Lift, began, &w.raw)
	return &w.raw
}

// embed makes the plane of raw, to which its graph is bound.
func (w *back) embed(f *frame, _ *plane) (*plane, error) {
	began := f.begin(BEVEmbed)
	if err := w.embedding.run(); err != nil {
		return nil, err
	}
	f.end(BEVEmbed, began, &w.plane)
	return &w.plane, nil
}

// remember aligns the earlier sets' planes with the set, and takes its own into the
// history.
func (w *back) remember(f *frame, m *Memory, v *views, p *plane) *stack {
	began := f.begin(History)
	reach := w.convolution.Step(m.ring, history.Frame{
		Feature:        p.values,
		GlobalFromGrid: f.fromModel,
		Time:           f.set.Time,
		Earlier:        f.plan.Earlier,
		Keep:           f.plan.Keep,
		Lost:           w.shadow.of(f, m.seen, v),
	}, w.stack.Stack)
	w.stack.aligned = w.convolution.Features()
	f.result.HistoryDepth, f.result.HistoryAge = reach.Frames, reach.Age
	f.end(History, began, &w.stack)
	return &w.stack
}

// head makes the maps of the stack, to which its graph is bound; a sparse one makes, but
// for the heat maps, the cells that boxes are made of.
func (w *back) head(f *frame, _ *stack) (*maps, error) {
	began, m := f.begin(Head), &w.maps
	if err := w.detection.run(); err != nil {
		return nil, err
	}
	if m.boxes != nil {
		if err := m.boxes.make(w.decoder.Choose(m.heatmaps), m.tasks); err != nil {
			return nil, err
		}
	}
	f.end(Head, began, m)
	return m, nil
}

func (w *back) decode(f *frame, m *maps) (detections []perception.Detection) {
	began := f.begin(Decode)
	if m.boxes != nil {
		detections = w.decoder.AppendChosen(nil, m.tasks)
	} else {
		detections = w.decoder.Append(nil, m.tasks)
	}
	f.end(Decode, began, nothing{})
	return detections
}

// newStack allocates the head's input.
func newStack(in *model.Input, y, x, slots, channels int) stack {
	s := stack{channels: channels}
	if in.Type == "uint8" {
		s.Stack = history.Stack{U8: tensor.New[uint8](1, y, x, slots*channels), Scales: in.AllScales(), Zero: uint8(*in.ZeroPoint)}
	} else {
		s.Stack = history.Stack{F32: tensor.New[float32](1, y, x, slots*channels)}
	}
	return s
}

// tensor returns the array that the head reads.
func (s *stack) tensor() any {
	if s.U8 != nil {
		return s.U8
	}
	return s.F32
}

// values returns the head's input as numbers.
func (s *stack) values() *tensor.F32 {
	if s.F32 != nil {
		return s.F32
	}
	t := tensor.New[float32](s.U8.Shape...)
	depth := s.U8.Shape[3]
	for i, b := range s.U8.Data {
		slot, channel := i%depth/s.channels, i%s.channels
		t.Data[i] = s.Scale(slot, channel, s.channels) * float32(int(b)-int(s.Zero))
	}
	return t
}

// fused is the output of the head that only observers read.
const fused = "fused"

// newMaps names the head's outputs by task and branch.
func newMaps(m *model.Manifest, outputs map[string]*tensor.F32, b *boxes) maps {
	all := maps{boxes: b, arrays: outputs, names: []string{fused}}
	for t := range m.Head.Tasks {
		data := func(branch string) []float32 {
			name := model.HeadOutput(t, branch)
			all.names = append(all.names, name)
			if outputs[name] == nil {
				return nil // of a sparse head
			}
			return outputs[name].Data
		}
		all.tasks = append(all.tasks, decode.Maps{
			Reg: data("reg"), Height: data("height"), Dim: data("dim"),
			Rot: data("rot"), Vel: data("vel"), Heatmap: data(model.Heatmap),
		})
		all.heatmaps = append(all.heatmaps, all.tasks[t].Heatmap)
	}
	return all
}

func (d *depths) outputs() []Output {
	if d.matcher == nil {
		return []Output{perCamera("depth", as(d.probability))}
	}
	return []Output{
		perCamera("stereo_samples", d.samples),
		perCamera("stereo_logits", d.logits),
		perCamera("depth", as(d.probability)),
	}
}

// samples returns the bins that were tested.
func (d *depths) samples() *tensor.F32 {
	bins := d.matcher.Samples()
	t := tensor.New[float32](bins.Shape...)
	for i, b := range bins.Data {
		t.Data[i] = float32(b)
	}
	return t
}

// logits returns what matching added to the monocular logits.
func (d *depths) logits() *tensor.F32 {
	t := tensor.New[float32](d.probability.Shape...)
	d.matcher.Logits(t)
	return t
}

func (p *plane) outputs() []Output { return []Output{perSet(p.name, p.values, true)} }

// Stack is the name of the head's input among the outputs of [History].
const Stack = "stack"

// outputs are the head's input and, if it is kept, the history as it came, at its
// place in this set's frame.
func (s *stack) outputs() []Output {
	all := []Output{{Name: Stack, ChannelsLast: true, Single: true, Values: s.values}}
	if s.aligned != nil {
		all = append(all, Output{Name: "history", ChannelsLast: true, Values: as(s.aligned)})
	}
	return all
}

// outputs are all whole maps. Those that a sparse head does not make are made if one of them
// is asked for.
func (m *maps) outputs() (all []Output) {
	whole := sync.OnceValue(m.whole)
	for _, name := range m.names {
		if t := m.arrays[name]; t != nil {
			all = append(all, perSet(name, t, false))
		} else {
			all = append(all, Output{Name: name, Single: true, Values: func() *tensor.F32 { return whole()[name] }})
		}
	}
	return all
}

// whole returns the maps that a sparse head does not make. Its graph has just run: it is a
// fault of this program if it does not again.
func (m *maps) whole() map[string]*tensor.F32 {
	all, err := m.boxes.everywhere()
	if err != nil {
		panic(fmt.Sprintf("pipeline: %v", err))
	}
	return all
}

func (nothing) outputs() []Output { return nil }
