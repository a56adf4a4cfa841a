package reliability

import (
	"bytes"
	"image/jpeg"
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/solofusion/solofusion/perception"
)

// mask returns which of six cameras a case takes from a drive's frame.
func mask(c Case, drive, frame int) (lost uint) {
	for camera := range 6 {
		if c.lost(drive, frame, camera) {
			lost |= 1 << camera
		}
	}
	return lost
}

// TestCrashesCoverAllSubsets: in all frames of a drive the same cameras are lost, and over
// drives and rounds each subset comes as often as any other, up to once.
func TestCrashesCoverAllSubsets(t *testing.T) {
	const drives, rounds = 16, 3
	for k, want := range map[int]int{1: 6, 2: 15, 3: 20, 4: 15, 5: 6} {
		times := map[uint]int{}
		for round := range rounds {
			c := Crash(Black, k, 6, round, drives)
			for d := range drives {
				lost := mask(c, d, 0)
				if bits.OnesCount(lost) != k || mask(c, d, 7) != lost || mask(Crash(Absent, k, 6, round, drives), d, 3) != lost {
					t.Fatalf("%s: drive %d loses %b", c.Name, d, lost)
				}
				times[lost]++
			}
		}
		counts := []int{}
		for _, n := range times {
			counts = append(counts, n)
		}
		if len(times) != want || slices.Max(counts)-slices.Min(counts) > 1 {
			t.Errorf("%d lost: %d subsets, want %d, each as often: %v", k, len(times), want, times)
		}
	}
}

func TestFramesAreLostAtRandom(t *testing.T) {
	for sixths := range 6 {
		c, lost := Frames(Black, sixths, 0), 0
		for drive := range 20 {
			for frame := range 50 {
				m := mask(c, drive, frame)
				if m != mask(Frames(Absent, sixths, 0), drive, frame) {
					t.Fatalf("drive %d, frame %d: black and absent lose other images", drive, frame)
				}
				lost += bits.OnesCount(m)
			}
		}
		const n = 20 * 50 * 6
		p := float64(sixths) / 6
		if share := float64(lost) / n; math.Abs(share-p) > 4*math.Sqrt(p*(1-p)/n) || c.Seen != 1-p {
			t.Errorf("%s: %.3f are lost, seen is %.3f", c.Name, share, c.Seen)
		}
	}
}

func TestBurstsTakeOneCamera(t *testing.T) {
	c := Burst(Absent, 4)
	for drive := range 7 {
		for frame := range 12 {
			want := uint(0)
			if frame >= 4 && frame < 8 {
				want = 1 << (drive % 6)
			}
			if got := mask(c, drive, frame); got != want {
				t.Errorf("drive %d, frame %d: %b is lost, want %b", drive, frame, got, want)
			}
		}
	}
}

// TestLostImages: an absent image is no frame, a black one a frame without light, and the
// drive stays as it was.
func TestLostImages(t *testing.T) {
	rig := &perception.Rig{Cameras: []perception.Camera{{Name: "a", Width: 40, Height: 30}, {Name: "b", Width: 20, Height: 10}}}
	frames := []*perception.Frame{{Camera: "a", Image: []byte("a")}, {Camera: "b", Image: []byte("b")}}
	d := &Drive{Sets: []*perception.FrameSet{{Rig: rig, Frames: frames}}}
	second := func(way Way) Case {
		return Case{Way: way, lost: func(_, _, camera int) bool { return camera == 1 }}
	}
	absent, err := d.under(second(Absent), 0)
	if err != nil || absent.Frames[0] != frames[0] || absent.Frames[1] != nil {
		t.Errorf("%v, error %v", absent.Frames, err)
	}
	dark, err := d.under(second(Black), 0)
	if err != nil || dark.Frames[0] != frames[0] || dark.Frames[1].Camera != "b" {
		t.Fatalf("%v, error %v", dark.Frames, err)
	}
	picture, err := jpeg.Decode(bytes.NewReader(dark.Frames[1].Image))
	if err != nil {
		t.Fatal(err)
	}
	if b := picture.Bounds(); b.Dx() != 20 || b.Dy() != 10 {
		t.Errorf("%v, want 20 x 10", b)
	}
	for x := range 20 {
		for y := range 10 {
			if r, g, b, _ := picture.At(x, y).RGBA(); r+g+b != 0 {
				t.Fatalf("light at %d, %d", x, y)
			}
		}
	}
	if string(frames[1].Image) != "b" {
		t.Error("the drive's own frame changed")
	}
}
