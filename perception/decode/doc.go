// Package decode turns the head's maps into detections (model spec, section 7).
//
// Each task's heatmap gives candidates: cells whose score passes the threshold,
// at most Max for each class and then for the task. The other maps make a box
// of each, and the task's suppression keeps the best of those that overlap:
// [Circle] by the distance of centres, [Rotated] by the overlap of scaled
// boxes in the ground plane.
//
//	d := decode.New(config, with)
//	detections := d.Append(nil, maps) // one Maps for each task
//
// Boxes are in the model's frame, metres; the maps' yaw, mmdet3d's before 1.0,
// becomes the heading of the length axis here and nowhere else. Equal scores
// are ordered by class, then cell, so that the same maps give the same list.
package decode
