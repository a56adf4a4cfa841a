package eval

import (
	"math/rand/v2"
	"slices"
)

// weights say how many times each scene counts, as in a bootstrap's resample. Nil
// weights count each once.
type weights struct {
	scenes []int32
	upTo   []int32 // weight of the class's boxes up to each rank
}

// draw makes the weights those of a bootstrap's resample: as many scenes as
// there are, drawn with replacement.
func (w *weights) draw(dice *rand.Rand) {
	clear(w.scenes)
	for range w.scenes {
		w.scenes[dice.IntN(len(w.scenes))]++
	}
}

// of returns a scene's weight.
func (w *weights) of(scene int) int {
	if w == nil {
		return 1
	}
	return int(w.scenes[scene])
}

// sum returns the weighted sum of a count of each scene.
func (w *weights) sum(counts []int) (sum int) {
	for scene, n := range counts {
		sum += n * w.of(scene)
	}
	return sum
}

// turnTo makes before and scoreBefore answer for a class.
func (w *weights) turnTo(r *ranking) {
	if w == nil {
		return
	}
	w.upTo = slices.Grow(w.upTo[:0], len(r.scenes))[:len(r.scenes)]
	sum := int32(0)
	for i, scene := range r.scenes {
		sum += w.scenes[scene]
		w.upTo[i] = sum
	}
}

// before returns the weight of the boxes before a rank.
func (w *weights) before(rank int) int {
	switch {
	case w == nil:
		return rank
	case rank == 0:
		return 0
	}
	return int(w.upTo[rank-1])
}

// scoreBefore returns the score of the last box before a rank that counts, 0
// where there is none.
func (w *weights) scoreBefore(r *ranking, rank int) float64 {
	for rank--; rank >= 0; rank-- {
		if w == nil || w.scenes[r.scenes[rank]] > 0 {
			return r.scores[rank]
		}
	}
	return 0
}
