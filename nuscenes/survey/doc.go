// Package survey examines a data set: what it has, what is wrong with it, and what
// the commands can do with it.
//
//	s, err := survey.Of("data/nuscenes", "v1.0-mini")
//	err = s.Write(os.Stdout)
//
// It goes on after faults, and so tells all of them at once. It looks for the files of
// images, and does not read them.
package survey
