// Command benchset writes the data of `make bench-eval`: made-up nuScenes data sets
// of real size, and a results file to grade on them.
//
//	go run ./nuscenes/eval/internal/benchset --out DIR [--size val|trainval]
//
// Size val, the default, is what the val split is graded with:
//
//   - DIR/v1.0-trainval/*.json: the thirteen tables, with the 150 scenes of the
//     split, 6,019 samples and 133,000 annotations; of the sensors only
//     LIDAR_TOP, and of that only key frames;
//   - DIR/maps/map.png, which the devkit requires;
//   - DIR/results.json: 200 boxes for each sample, 478 MB.
//
// Size trainval is the tables and the map alone, as large as those of the full
// set: 850 scenes, 34,149 samples, 1,166,187 annotations, and of sample_data
// and ego_pose 2,640,821 rows each, of twelve sensors with their sweeps, 2.7 GB.
// Scenes of the val split have the samples and annotations that they have in
// size val, so that its results.json can be graded on either.
//
// The same program on the same processor architecture writes the same bytes
// each time. Work happens in DIR.partial, which becomes DIR at the end; a DIR
// that exists is taken as complete and left alone.
//
// # What the data is like
//
// There is no traffic in it: the vehicle and the objects move in straight lines,
// and objects may overlap. What the metric does with a box is all there: every
// class near and far, every attribute and none, objects that stand and that move,
// some seen once and so without a velocity, some without points, some in bicycle
// racks, and categories that the detection task leaves out. Results are copies
// of true boxes with noise, some of them two or three times, filled up with false
// positives of low score.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func main() {
	out := flag.String("out", "", "`folder` to make; left alone if it exists")
	size := flag.String("size", "val", "val, or trainval for full tables without results")
	flag.Parse()
	known, ok := map[string]amount{"val": valAmount(), "trainval": trainvalAmount()}[*size]
	switch {
	case flag.NArg() > 0:
		usage("unknown argument %q, want flags only", flag.Arg(0))
	case *out == "":
		usage("--out is missing, want a folder")
	case !ok:
		usage("--size is %q, want val or trainval", *size)
	}
	if err := run(*out, known); err != nil {
		fmt.Fprintf(os.Stderr, "benchset: %v\n", err)
		os.Exit(1)
	}
}

func usage(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "benchset: "+format+"\n", args...)
	flag.Usage()
	os.Exit(2)
}

// run makes the folder dir, whole or not at all.
func run(dir string, size amount) error {
	dir = filepath.Clean(dir)
	if _, err := os.Stat(dir); err == nil {
		fmt.Fprintf(os.Stderr, "benchset: %s is there already\n", dir)
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "benchset: writing %s\n", dir)
	if err := write(partial, size); err != nil {
		return err
	}
	return os.Rename(partial, dir)
}
