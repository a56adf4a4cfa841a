// Package synth renders drives through made-up streets as data sets in nuScenes
// format: training data, demonstration and test fixture at once.
//
//	err := synth.Write(ctx, "drives", synth.Options{Seed: 7, Drives: 2, Frames: 20}, nil)
//	ds, err := nuscenes.Open("drives", synth.Version)
//
// # What is written
//
// The thirteen tables of nuScenes v1.0 in the folder [Version], a splits.json
// whose split "all" names every scene, key frames' images in samples/ and the
// images between in sweeps/, one point cloud a key frame and a blank map mask.
// nuscenes-devkit opens and uses all of it. Scenes are called
// synth-<seed>-<drive>; tokens derive from those names, so that tables of
// different seeds can be joined. A folder takes one data set only.
//
// The same options give the same bytes, for any number of threads: a drive is
// drawn from its seed and number alone, a pixel from the drive and the time.
//
// # The world
//
// A drive follows a main road that bends, mostly past or through a crossing, in
// a third of the drives turning there. Roads are flat (z = 0) and have driving
// lanes, a cycle lane, a parking lane, a kerb of 12 cm and a side-walk; houses,
// trees and lamps stand beside them. The ten detection classes park, drive,
// wait, walk and close lanes in about the same numbers on every stretch, so
// that a drive is balanced by itself. Nothing ever touches anything: an object
// is placed only if its whole motion is free. Light, sky, haze, colours and
// textures vary from drive to drive.
//
// Six cameras are mounted and calibrated as nuScenes' are, with small
// differences from drive to drive. Each exposes at its own moment of the
// lidar's turn, and sees vehicle and objects where they are at that moment;
// annotations hold at the key frame's time, the lidar's.
//
// Objects are annotated within 65 m of the vehicle, seen or not. What an object
// shows decides its visibility level and num_lidar_pts: as many beams as a
// 32-line lidar would send over the seen part, 0 if nothing is seen, which
// the metric leaves out. There is no radar, num_radar_pts is 0. LIDAR_TOP's
// files hold surfaces that the cameras saw, with intensity 0.
//
// # For training
//
// [Options].Window renders at a network's size as if full images had been
// resized and cropped, many times faster; the tables then describe these images,
// as those of a camera with a shorter focal length. [Options].Depth adds depth/<camera>/<image's name>.png, 16 bit
// grey, 1/256 m along the camera's z, 0 for the sky.
//
// # How it renders
//
// A visibility buffer with 2 x 2 samples a pixel (3 x 3 in a window) finds the
// nearest face of each sample by 1/z ([raster]); every face that a pixel shows
// is then coloured once for it ([shader]). Textures are functions of the place
// on a surface, and give their mean over the pixel's footprint there, so they
// neither shimmer nor alias. Shadows on the ground are analytic as well: each
// object's box dims the sky near it and the sun along its rays.
//
// Lengths are metres and times seconds from the drive's first key frame.
// Meshes and the world have z up; [world].placed leads to the data set's global
// frame.
package synth
