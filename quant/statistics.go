package quant

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"

	"github.com/solofusion/solofusion/internal/whole"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/quant/histogram"
)

// Statistics are what calibration has measured.
type Statistics struct {
	Graphs   string                                          `json:"graphs"`   // SHA-256 of those that were run
	Data     string                                          `json:"data"`     // SHA-256 of the drives' sample tokens, and of the number of frames asked for
	Frames   map[string]int                                  `json:"frames"`   // taken, by stratum
	Images   int                                             `json:"images"`   // of them
	Rejected string                                          `json:"rejected"` // why an image could not be used
	Done     []string                                        `json:"done"`     // drives under conditions
	Of       map[model.Graph]map[string]*histogram.Histogram `json:"of"`       // by graph and value
	Stack    histogram.Peaks                                 `json:"stack"`    // of the head's input
	Version  int                                             `json:"version"`
}

const statisticsVersion = 3

func newStatistics(b *model.Bundle, drives []Drive, frames int) *Statistics {
	s := &Statistics{Version: statisticsVersion, Graphs: graphsDigest(b), Data: drivesDigest(drives, frames), Frames: map[string]int{}, Of: map[model.Graph]map[string]*histogram.Histogram{}}
	for _, g := range model.Graphs() {
		s.Of[g] = map[string]*histogram.Histogram{}
	}
	return s
}

func graphsDigest(b *model.Bundle) string {
	sum := sha256.New()
	for _, g := range model.Graphs() {
		sum.Write(b.Graph(g))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func drivesDigest(drives []Drive, frames int) string {
	sum := sha256.New()
	fmt.Fprintln(sum, frames)
	for _, d := range drives {
		for _, s := range d.Scene.Samples {
			fmt.Fprintln(sum, s.Token)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Taken returns the number of frames that were taken.
func (s *Statistics) Taken() (n int) {
	for _, count := range s.Frames {
		n += count
	}
	return n
}

// load continues from a file, if it is of the same graphs and data. A file of others will be
// replaced, which is logged; one that is no statistics is an error.
func (s *Statistics) load(file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("quant: statistics: %w", err)
	}
	var there Statistics
	if err := json.Unmarshal(text, &there); err != nil || there.Version == 0 {
		return fmt.Errorf("quant: %s holds no statistics of a calibration, want such a file or a new one's name", file)
	}
	if there.Version == s.Version && there.Graphs == s.Graphs && there.Data == s.Data {
		*s = there
		return nil
	}
	slog.Warn("the statistics are of other graphs, drives or a number of frames: all is measured again", "file", file)
	return nil
}

func (s *Statistics) save(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("quant: statistics: %w", err)
	}
	return whole.Write(whole.File{Path: file, Write: whole.Text(text)})
}

// isDone reports whether a drive was gone through under a condition.
func (s *Statistics) isDone(key string) bool { return slices.Contains(s.Done, key) }
