package preprocess

import (
	"fmt"
	"math"

	"github.com/solofusion/solofusion/perception/preprocess/internal/codec"
)

// Report is what is to be said of an image that could be decoded.
type Report struct {
	Damage  string // "" if it is whole
	Suspect string // why it is unlike what a working camera sends; "" if it is not
	Blank   bool   // Suspect says that it shows nothing
}

// judge looks at an image's decoded rows. If what the network sees shows nothing, the whole
// image decides: a street at night may be dark below the horizon, and lit above.
func (c *Camera) judge(image *codec.Image) Report {
	words := blank(image)
	r := Report{Damage: image.Damage, Suspect: words, Blank: words != ""}
	switch {
	case r.Blank:
	case r.Damage != "" && c.config.Options.Damaged == Mark:
		r.Suspect = r.Damage
	case image.Grey:
		r.Suspect = "grey: it has no colour, which the model was trained with"
	}
	return r
}

// An image is black if all but a few pixels are darker than this, which a picture at
// night is not, since it has lights in it or the grain of the sensor at full gain. It
// has no contrast if its brightness, whatever that is, varies by less than a fog's.
const (
	darkest  = 16  // of 255
	bright   = 500 // one pixel in that many may be brighter
	flattest = 3.0 // standard deviation, of 255
	lookedAt = 8   // one row and one column in that many is looked at
)

// blank says that an image is black or has no contrast; "" if it is neither.
func blank(image *codec.Image) string {
	counts, total := levels(image)
	brighter, sum, squares := 0, 0.0, 0.0
	for level, n := range counts {
		if level >= darkest {
			brighter += n
		}
		sum += float64(n) * float64(level)
		squares += float64(n) * float64(level*level)
	}
	mean := sum / float64(total)
	deviation := math.Sqrt(max(0, squares/float64(total)-mean*mean))
	switch {
	case brighter <= total/bright && image.Deep && deviation > 0:
		return "black: its samples of 16 bits are nearly all below 4096, want them scaled to 16 bits"
	case brighter <= total/bright:
		return "black"
	case deviation < flattest:
		return fmt.Sprintf("covered: no contrast, brightness %.0f of 255 all over", mean)
	}
	return ""
}

// levels counts the brightness of some pixels, spread over the image's decoded rows.
func levels(image *codec.Image) (counts [256]int, total int) {
	width, rows := image.Size.Width, image.Rows
	for y := rows.From + lookedAt/2%(rows.To-rows.From); y < rows.To; y += lookedAt {
		row := image.BGR[3*width*y:][:3*width]
		for x := 0; x < width; x += lookedAt {
			p := (*[3]uint8)(row[3*x:])
			counts[(int(p[0])+2*int(p[1])+int(p[2]))/4]++
			total++
		}
	}
	return counts, total
}
