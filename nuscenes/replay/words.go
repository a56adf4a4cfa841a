package replay

import (
	"fmt"
	"log/slog"

	"github.com/solofusion/solofusion/nuscenes"
)

// words are what is odd in a scene, said once at its end.
type words struct {
	absentImages, unread int
	backward             int
	firstAbsent          string // its path
	firstUnread          error
	firstBackward        string // its token
}

// absent notes an image whose file does not exist.
func (w *words) absent(path string) {
	if w.absentImages == 0 {
		w.firstAbsent = path
	}
	w.absentImages++
}

// unreadable notes an image whose file exists and cannot be read.
func (w *words) unreadable(err error) {
	if w.unread == 0 {
		w.firstUnread = err
	}
	w.unread++
}

// back notes a sample that is not later than the one before.
func (w *words) back(sample *nuscenes.Sample) {
	if w.backward == 0 {
		w.firstBackward = sample.Token
	}
	w.backward++
}

// log logs what was noted.
func (w *words) log(log *slog.Logger, scene *nuscenes.Scene) {
	if w.absentImages > 0 {
		log.Warn("images absent, their frames are skipped",
			"scene", scene.Name, "count", w.absentImages, "first", w.firstAbsent)
	}
	if w.unread > 0 {
		log.Warn("images cannot be read, their frames are skipped",
			"scene", scene.Name, "count", w.unread, "first", w.firstUnread)
	}
	if w.backward > 0 {
		log.Warn("samples are not later than the ones before them, history starts anew there",
			"scene", scene.Name, "count", w.backward, "first", w.firstBackward)
	}
	if mean, close := scene.TooClose(); close {
		log.Warn("key frames are too close for cameras: want times in microseconds since 1970, these look like milliseconds, seconds or a simulator's steps",
			"scene", scene.Name, "mean_us", int64(mean))
	}
}

// The years that a time in microseconds may lie in. The first instant of year 1 is
// Go's word for no time. Nanoseconds of this century, taken for microseconds, lie far
// beyond the last.
const firstYear, lastYear = 2, 9999

// checkTime returns an error if a sample's time cannot be one in microseconds.
func checkTime(sample *nuscenes.Sample) error {
	at := sample.KeyTime()
	year, hint := at.Time().Year(), ""
	if year >= firstYear && year <= lastYear {
		return nil
	}
	if year > lastYear {
		hint = "; these look like nanoseconds: divide the timestamps of sample, sample_data and ego_pose by 1000"
	}
	return fmt.Errorf("replay: sample %s of scene %s has time %d, which is in the year %d: want microseconds since 1970%s",
		sample.Token, sample.Scene.Name, at, year, hint)
}
