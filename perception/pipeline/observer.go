package pipeline

import (
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/tensor"
)

// Observer follows the stages of a Step, on its goroutine.
type Observer interface {
	Begin(stage string)
	// End is called when the stage is done. The outputs and what they hold are valid
	// until it returns.
	End(stage string, outputs func() []Output)
}

// Feed is shown what a graph is given, before it runs, for the cameras in use. The
// tensors are valid until it returns. Images whose encodings are known are not encoded
// again, and not shown.
type Feed func(graph model.Graph, inputs onnx.Tensors)

// Output is an array that a stage made, for the cameras in use only.
type Output struct {
	Name         string // unique among the stages' outputs
	ChannelsLast bool   // the channel axis, second in a trace, is the last
	Single       bool   // the first axis, of length one, is not in a trace
	Values       func() *tensor.F32
}

// shown is what a stage made.
type shown interface{ outputs() []Output }

func perCamera(name string, values func() *tensor.F32) Output {
	return Output{Name: name, ChannelsLast: true, Values: values}
}

func perSet(name string, t *tensor.F32, channelsLast bool) Output {
	return Output{Name: name, ChannelsLast: channelsLast, Single: true, Values: func() *tensor.F32 { return t }}
}

// as returns a function that returns t.
func as(t *tensor.F32) func() *tensor.F32 { return func() *tensor.F32 { return t } }
