package model

// Quantisation is the record of how graphs got their eight bits. Only the method is always
// there.
type Quantisation struct {
	Method      string `yaml:"method,omitempty"` // none if they are float32
	Activations string `yaml:"activations,omitempty"`
	Weights     string `yaml:"weights,omitempty"`
	Float32     string `yaml:"float32,omitempty"` // what is not quantised, in words

	Frames int            `yaml:"calibration_frames,omitempty"` // that the ranges are from
	Strata map[string]int `yaml:"strata,omitempty"`             // of them, by condition and depth of the history
	Data   string         `yaml:"data,omitempty"`               // SHA-256 of the recording's sample tokens
	Kept   []KeptLayer    `yaml:"kept,omitempty"`               // layers that stay float32, since they cost most
	Loss   *MeasuredLoss  `yaml:"loss,omitempty"`

	// WeightsRoundedBy is of float32 graphs that were made of quantised ones.
	WeightsRoundedBy *Quantisation `yaml:"weights_rounded_by,omitempty"`
}

// KeptLayer is a layer of a graph by its output's name.
type KeptLayer struct {
	Graph Graph  `yaml:"graph"`
	Layer string `yaml:"layer"`
}

// MeasuredLoss is what the float32 graphs find and the quantised ones do not.
type MeasuredLoss struct {
	Share   float64 `yaml:"share"`    // of the boxes
	Boxes   int     `yaml:"boxes"`    // of the float32 graphs
	Score   float64 `yaml:"score"`    // that these have at least
	Metres  float64 `yaml:"metres"`   // within which a box of the class must be
	Sets    int     `yaml:"sets"`     // in which they were counted
	HeldOut bool    `yaml:"held_out"` // whether these are not of the drives that the ranges are from
}

func (q *Quantisation) method() string {
	if q == nil || q.Method == "" {
		return "none"
	}
	return q.Method
}
