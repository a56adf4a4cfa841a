// Package geom is the geometry of rigid vehicles and their cameras, in float64.
//
// Lengths are metres, angles radians, quaternions w, x, y, z. A pose maps the
// coordinates of one frame of reference to another, and its variable's name
// has both, so that names compose from left to right:
//
//	globalFromCamera := globalFromEgo.Mul(egoFromCamera)
//	p := globalFromCamera.Apply(geom.Vec3{0, 0, 10}) // ten metres ahead of the lens
//
// Camera frames look along z with x right and y down. Ego frames look along x
// with y left and z up. The detector's lidar frame looks along y with x right
// and z up, as nuScenes mounts its sensor.
//
// Products are written float64(x*y) if a sum follows: Go fuses x*y + z on
// some architectures, and the same input must give the same bits on all.
package geom
