// Package nuscenes reads data sets in the nuScenes v1.0 table format and
// reads and writes detection results in its submission format.
//
// A data set is a folder DIR with the tables DIR/VERSION/*.json and the files
// that they name. [Open] reads the tables once and links their
// rows: tokens become pointers. Nothing changes afterwards, so that a [Dataset]
// can be read from any number of goroutines. [OpenTruth] reads the little that
// grading needs of them.
//
//	ds, err := nuscenes.Open("data/nuscenes", "v1.0-mini")
//	...
//	for _, scene := range ds.Scenes {
//		for _, sample := range scene.Samples { // in order of time
//			rig, err := ds.Rig(sample, []string{"CAM_FRONT", "CAM_BACK"})
//			for _, camera := range sample.Cameras() {
//				jpeg, err := os.ReadFile(ds.Path(camera))
//			}
//		}
//	}
//
// Tables are outside data. A field is checked where it is used: what is wrong in one,
// such as a token that leads nowhere, is among the [Findings], and an error of
// [Dataset.Rig] or [Sample.CheckTruth] if detection or grading needs the field. That
// is a [*TableError], which names file, row and field; what is wrong in a
// results file is a [*ResultsError] that names file, sample and box.
//
// Frames of reference. Annotations, results and ego poses are in the map's
// global frame. The ego frame is at the rear axle's centre: x forward, y left,
// z up. Sizes are width, length, height in metres; rotations are quaternions
// w, x, y, z; velocities metres a second in the global frame. Timestamps are
// microseconds since 1970.
package nuscenes
