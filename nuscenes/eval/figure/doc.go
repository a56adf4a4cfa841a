// Package figure draws the curves and the summary of an evaluation.
//
//	metrics := eval.Evaluate(cfg, frames)
//	err := figure.Write("figures", metrics, metrics.Bootstrap(1000, 1))
//
// All pictures are PNG files of 1600 by 900 pixels. Equal metrics give equal bytes.
//
// # summary.png
//
// The average precision of each class, the mean over the matching distances, in
// the configuration's order; beside it NDS, mAP and the five mean errors.
//
// # One picture for each class with true boxes
//
// It is named after the class, as car.png. On the left is precision over
// recall, one curve for each matching distance, until the last recall that is
// reached. What the AP leaves out is grey: low recall, and low precision.
//
// On the right are the errors of matches at the configuration's distance of
// errors, from the least recall that counts to the last one that is reached:
// each curve is the mean over the matches that it takes to reach a recall, and
// the number in the key is the mean of the curve. Errors that do not count for
// the class are left out.
//
// # Intervals
//
// Whiskers, and numbers with "to" between them, are the central 95 % of the
// resamples of [eval.Metrics.Bootstrap].
package figure
