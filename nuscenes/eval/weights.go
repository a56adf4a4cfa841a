package eval

import "math/rand/v2"

// weights say how many times each scene counts, as in a bootstrap's resample. Nil
// weights count each once.
type weights struct {
	scenes []int32
	prefix []int32 // weight of the boxes of the class before each rank
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
	w.prefix = append(w.prefix[:0], 0)
	sum := int32(0)
	for _, scene := range r.scenes {
		sum += w.scenes[scene]
		w.prefix = append(w.prefix, sum)
	}
}

// before returns the weight of the boxes before a rank.
func (w *weights) before(rank int) int {
	if w == nil {
		return rank
	}
	return int(w.prefix[rank])
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
