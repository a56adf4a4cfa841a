package history

// bank is the planes of one kind: the current frame's, the past ones and one to
// write to.
type bank struct {
	current, spare []float32
	past           [][]float32 // newest first
}

func newBank(frames, size int) bank {
	b := bank{current: make([]float32, size), spare: make([]float32, size), past: make([][]float32, frames)}
	for i := range b.past {
		b.past[i] = make([]float32, size)
	}
	return b
}

// plane returns the plane of a slot, or the current one.
func (b *bank) plane(index int) []float32 {
	if index == current {
		return b.current
	}
	return b.past[index]
}

// fill copies the current plane to every past one.
func (b *bank) fill() {
	for _, p := range b.past {
		copy(p, b.current)
	}
}

// replace makes the spare the slot's plane, and the slot's the spare.
func (b *bank) replace(index int) {
	b.past[index], b.spare = b.spare, b.past[index]
}

// push makes the current plane the newest; the oldest's memory becomes the
// current's.
func (b *bank) push() {
	oldest := b.past[len(b.past)-1]
	copy(b.past[1:], b.past)
	b.past[0], b.current = b.current, oldest
}
