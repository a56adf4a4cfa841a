// Package picture draws what was detected: boxes in the camera images, and the
// ground around the vehicle seen from above.
//
//	frame, err := picture.Load(ds, sample, boxes)
//	err = picture.Cameras("cameras.jpg", frame)
//	err = picture.BirdsEye("birdseye.png", frames)
//
// True boxes are white outlines. Found ones have the colour of their class,
// the stronger the better their score.
package picture
