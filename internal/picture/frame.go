package picture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// Frame is a sample with what there is to draw of it.
type Frame struct {
	Sample        *nuscenes.Sample
	GlobalFromEgo geom.Pose
	Truth, Found  []Box
	Views         []View      // of the cameras whose images exist
	Ground        []geom.Vec3 // lidar points in the ego frame; none if there is no lidar
}

// Box is a true or a found object, in the global frame.
type Box struct {
	Class    perception.Class
	Score    float64 // 1 for truth
	Pose     geom.Pose
	Size     geom.Vec3 // width, length, height
	Velocity [2]float64
}

// View is a camera's image and how it is placed in the world.
type View struct {
	Camera           string
	File             string
	Intrinsics       geom.Mat3
	CameraFromGlobal geom.Pose
}

// Load gathers a sample's frame. Of the annotations those that no lidar point
// fell on are left out, as the metric does, and of the found boxes those below
// minScore.
func Load(ds *nuscenes.Dataset, sample *nuscenes.Sample, found []nuscenes.Box, minScore float64) (*Frame, error) {
	f := &Frame{Sample: sample, GlobalFromEgo: sample.KeyPose().GlobalFromEgo.Pose()}
	for _, a := range sample.Annotations {
		if class, ok := a.Class(); ok && a.LidarPoints+a.RadarPoints > 0 {
			v := a.Velocity()
			f.Truth = append(f.Truth, Box{class, 1, geom.NewPose(a.Rotation, a.Center), a.Size, [2]float64{v[0], v[1]}})
		}
	}
	for _, b := range found {
		if b.Score >= minScore {
			f.Found = append(f.Found, Box{b.Class, b.Score, geom.NewPose(b.Rotation, b.Center), b.Size, b.Velocity})
		}
	}
	for _, camera := range sample.Cameras() {
		if _, err := os.Stat(ds.Path(camera)); err != nil {
			continue
		}
		globalFromCamera := camera.EgoPose.GlobalFromEgo.Pose().Mul(camera.Calibration.EgoFromSensor.Pose())
		f.Views = append(f.Views, View{camera.Channel(), ds.Path(camera), *camera.Calibration.Intrinsics, globalFromCamera.Inv()})
	}
	err := f.loadGround(ds)
	return f, err
}

// pointSize is the length of a lidar point in its file: x, y, z, intensity and
// ring, each a little-endian float32.
const pointSize = 20

func (f *Frame) loadGround(ds *nuscenes.Dataset) error {
	lidar := f.Sample.Key(nuscenes.LidarTop)
	if lidar == nil {
		return nil
	}
	data, err := os.ReadFile(ds.Path(lidar))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	egoFromLidar := lidar.Calibration.EgoFromSensor.Pose()
	for ; len(data) >= pointSize; data = data[pointSize:] {
		at := func(i int) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))) }
		f.Ground = append(f.Ground, egoFromLidar.Apply(geom.Vec3{at(0), at(1), at(2)}))
	}
	return nil
}

// corner returns one of a box's eight, whose bits are the side on which it lies
// along x (length), y (width) and z.
func (b *Box) corner(bits int) geom.Vec3 {
	side := func(bit int, length float64) float64 { return length * (float64(bits>>bit&1) - 0.5) }
	return b.Pose.Apply(geom.Vec3{side(0, b.Size[1]), side(1, b.Size[0]), side(2, b.Size[2])})
}
