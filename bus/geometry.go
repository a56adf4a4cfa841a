package bus

import (
	"errors"
	"time"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
	pb "github.com/solofusion/solofusion/proto/solofusion/v1"
)

var (
	errTransform = errors.New("a transform lacks its rotation or its translation")
	errPose      = errors.New("a pose lacks its translation or the nine numbers of its rotation")
)

// micros returns t in the wire's unit, microseconds since 1970 UTC; 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant is the inverse of micros.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func encodeVec(v geom.Vec3) *pb.Vector3 { return &pb.Vector3{X: v[0], Y: v[1], Z: v[2]} }

func decodeVec(v *pb.Vector3) geom.Vec3 { return geom.Vec3{v.GetX(), v.GetY(), v.GetZ()} }

func encodeTransform(t geom.Transform) *pb.Transform {
	q := t.Rotation
	return &pb.Transform{
		Rotation:    &pb.Quaternion{W: q.W, X: q.X, Y: q.Y, Z: q.Z},
		Translation: encodeVec(t.Translation),
	}
}

func decodeTransform(t *pb.Transform) (geom.Transform, error) {
	if t.GetRotation() == nil || t.GetTranslation() == nil {
		return geom.Transform{}, errTransform
	}
	q := t.Rotation
	return geom.Transform{
		Rotation:    geom.Quat{W: q.W, X: q.X, Y: q.Y, Z: q.Z},
		Translation: decodeVec(t.Translation),
	}, nil
}

func encodeOptional(t *geom.Transform) *pb.Transform {
	if t == nil {
		return nil
	}
	return encodeTransform(*t)
}

func decodeOptional(t *pb.Transform) (*geom.Transform, error) {
	if t == nil {
		return nil, nil
	}
	decoded, err := decodeTransform(t)
	return &decoded, err
}

func encodePose(p geom.Pose) *pb.Pose {
	return &pb.Pose{Rotation: p.R[:], Translation: encodeVec(p.T)}
}

func decodePose(p *pb.Pose) (geom.Pose, error) {
	if len(p.GetRotation()) != 9 || p.GetTranslation() == nil {
		return geom.Pose{}, errPose
	}
	return geom.Pose{R: geom.Mat3(p.Rotation), T: decodeVec(p.Translation)}, nil
}

func encodePlacement(p perception.Placement) *pb.Placement {
	return &pb.Placement{Center: encodeVec(p.Center), Yaw: p.Yaw(), VelocityX: p.Velocity[0], VelocityY: p.Velocity[1]}
}
