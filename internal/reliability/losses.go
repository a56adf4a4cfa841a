package reliability

import (
	"fmt"
	"math/rand/v2"
)

// Seed of all that is drawn: the order of subsets and the lost frames.
const Seed = 12

// Way is what comes instead of a lost image.
type Way string

// The ways. The public benchmark shows the network black images; at a vehicle whose
// camera fails, none comes.
const (
	Black  Way = "black"
	Absent Way = "absent"
)

// Ways are all ways, in the order of tables.
var Ways = [...]Way{Black, Absent}

// Case is a loss of images, the same for the black ones and the absent ones.
type Case struct {
	Name string  // of its files
	Way  Way     // "" if nothing is lost
	Seen float64 // expected share of the images that are not lost

	lost func(drive, frame, camera int) bool
}

// Clean is the case without a loss.
func Clean() Case {
	return Case{Name: "clean", Seen: 1, lost: func(int, int, int) bool { return false }}
}

// Crash returns the case in which k of n cameras are lost in all frames of a drive.
// Drives have different subsets of the cameras: in the course of rounds each subset comes
// as often as any other, up to once.
func Crash(way Way, k, n, round, drives int) Case {
	order := subsets(k, n)
	dice := rand.New(rand.NewPCG(Seed, uint64(k)))
	dice.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return Case{
		Name: fmt.Sprintf("%s-crash%d-round%d", way, k, round), Way: way, Seen: 1 - float64(k)/float64(n),
		lost: func(drive, _, camera int) bool {
			return order[(round*drives+drive)%len(order)]>>camera&1 == 1
		},
	}
}

// subsets returns the subsets of n cameras with k of them, as sets of bits.
func subsets(k, n int) (all []uint) {
	for s := range uint(1) << n {
		size := 0
		for i := range n {
			size += int(s >> i & 1)
		}
		if size == k {
			all = append(all, s)
		}
	}
	return all
}

// Frames returns the case in which each image is lost with probability sixths/6,
// whatever becomes of others.
func Frames(way Way, sixths, round int) Case {
	p := float64(sixths) / 6
	return Case{
		Name: fmt.Sprintf("%s-lost%dof6-round%d", way, sixths, round), Way: way, Seen: 1 - p,
		lost: func(drive, frame, camera int) bool {
			dice := rand.New(rand.NewPCG(Seed+uint64(round), uint64(drive)<<32|uint64(frame)<<8|uint64(camera)))
			return dice.Float64() < p
		},
	}
}
