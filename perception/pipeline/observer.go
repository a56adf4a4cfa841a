package pipeline

import "github.com/solofusion/solofusion/tensor"

// Observer follows the stages of a Step, on its goroutine.
type Observer interface {
	Begin(stage string)
	// End says that the stage is done. The outputs and what they hold are valid
	// until it returns.
	End(stage string, outputs func() []Output)
}

// Output is an array that a stage made.
type Output struct {
	Name         string // as design.md section 5 names it
	ChannelsLast bool   // the channel axis, second by contract, is the last
	Single       bool   // the first axis, of length one, is no part of the contract
	Values       func() *tensor.F32
}

func perCamera(name string, values func() *tensor.F32) Output {
	return Output{Name: name, ChannelsLast: true, Values: values}
}

func perSet(name string, t *tensor.F32, channelsLast bool) Output {
	return Output{Name: name, ChannelsLast: channelsLast, Single: true, Values: func() *tensor.F32 { return t }}
}
