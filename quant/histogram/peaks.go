package histogram

// Peaks are the largest values of a tensor's channels, its last axis. The zero value has
// none.
type Peaks struct {
	Frames int       `json:"frames"`
	Highs  []float64 `json:"highs"` // sum of the frames' largest values, by channel
}

// Add takes in a frame of a tensor that is not negative, of that many channels.
func (p *Peaks) Add(values []float32, channels int) {
	if p.Highs == nil {
		p.Highs = make([]float64, channels)
	}
	frame := make([]float32, channels)
	for i := 0; i+channels <= len(values); i += channels {
		for c, x := range values[i : i+channels] {
			frame[c] = max(frame[c], x)
		}
	}
	for c, x := range frame {
		p.Highs[c] += float64(x)
	}
	p.Frames++
}

// Mean returns the mean of the frames' largest values of a channel.
func (p *Peaks) Mean(channel int) float64 { return p.Highs[channel] / float64(max(p.Frames, 1)) }
