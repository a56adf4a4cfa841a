// Package reliability measures what is left of a detector's accuracy when cameras or
// frames are lost, and how a service bears more sets than it can work off.
//
// Losses follow the public protocol for cameras that crash and frames that get lost
// (RoboBEV, nuScenes-C), and go beyond it: all subsets of the cameras instead of drawn
// ones, images that never come beside black ones, and bursts.
//
//	study := &reliability.Study{Detector: d, Drives: drives, Cache: "out/losses"}
//	for _, c := range reliability.Cases(drives, rounds) {
//		results, err := study.Results(ctx, c)
//	}
//
// A drive's results under a case are kept in a file each, so that a study goes on
// where it was stopped.
package reliability
