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
//   - DIR/maps/map.png, which the devkit wants to find;
//   - DIR/results.json: 200 boxes for each sample, in one line as Python's
//     json.dump writes it, 503 MB.
//
// Size trainval is the tables and the map alone, as large as those of the full
// set: 850 scenes, 34,149 samples, 1,166,187 annotations, and of sample_data
// and ego_pose 2,631,083 rows each, of twelve sensors with their sweeps, 2.6 GB.
// Scenes of the val split have the samples and annotations that they have in
// size val, so that its results.json can be graded on either.
//
// The same program on the same processor architecture writes the same bytes
// each time. Work happens in DIR.partial, which becomes DIR at the end; a DIR
// that exists is taken as complete and left alone.
//
// # What the data is like
//
// The vehicle drives on gentle curves, at places hundreds of metres from the
// origin of the global frame. Objects are of the ten detection classes in about
// the proportions of nuScenes' val split, and of some categories that the
// detection task leaves out. An object keeps to a straight line at constant
// speed, or stands; it is annotated in consecutive samples while it is within
// 60 m. A few annotations have no lidar points, and some bicycles stand in
// bicycle racks.
//
// Results are copies of true boxes, the noisier the farther away, with the
// lower scores the worse they are; duplicates beside them; and as many false
// positives of low score, all around the vehicle, as it takes to have 200.
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
	out := flag.String("out", "", "`folder` to make; left alone where it exists")
	size := flag.String("size", "val", "val, or trainval for full tables without results")
	flag.Parse()
	known, ok := map[string]sizes{"val": valSize(), "trainval": trainvalSize()}[*size]
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
func run(dir string, size sizes) error {
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
