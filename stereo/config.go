package stereo

import (
	"fmt"
	"math"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/stereo/internal/kernel"
)

// Config has the numbers of the model.
type Config struct {
	Image    geom.Size // the network's input
	Coarse   geom.Size // of the depth maps
	Stereo   geom.Size // of the descriptors; a multiple of Coarse that divides Image
	Channels int       // of a descriptor
	Groups   int       // of channels that are correlated together
	Depth    geom.Bins
	Samples  int     // bins tested at each coarse pixel
	Sigma    float64 // bins, of the Gaussian that keeps samples apart
}

// Weights are the similarity network's, batch norms folded; matrices are row
// major with one row for each output.
type Weights struct {
	Weight0, Bias0 []float32 // 16 x Groups
	Weight1, Bias1 []float32 // 8 x 16
	Weight2, Bias2 []float32 // 1 x 8
}

func (c *Config) validate() error {
	switch {
	case min(c.Coarse.Width, c.Coarse.Height, c.Stereo.Width, c.Stereo.Height, c.Channels) < 1:
		return fmt.Errorf("stereo: coarse map %v or stereo map %v of %d channels is empty", c.Coarse, c.Stereo, c.Channels)
	case c.Stereo != c.Coarse.Times(c.block()):
		return fmt.Errorf("stereo: stereo map %v is no multiple of the coarse map %v", c.Stereo, c.Coarse)
	case c.Image != c.Stereo.Times(c.stride()):
		return fmt.Errorf("stereo: image %v is no multiple of the stereo map %v", c.Image, c.Stereo)
	case c.Groups < 1 || c.Channels%c.Groups != 0:
		return fmt.Errorf("stereo: %d groups do not divide %d channels", c.Groups, c.Channels)
	case !c.Depth.Sound():
		return fmt.Errorf("stereo: %d bins from %v m in steps of %v m: want positive numbers", c.Depth.Count, c.Depth.Start, c.Depth.Step)
	case c.Samples < 1 || c.Samples > c.Depth.Count:
		return fmt.Errorf("stereo: %d samples of %d bins, want at least 1 and at most all", c.Samples, c.Depth.Count)
	case !(c.Sigma > 0):
		return fmt.Errorf("stereo: sigma is %v bins, want a positive number", c.Sigma)
	}
	return nil
}

// block is the side of a coarse pixel in stereo pixels.
func (c *Config) block() int { return c.Stereo.Width / c.Coarse.Width }

// stride is the side of a stereo pixel in image pixels.
func (c *Config) stride() int { return c.Image.Width / c.Stereo.Width }

// network checks the weights' sizes.
func (w *Weights) network(groups int) (*kernel.Network, error) {
	for _, p := range []struct {
		name string
		data []float32
		want int
	}{
		{"0.weight", w.Weight0, kernel.Hidden0 * groups}, {"0.bias", w.Bias0, kernel.Hidden0},
		{"1.weight", w.Weight1, kernel.Hidden1 * kernel.Hidden0}, {"1.bias", w.Bias1, kernel.Hidden1},
		{"2.weight", w.Weight2, kernel.Hidden1}, {"2.bias", w.Bias2, 1},
	} {
		if len(p.data) != p.want {
			return nil, fmt.Errorf("stereo: similarity.%s has %d numbers, want %d", p.name, len(p.data), p.want)
		}
	}
	return kernel.NewNetwork(groups, w.Weight0, w.Bias0, w.Weight1, w.Bias1, w.Weight2, w.Bias2[0]), nil
}

// penalties returns P of model spec, section 3 by the distance of bins: the
// entry at bins-1+j-i is what picking bin i adds to bin j. A picked bin itself
// falls by 1000; the others by the complement of a Gaussian that is cut off at
// four sigma, 1e-5 added against the logarithm of zero.
func penalties(bins int, sigma float64) []float32 {
	radius := int(4*sigma + 0.5)
	p := make([]float32, 2*bins-1)
	for i := range p {
		d := i - (bins - 1)
		g := 0.0
		if max(d, -d) <= radius {
			g = math.Exp(-0.5 * float64(d*d) / (sigma * sigma))
		}
		p[i] = float32(math.Log(1 - g + 1e-5))
	}
	p[bins-1] = -1000
	return p
}
