package pipeline

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception"
	"github.com/solofusion/solofusion/perception/preprocess"
)

// cameraNumbers is the length of what the encoder takes of a camera:
// intrinsics 9, the augmentation's 3 x 3 and its translation 12, the camera's pose
// in the model's frame 12 (model spec, section 2).
const cameraNumbers = 33

// mounted is a rig, prepared for a model.
type mounted struct {
	*perception.Rig
	egoFromModel geom.Pose // where the model's frame is on this rig
	cameras      []camera  // in the order of the encoder's rows
	outside      []string  // what of the cameras' numbers training never saw
}

// camera is one of the rig, as the equivalent camera of training.
type camera struct {
	*perception.Camera
	index         int // in the rig
	egoFromCamera geom.Pose
	intrinsics    geom.Mat3 // canvas pixels from camera coordinates
	augment       geom.Mat4 // network pixels from canvas pixels
	prep          *preprocess.Camera
}

// Fits returns an error for the first camera of a valid rig whose images are larger than
// the detector's options allow: all sets of the rig would be refused.
func (d *Detector) Fits(r *perception.Rig) error {
	for i := range r.Cameras {
		c := &r.Cameras[i]
		if err := d.options.Images.CheckSize(geom.Size{Width: c.Width, Height: c.Height}); err != nil {
			return fmt.Errorf("camera %s: %w", c.Name, err)
		}
	}
	return nil
}

// mount prepares a rig for the detector's model.
func (d *Detector) mount(r *perception.Rig) (*mounted, error) {
	return mount(&d.bundle.Manifest, r, d.options.Images, d.with)
}

// mount prepares a rig. Its cameras come in the order of the model's, then those
// that the model does not name, in the rig's order.
func mount(m *model.Manifest, r *perception.Rig, images preprocess.Options, with compute.Resources) (*mounted, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	rig := &mounted{Rig: r, egoFromModel: egoFromModel(&m.Frame, r).Pose()}
	config := PreprocessConfig(m)
	config.Options = images
	for i := range r.Cameras {
		c, err := rig.camera(config, i, with)
		if err != nil {
			return nil, fmt.Errorf("camera %s: %w", r.Cameras[i].Name, err)
		}
		rig.cameras = append(rig.cameras, c)
	}
	rank := func(c camera) int {
		if i := slices.Index(m.Cameras, c.Name); i >= 0 {
			return i
		}
		return len(m.Cameras)
	}
	slices.SortStableFunc(rig.cameras, func(a, b camera) int { return rank(a) - rank(b) })
	rig.outside = rig.unfamiliar(m)
	return rig, nil
}

// Unfamiliar returns what of a rig's cameras a model's training never saw, as results
// have it ([perception.Result.Outside]).
func Unfamiliar(m *model.Manifest, r *perception.Rig) ([]string, error) {
	rig, err := mount(m, r, preprocess.Defaults(), compute.Resources{})
	if err != nil {
		return nil, err
	}
	return rig.outside, nil
}

// unfamiliar returns what of the cameras the model's training never saw, one text for
// all cameras of which the same is to be said.
func (m *mounted) unfamiliar(of *model.Manifest) (texts []string) {
	names := map[string][]string{}
	var order []string
	for i := range m.cameras {
		words := m.judge(of, &m.cameras[i])
		if words == "" {
			continue
		}
		if names[words] == nil {
			order = append(order, words)
		}
		names[words] = append(names[words], m.cameras[i].Name)
	}
	for _, words := range order {
		texts = append(texts, strings.Join(names[words], ", ")+": "+words)
	}
	return texts
}

// egoFromModel returns where the model's frame is on a rig: at its place above the
// base, or the rig's own lidar if the model was trained in the frames of lidars that
// are mounted so.
func egoFromModel(f *model.Frame, r *perception.Rig) geom.Transform {
	base := r.Base()
	if r.EgoFromLidar != nil && f.Owns(r.EgoFromLidar.Pose().RelativeTo(base.Pose())) {
		return *r.EgoFromLidar
	}
	if r.EgoFromBase == nil {
		return f.Transform() // to the bit
	}
	own := f.Transform()
	return geom.Transform{
		Rotation:    base.Rotation.Unit().Mul(own.Rotation),
		Translation: base.Pose().Apply(own.Translation),
	}
}

// moved reports whether the model's frame is elsewhere on the other rig, by more than
// a lidar's own place varies: the planes seen before are then of another height or tilt,
// which no motion in the plane takes back.
func (m *mounted) moved(other *mounted) bool {
	const metres, degrees = 0.1, 1
	apart := m.egoFromModel.RelativeTo(other.egoFromModel)
	cosine := (apart.R[0] + apart.R[4] + apart.R[8] - 1) / 2
	return apart.T.Norm() > metres || cosine < math.Cos(degrees*math.Pi/180)
}

// camera prepares the rig's camera of that index.
func (m *mounted) camera(config preprocess.Config, i int, with compute.Resources) (camera, error) {
	c := &m.Cameras[i]
	prep, err := preprocess.NewCamera(config, preprocess.Picture{
		Size:    geom.Size{Width: c.Width, Height: c.Height},
		Focal:   c.Intrinsics[0],
		CenterX: c.Intrinsics[2],
		CenterY: c.Intrinsics[5],
		Horizon: m.horizon(c, c.Intrinsics),
	}, with)
	if err != nil {
		return camera{}, err
	}
	return camera{c, i, c.EgoFromCamera.Pose(), prep.Placing.Intrinsics(c.Intrinsics), prep.Crop.Matrix(), prep}, nil
}

// steepest is the sine of the angle to the ground plane at which a camera does not
// face the horizon any more: 60 degrees.
var steepest = math.Sqrt(3) / 2

// horizon returns the row of the horizon straight ahead of a camera with those
// intrinsics, NaN if it looks up or down.
func (m *mounted) horizon(c *perception.Camera, k geom.Mat3) float64 {
	baseFromCamera := m.Base().Pose().Inv().R.Mul(c.EgoFromCamera.Pose().R)
	ahead := geom.Vec3{baseFromCamera[2], baseFromCamera[5], baseFromCamera[8]}
	if math.Abs(ahead[2]) > steepest {
		return math.NaN()
	}
	at := k.Apply(baseFromCamera.Transpose().Apply(geom.Vec3{ahead[0], ahead[1], 0}))
	return at[1] / at[2]
}

// judge returns what of a camera's numbers the model's training never saw, and what
// was done about it; "" if it saw all.
func (m *mounted) judge(of *model.Manifest, c *camera) string {
	numbers := of.Seen.Outside(&model.Camera{
		Intrinsics: c.intrinsics,
		Pose:       c.egoFromCamera.RelativeTo(m.egoFromModel),
		Horizon:    m.horizon(c.Camera, c.intrinsics),
	})
	all := []string{c.resized(of), numbers, c.partial(), mixed(c.Camera)}
	return strings.Join(slices.DeleteFunc(all, func(words string) bool { return words == "" }), "; ")
}

// resized says that the image is not shown at the size that its width gives; "" if it is.
func (c *camera) resized(of *model.Manifest) string {
	source := of.Image.Source
	natural := float64(source.Width) / float64(c.Width)
	if math.Abs(c.prep.Placing.Scale/natural-1) <= model.Slack {
		return ""
	}
	return fmt.Sprintf("fx is %.5g at %d x %d pixels, training saw %s; the image is shown at %.2f of its size",
		c.Intrinsics[0]*natural, source.Width, source.Height, of.Seen["fx"], c.prep.Placing.Scale/natural)
}

// partial says that much of what the network sees is black; "" if it is not.
func (c *camera) partial() string {
	const little = 0.05
	view := c.prep.View()
	if view > 1-little {
		return ""
	}
	return fmt.Sprintf("the image fills about %.0f %% of the network's view, those of training all of it", 10*math.Round(10*view))
}

// mixed says that the principal point is the middle of an image of another size, so
// that the intrinsics are likely to be those of one; "" if it is not.
func mixed(c *perception.Camera) string {
	const offCenter, alike = 0.15, 0.15
	width, height := 2*c.Intrinsics[2], 2*c.Intrinsics[5]
	x, y := width/float64(c.Width), height/float64(c.Height)
	if math.Abs(x-1) < offCenter || math.Abs(y-1) < offCenter || math.Abs(x-y) > alike*max(x, y) {
		return ""
	}
	return fmt.Sprintf("its principal point is the middle of an image of %.0f x %.0f pixels, and the images have %d x %d: want the intrinsics of these",
		width, height, c.Width, c.Height)
}

// at returns the camera in its place, in a frame in which the vehicle was at frameFromEgo.
func (c *camera) at(frameFromEgo geom.Pose) geom.Camera {
	return geom.Camera{Pose: frameFromEgo.Mul(c.egoFromCamera), Intrinsics: c.intrinsics, Augment: c.augment}
}

// numbers writes what the encoder takes of a camera to dst.
func (c *camera) numbers(dst []float32, modelFromCamera geom.Pose) {
	a := &c.augment
	values := slices.Concat(
		c.intrinsics[:],
		[]float64{a[0], a[1], a[2], a[4], a[5], a[6], a[8], a[9], a[10]},
		[]float64{a[3], a[7], a[11]},
		modelFromCamera.R[:],
		modelFromCamera.T[:],
	)
	for i, v := range values {
		dst[i] = float32(v)
	}
}
