package eval

import "math/rand/v2"

// weights are how many times each scene counts, as in a bootstrap's resample. Nil
// weights count each once.
type weights struct {
	scenes []int32
	blocks []int // weight of the class's boxes before each block of ranks
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
func (w *weights) of(scene int32) int {
	if w == nil {
		return 1
	}
	return int(w.scenes[scene])
}

// sum returns the weighted sum of a count of each scene.
func (w *weights) sum(counts []int) (sum int) {
	for scene, n := range counts {
		sum += n * w.of(int32(scene))
	}
	return sum
}

// weightBlock is how many ranks are summed at a time. Few ranks are asked for.
const weightBlock = 64

// turnTo makes before answer for a class.
func (w *weights) turnTo(r *ranking) {
	if w == nil {
		return
	}
	w.blocks = append(w.blocks[:0], 0)
	sum := 0
	for rest := r.scenes; len(rest) >= weightBlock; rest = rest[weightBlock:] {
		sum += w.weigh(rest[:weightBlock])
		w.blocks = append(w.blocks, sum)
	}
}

// weigh returns the weight of boxes of these scenes.
func (w *weights) weigh(scenes []int32) int {
	if w == nil {
		return len(scenes)
	}
	var a, b, c, d int32
	for ; len(scenes) >= 4; scenes = scenes[4:] {
		a += w.scenes[scenes[0]]
		b += w.scenes[scenes[1]]
		c += w.scenes[scenes[2]]
		d += w.scenes[scenes[3]]
	}
	for _, scene := range scenes {
		a += w.scenes[scene]
	}
	return int(a + b + c + d)
}

// before returns the weight of the boxes before a rank.
func (w *weights) before(r *ranking, rank int) int {
	if w == nil {
		return rank
	}
	block := rank / weightBlock
	return w.blocks[block] + w.weigh(r.scenes[block*weightBlock:rank])
}

// scoreBefore returns the score of the last box before a rank that counts, 0
// if there is none.
func (w *weights) scoreBefore(r *ranking, rank int) float64 {
	for rank--; rank >= 0; rank-- {
		if w == nil || w.scenes[r.scenes[rank]] > 0 {
			return r.scores[rank]
		}
	}
	return 0
}
