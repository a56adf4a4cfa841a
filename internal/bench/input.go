package bench

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/decode"
	"github.com/solofusion/solofusion/tensor"
)

// What the graphs give and take, at random: of the right shapes, and alike in what
// decides how long a stage takes.

func normal(rng *rand.Rand, n int, sigma float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * sigma)
	}
	return x
}

// wave is a plane wave over an image: smooth, and of no direction in particular.
type wave struct{ x, y, phase float64 }

// newWave returns a wave of that many pixels or more from crest to crest.
func newWave(rng *rand.Rand, length float64) wave {
	direction, k := 2*math.Pi*rng.Float64(), 2*math.Pi/(length*(1+9*rng.Float64()))
	return wave{k * math.Cos(direction), k * math.Sin(direction), 2 * math.Pi * rng.Float64()}
}

func (w *wave) at(x, y int) float64 { return math.Sin(w.x*float64(x) + w.y*float64(y) + w.phase) }

// photograph returns an image's pixels, B, G, R: waves with noise.
func photograph(rng *rand.Rand, size geom.Size) []uint8 {
	bgr := make([]uint8, 3*size.Pixels())
	coarse, fine := newWave(rng, 100), newWave(rng, 10)
	for y := range size.Height {
		for x := range size.Width {
			light := 120 + 60*coarse.at(x, y) + 20*fine.at(x, y)
			pixel := bgr[3*(y*size.Width+x):][:3]
			for ch := range pixel {
				pixel[ch] = uint8(light + 8*float64(ch) + 10*rng.Float64())
			}
		}
	}
	return bgr
}

// encoded returns the JPEG file of pixels.
func encoded(bgr []uint8, size geom.Size) ([]byte, error) {
	picture := image.NewRGBA(image.Rect(0, 0, size.Width, size.Height))
	for i := range size.Pixels() {
		picture.SetRGBA(i%size.Width, i/size.Width, color.RGBA{bgr[3*i+2], bgr[3*i+1], bgr[3*i], 255})
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, picture, &jpeg.Options{Quality: 90}); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return file.Bytes(), nil
}

// descriptors returns a camera's stereo features: smooth, of length 1 at each pixel.
func descriptors(rng *rand.Rand, m *model.Manifest) []float32 {
	size, channels := m.Fine(), m.Features.Stereo
	x := make([]float32, size.Pixels()*channels)
	waves := make([]wave, channels)
	for ch := range waves {
		waves[ch] = newWave(rng, 6)
	}
	for i := range size.Pixels() {
		pixel := x[i*channels:][:channels]
		sum := 0.0
		for ch := range pixel {
			v := waves[ch].at(i%size.Width, i/size.Width) + 0.1*rng.NormFloat64()
			pixel[ch] = float32(v)
			sum += v * v
		}
		for ch := range pixel {
			pixel[ch] /= float32(math.Sqrt(sum))
		}
	}
	return x
}

// monocular returns depth logits [N, h, w, D], each with two peaks.
func monocular(rng *rand.Rand, m *model.Manifest, cameras int) *tensor.F32 {
	size, bins := m.Coarse(), m.Depth.Count
	t := tensor.New[float32](cameras, size.Height, size.Width, bins)
	for i := range cameras * size.Pixels() {
		first, second := rng.Float64()*float64(bins), rng.Float64()*float64(bins)
		for b := range bins {
			logit := 7*bell(float64(b)-first, 2) + 5*bell(float64(b)-second, 4)
			t.Data[i*bins+b] = float32(logit + 0.5*rng.NormFloat64())
		}
	}
	return t
}

func bell(x, sigma float64) float64 { return math.Exp(-x * x / (2 * sigma * sigma)) }

// distributions returns the softmax of logits [N, h, w, D].
func distributions(logits *tensor.F32) *tensor.F32 {
	t := tensor.New[float32](logits.Shape...)
	bins := logits.Shape[len(logits.Shape)-1]
	for i := 0; i < len(t.Data); i += bins {
		sum := 0.0
		for b := range bins {
			sum += math.Exp(float64(logits.Data[i+b]))
		}
		for b := range bins {
			t.Data[i+b] = float32(math.Exp(float64(logits.Data[i+b])) / sum)
		}
	}
	return t
}

// headMaps returns the head's maps: twenty peaks for each class.
func headMaps(rng *rand.Rand, m *model.Manifest) (all []decode.Maps) {
	columns, rows := m.Grid.X.Cells(), m.Grid.Y.Cells()
	cells := columns * rows
	for i := range m.Head.Tasks {
		classes := len(m.Head.Tasks[i].Classes)
		heat := normal(rng, classes*cells, 1)
		for j := range heat {
			heat[j] -= 6
		}
		for j := range 20 * classes {
			peak(heat[j%classes*cells:][:cells], columns, rng.IntN(columns), rng.IntN(rows))
		}
		all = append(all, decode.Maps{
			Reg: normal(rng, 2*cells, 0.3), Height: normal(rng, cells, 1), Dim: normal(rng, 3*cells, 0.5),
			Rot: normal(rng, 2*cells, 1), Vel: normal(rng, 2*cells, 2), Heatmap: heat,
		})
	}
	return all
}

// peak lifts the logits around a cell.
func peak(heat []float32, columns, x, y int) {
	for dy := -2; dy <= 2; dy++ {
		for dx := -2; dx <= 2; dx++ {
			if at := (y+dy)*columns + x + dx; at >= 0 && at < len(heat) {
				heat[at] += float32(7 * bell(math.Hypot(float64(dx), float64(dy)), 1.2))
			}
		}
	}
}
