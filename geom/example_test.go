package geom_test

import (
	"fmt"

	"github.com/solofusion/solofusion/geom"
)

// Poses compose by their names: what the lens sees, told in the global frame.
func Example() {
	globalFromEgo := geom.NewPose(geom.QuatFromYaw(0), geom.Vec3{600, 1600, 0})
	egoFromCamera := geom.Pose{
		R: geom.Mat3{ // z ahead, x right, y down
			0, 0, 1,
			-1, 0, 0,
			0, -1, 0,
		},
		T: geom.Vec3{1.7, 0, 1.5},
	}
	globalFromCamera := globalFromEgo.Mul(egoFromCamera)

	kerb := globalFromCamera.Apply(geom.Vec3{2, 1.5, 10}) // right, down, ahead of the lens
	fmt.Println("in the global frame:", kerb)
	fmt.Println("from the camera:", globalFromCamera.Inv().Apply(kerb))
	// Output:
	// in the global frame: [611.7 1598 0]
	// from the camera: [2 1.5 10]
}

// A point ahead of the vehicle, as a pixel of the image that a network sees.
func ExampleCamera() {
	camera := geom.Camera{
		Pose: geom.Pose{ // in the ego frame
			R: geom.Mat3{
				0, 0, 1,
				-1, 0, 0,
				0, -1, 0,
			},
			T: geom.Vec3{1.7, 0, 1.5},
		},
		Intrinsics: geom.Mat3{
			1250, 0, 800,
			0, 1250, 450,
			0, 0, 1,
		},
		Augment: geom.Mat4{ // a quarter of the size, 40 rows cut off above
			0.25, 0, 0, 0,
			0, 0.25, 0, -40,
			0, 0, 1, 0,
			0, 0, 0, 1,
		},
	}
	point := camera.Pose.Inv().Apply(geom.Vec3{21.7, -4, 0.5})
	pixel := camera.PixelsFromCamera().Apply(point)
	depth := pixel[2]
	fmt.Printf("%g m ahead, at column %g, row %g\n", depth, pixel[0]/depth, pixel[1]/depth)
	// Output: 20 m ahead, at column 262.5, row 88.125
}

// The cell of a plane that a point lies in: rows along y, columns along x.
func ExampleGrid() {
	grid := geom.Grid{X: geom.Axis{-51.2, 51.2, 0.8}, Y: geom.Axis{-51.2, 51.2, 0.8}, Z: geom.Axis{-5, 3, 8}}
	point := geom.Vec3{10, -20, 0}
	column := int((point[0] - grid.X.Min()) / grid.X.Step())
	row := int((point[1] - grid.Y.Min()) / grid.Y.Step())
	fmt.Printf("%d x %d cells, the point is in column %d of row %d\n", grid.X.Cells(), grid.Y.Cells(), column, row)
	fmt.Println("as one of", grid.Cells(), "numbers:", row*grid.X.Cells()+column)
	// Output:
	// 128 x 128 cells, the point is in column 76 of row 39
	// as one of 16384 numbers: 5068
}
