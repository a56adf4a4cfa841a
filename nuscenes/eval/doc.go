// Package eval grades detection results with the nuScenes detection metric,
// number for number as nuscenes-devkit 1.2.0 does with its configuration
// detection_cvpr_2019. It reads data sets and results files, and does not depend on
// the detector that made them.
//
//	ds, split, err := nuscenes.OpenTruth("data/nuscenes", "v1.0-mini", nuscenes.Part{Split: "mini_val"})
//	results, err := nuscenes.ReadResults("results.json")
//	cfg := eval.CVPR2019()
//	frames, err := eval.Frames(ds, split, results, cfg)
//	metrics := eval.Evaluate(cfg, frames)
//	fmt.Println(metrics.MeanAP, metrics.NDS)
//
// [Metrics] then gives how sure its numbers are ([Metrics.Bootstrap]), how they
// differ from those of other results ([Metrics.Compare]), what they are for
// parts of the data ([Metrics.Breakdown]) and for conditions ([Metrics.Conditions]), and
// which conventions the results may have
// broken ([Metrics.Hints]). A [Report] writes all of it.
//
// # What is compared
//
// The true boxes of a sample are its annotations whose category belongs to one
// of the ten detection classes ([nuscenes.DetectionClass]):
//
//	car                    vehicle.car
//	truck                  vehicle.truck
//	bus                    vehicle.bus.bendy, vehicle.bus.rigid
//	trailer                vehicle.trailer
//	construction_vehicle   vehicle.construction
//	pedestrian             human.pedestrian.adult, .child, .construction_worker, .police_officer
//	motorcycle             vehicle.motorcycle
//	bicycle                vehicle.bicycle
//	traffic_cone           movable_object.trafficcone
//	barrier                movable_object.barrier
//
// Their velocity ([nuscenes.Annotation.Velocity]) is the way between the same
// object's annotations before and after, over the time between their samples; at
// the ends of a track, between its own position and its only neighbour's. It is NaN
// if there is no neighbour, or if that time exceeds 3 s with both
// neighbours and 1.5 s with one. They have one attribute or none; more are an
// error.
//
// The results must answer exactly the samples of the split, if need be with no
// boxes. On a split that nuScenes does not define itself, further samples are ignored.
//
// Of true and found boxes alike, these are left out, in this order:
//
//  1. those whose centre is not nearer to the ego vehicle at the lidar's key
//     time, in the ground plane, than the class's range: 50 m for car, truck,
//     bus, trailer and construction vehicle, 40 m for pedestrian, motorcycle
//     and bicycle, 30 m for traffic cone and barrier;
//  2. those with zero lidar and radar points together (found boxes without
//     such numbers stay);
//  3. bicycles and motorcycles whose centre lies in or on the box of an
//     annotated bicycle rack of the sample, in three dimensions.
//
// # Matching
//
// Each class is matched by itself, at each of the distances 0.5, 1, 2 and 4 m.
// The found boxes of all samples are taken by descending score; of equal scores
// the one that comes later in the results goes first. Samples come in the order
// of the results file (on custom splits, of the sample table). A found box
// looks for the nearest true box of its class and sample that is not taken yet,
// by the distance of centres in the ground plane, the first in the table if
// several are as near. If that distance is strictly below the threshold, both
// are a match, a true positive; else the found box is a false positive. There
// is no second choice.
//
// # Curves
//
// After each found box, precision is the share of true positives so far, and
// recall their number over all true boxes. Both are resampled at the 101
// recalls 0, 0.01, ... 1 by linear interpolation; if a recall occurs more
// than once, its last precision counts; before the first recall its
// precision holds, beyond the last one precision is 0. The
// scores are resampled in the same way: the curve's confidence. See [Curve].
//
// Each match has five errors:
//
//   - translation: distance of the centres in the ground plane, metres;
//   - scale: one minus the intersection over union of both sizes, as if the
//     boxes were aligned;
//   - orientation: the angle between both headings, radians, from 0 to pi; for
//     barriers, whose front and back are alike, modulo pi;
//   - velocity: length of the difference in the ground plane, metres a second;
//   - attribute: 1 if it differs, 0 if it is right.
//
// If the true velocity or the true attribute is not known, or the found
// velocity is NaN, that error is NaN. The cumulative mean of an error after
// each match skips NaN (it is 0 before the first number, and 1 throughout if
// there is none). This mean, as a function of the match's score, is
// interpolated linearly at the curve's confidences, with the end values held
// beyond its ends.
//
// A class without true boxes, or without a match, has precision and confidence
// 0 and errors 1 everywhere.
//
// # Numbers
//
//   - AP: the mean of max(0, precision - 0.1) over the recalls 0.11 to 1,
//     divided by 0.9. A class's AP is the mean over the four distances; mAP is the mean over classes.
//   - A true-positive error of a class: the mean of its curve at 2 m over the
//     recalls from 0.11 to the last one whose confidence is not 0; 1 if that
//     does not reach 0.11. Not counted: attribute, velocity and orientation of
//     traffic cones, attribute and velocity of barriers. mATE, mASE, mAOE, mAVE and mAAE are
//     the means over the classes that count.
//   - NDS: (5 mAP + the sum of max(0, 1 - error) over the five mean errors) / 10.
//
// # Rounding
//
// Borders and ties are decided by the last bit, so distances are computed as
// numpy does on x86 processors with AVX-512, whatever the processor: between boxes as the root of
// fma(dy, dy, dx dx), from the ego vehicle as the root of dx dx + dy dy, and bicycle
// racks by projections on three edges from a corner.
//
// # Intervals
//
// A data set is a sample of the drives that there might have been. The
// bootstrap estimates how far the numbers would differ with other drives: it
// draws as many scenes as there are, with replacement, grades them as a data
// set of their own, and repeats that. The interval of a number holds the central
// 95 % of what comes out. Samples of a scene resemble one another, so scenes are
// the units that are drawn; drawing samples would give intervals that are far
// too narrow.
//
// No box is matched again. Boxes of a sample match among themselves, so a
// resample has the same matches, each as often as its scene was drawn. One pass
// over a class's boxes, in their order, gives the weight before each match, and
// with it precision and recall there; copies of a box follow one another.
//
// It assumes that scenes are independent draws of the kind of drives that is
// of interest. Scenes cut from the same drive, or a split that leaves out what
// will be met, make the truth wider than the interval. With few scenes the
// intervals are too narrow; below [MinScenes] there are none.
//
// Two results are compared on the same resamples, and the interval is that of
// the difference. This can be far narrower than the two intervals suggest, since a scene
// that is hard for one is hard for the other.
//
// # Differences from the devkit
//
// Input that the devkit fails at only if it happens to matter is always refused by
// [nuscenes.ReadResults]: sizes that are not positive, infinite numbers, negative or absent
// scores, boxes listed under another sample than they name. Results without any box are
// graded, with mAP 0. The split "all" is a custom split of every sample.
package eval
