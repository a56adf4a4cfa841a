package pipeline

import (
	"fmt"
	"hash/crc32"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// still is what is kept of a camera's last image, to tell whether the camera repeats it.
// A sensor's noise makes each image's bytes its own, also those of a vehicle that stands.
type still struct {
	Sum      uint32    `json:"sum"`      // CRC-32C of the bytes; two images have the same by chance once in 4e9
	Bytes    int       `json:"bytes"`    // 0 before the first image
	Captured time.Time `json:"captured"` // when it came first
	Place    geom.Vec3 `json:"place"`    // of the vehicle then
}

// moving is the distance, in metres, from which on a repeated image shows another place.
// It is above what a vehicle travels in the period of a camera that repeats one image
// now and then to keep its rate.
const moving = 2

// take takes in an image. words say that it repeats earlier ones, "" if it does not:
// "frozen" and frozen is set if the vehicle has moved since the first of them, "repeated"
// if it stands.
func (s *still) take(f *perception.Frame) (words string, frozen bool) {
	sum := crc32.Checksum(f.Image, castagnoli)
	age := f.Captured.Sub(s.Captured)
	if sum != s.Sum || len(f.Image) != s.Bytes || age <= 0 {
		*s = still{sum, len(f.Image), f.Captured, f.GlobalFromEgo.T}
		return "", false
	}
	way := f.GlobalFromEgo.T.Sub(s.Place).Norm()
	words = fmt.Sprintf("same image for %.1f s", age.Seconds())
	if way < moving {
		return "repeated: " + words, false
	}
	return fmt.Sprintf("frozen: %s, in which the vehicle moved by %.0f m", words, way), true
}
