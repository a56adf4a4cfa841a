package stereo

import (
	"encoding/binary"
	"flag"
	"image"
	"maps"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/nuscenes"
)

var (
	lidarDataset = flag.String("dataset", "", "nuScenes-format `folder` with lidar for TestLidar, relative to the repository's; default: the shared recordings")
	lidarVersion = flag.String("version", "v1.0-dgp", "`name` of its tables' folder")
)

// The numbers of the sweep, and of what is a clear match.
const (
	scale    = 0.5 // of the images
	patch    = 15  // pixels of the scaled image to the side of what is compared
	planes   = 256 // depths that are tested, evenly spaced by their inverse
	batch    = 16  // of them are tested at a time, to stay in the processor's cache
	nearest  = 3.0
	furthest = 60.0
	fine     = 0.01 // metres to which a plane's depth is rounded

	texture  = 8.0  // standard deviation that a patch must have, grey levels
	parallax = 0.3  // pixels by which a hundredth of a point's depth must move it
	centred  = 2.5  // pixels that a point may be off the patch's centre, to each side
	peak     = 0.8  // correlation that a clear match has at least
	distinct = 0.05 // by which all its other peaks are lower
)

// What the test requires.
const (
	enough = 60 // points of a camera; one with fewer is passed over
	least  = 30 // clear matches among them
)

// TestLidar finds the lidar's depths by a sweep of planes through the images, with
// grey levels in place of learned descriptors: a patch of the current image is
// compared with what the previous image shows of it, if it lies at a plane's
// depth. Where that is, and what is read there, comes from the matcher
// itself: its pairs and its kernels. Calibration and sampling must be right for
// the depths to agree and, if the vehicle moves, poses and times.
//
// Candidates are patches with structure and a lidar point at their centre, of which
// some previous view shows a hundredth of its depth. Only clear matches are judged:
// those whose correlation has a peak inside the sweep that is high and distinct from
// the next. Such a peak says nothing about the lidar. Chance is the share of points
// within 5 % if the depths that were found are dealt to the points at random.
//
// The patch, the inverse depth and the peak of 0.8 were given by a description of
// the moving recording. The other numbers were guessed before the first run and
// stayed: neighbouring planes are less than a pixel apart in the side cameras when
// the vehicle moves 1.3 m. Others were judged by the standing recording and by
// CAM_FRONT_LEFT of the moving one (128 planes, planes from 4 m, a parallax of 0.4,
// all images at one focal length), and none was better for all of them. With 128 planes,
// which was also tried on all cameras, the largest median was 4.8 %.
//
//	go test ./stereo -run Lidar -v
//	go test ./stereo -run Lidar -v -dataset DIR -version V
func TestLidar(t *testing.T) {
	if dir := *lidarDataset; dir != "" {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join("..", dir)
		}
		if findDepth(t, dir, *lidarVersion) == 0 {
			t.Error("no camera has enough points that another view tells the depth of")
		}
		return
	}
	for name, cameras := range map[string]int{
		"ddad":        2, // stands still: two cameras with enough that overlap
		"ddad-moving": 6,
	} {
		t.Run(name, func(t *testing.T) {
			if n := findDepth(t, golden.Shared(t, "data/"+name), "v1.0-dgp"); n != cameras {
				t.Errorf("%d cameras have enough points, want %d", n, cameras)
			}
		})
	}
}

// findDepth requires good depths of each camera that has enough points, and bad
// ones with a wrong extrinsic. It returns the number of these cameras.
func findDepth(t *testing.T, dir, version string) (judged int) {
	t.Helper()
	ds, err := nuscenes.Open(dir, version)
	if err != nil {
		t.Fatal(err)
	}
	right, wrong := map[string]*tally{}, map[string]*tally{}
	for _, scene := range ds.Scenes {
		for _, sample := range scene.Samples[1:] {
			compare(t, ds, sample, right, wrong)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(right)) {
		r, w := right[name], wrong[name]
		if r.candidates < enough {
			t.Logf("%s: %d points are too few", name, r.candidates)
			continue
		}
		judged++
		t.Logf("%s: %v", name, r)
		t.Logf("%s with a wrong extrinsic: %v", name, w)
		switch good, bad := r.median(), w.median(); {
		case len(r.found) < least:
			t.Errorf("%s: %d clear matches, want at least %d", name, len(r.found), least)
		case good > 0.05:
			t.Errorf("%s: median error %.3f, want at most 0.05", name, good)
		case r.within() < 2*r.chance():
			t.Errorf("%s: %.3f of the points are within 5 %%, want twice the chance of %.3f", name, r.within(), r.chance())
		case 2*len(w.found) > len(r.found) || bad < 5*good:
			t.Errorf("%s: %d clear matches with a wrong extrinsic, median error %.3f; want half of %d at most, and 5 times %.3f", name, len(w.found), bad, len(r.found), good)
		}
	}
	return judged
}

// compare adds the matches of a sample's images with the ones before, sweeps if
// there are any.
func compare(t *testing.T, ds *nuscenes.Dataset, sample *nuscenes.Sample, right, wrong map[string]*tally) {
	t.Helper()
	var before []*nuscenes.SampleData
	for _, c := range sample.Cameras() {
		if c.Prev != nil {
			before = append(before, c.Prev)
		}
	}
	previous, current := look(t, ds, before), look(t, ds, sample.Cameras())
	if len(previous) == 0 || len(current) == 0 {
		return
	}
	points := sweep(t, ds, sample)
	for k := range current {
		measure(t, right, &current[k], previous, points)
		measure(t, wrong, &current[k], turned(previous), points)
	}
}

// eye is a camera's view, whose features are the grey levels of its image, scaled
// and cut at the right and below to whole patches.
type eye struct {
	View
	name string
	size geom.Size
}

// look returns the views of images that are there.
func look(t *testing.T, ds *nuscenes.Dataset, images []*nuscenes.SampleData) (eyes []eye) {
	t.Helper()
	for _, c := range images {
		gray := gocv.IMRead(ds.Path(c), gocv.IMReadGrayScale)
		if !gray.Empty() {
			e := eye{name: c.Channel()}
			e.shrink(t, gray)
			e.Camera.Pose = c.EgoPose.GlobalFromEgo.Pose().Mul(c.Calibration.EgoFromSensor.Pose())
			e.Camera.Intrinsics = *c.Calibration.Intrinsics
			e.Camera.Augment = geom.Mat4{scale, 0, 0, 0, 0, scale, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}
			eyes = append(eyes, e)
		}
		gray.Close()
	}
	return eyes
}

// shrink fills in the features.
func (e *eye) shrink(t *testing.T, gray gocv.Mat) {
	t.Helper()
	small := gocv.NewMat()
	defer small.Close()
	gocv.Resize(gray, &small, image.Point{}, scale, scale, gocv.InterpolationArea)
	pixels, err := small.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	e.size = geom.Size{Width: small.Cols() / patch * patch, Height: small.Rows() / patch * patch}
	for y := range e.size.Height {
		for _, v := range pixels[y*small.Cols():][:e.size.Width] {
			e.Features = append(e.Features, float32(v))
		}
	}
}

// sweep returns the points of the sample's lidar in the global frame, without
// those on what moves.
func sweep(t *testing.T, ds *nuscenes.Dataset, sample *nuscenes.Sample) []geom.Vec3 {
	t.Helper()
	lidar := sample.Key(nuscenes.LidarTop)
	data, err := os.ReadFile(ds.Path(lidar))
	if err != nil {
		t.Fatal(err)
	}
	moving := slices.DeleteFunc(slices.Clone(sample.Annotations), still)
	const row = 5 * 4 // x, y, z, intensity, ring: float32
	globalFromLidar := lidar.EgoPose.GlobalFromEgo.Pose().Mul(lidar.Calibration.EgoFromSensor.Pose())
	points := make([]geom.Vec3, 0, len(data)/row)
	for ; len(data) >= row; data = data[row:] {
		var p geom.Vec3
		for i := range p {
			p[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
		}
		if p := globalFromLidar.Apply(p); !slices.ContainsFunc(moving, func(a *nuscenes.Annotation) bool { return holds(a, p) }) {
			points = append(points, p)
		}
	}
	return points
}

// still reports whether an object is known not to move.
func still(a *nuscenes.Annotation) bool {
	v := a.Velocity()
	return math.Hypot(v[0], v[1]) < 0.3
}

// holds reports whether a point is in the object's box, or close to it.
func holds(a *nuscenes.Annotation, p geom.Vec3) bool {
	q := geom.NewPose(a.Rotation, a.Center).Inv().Apply(p)
	const near = 0.3
	return math.Abs(q[0]) < a.Size[1]/2+near && math.Abs(q[1]) < a.Size[0]/2+near && math.Abs(q[2]) < a.Size[2]/2+near
}

// turned returns the views with extrinsics that are off by 4 degrees: they look
// too low.
func turned(views []eye) []eye {
	views = slices.Clone(views)
	for i := range views {
		half := 2 * math.Pi / 180
		tilt := geom.NewPose(geom.Quat{W: math.Cos(half), X: -math.Sin(half)}, geom.Vec3{})
		views[i].Camera.Pose = views[i].Camera.Pose.Mul(tilt)
	}
	return views
}

// measure adds the matches of the camera's patches, each in the one other view
// that sees least, but enough, parallax.
func measure(t *testing.T, all map[string]*tally, camera *eye, others []eye, points []geom.Vec3) {
	t.Helper()
	if all[camera.name] == nil {
		all[camera.name] = &tally{}
	}
	r := all[camera.name]
	searches := make([]*search, len(others))
	for k := range others {
		searches[k] = newSearch(t, camera, &others[k])
	}
	hits := camera.hits(points)
	for _, at := range slices.Sorted(maps.Keys(hits)) {
		p, depth, ref := hits[at], camera.pixel(hits[at])[2], camera.patch(at)
		best := camera.clearest(p, others)
		if depth < nearest || depth > furthest || ref.norm < texture*patch || best < 0 {
			continue
		}
		r.candidates++
		if found, ok := searches[best].depth(at, ref); ok {
			r.truth, r.found = append(r.truth, depth), append(r.found, found)
		}
	}
}

// hits returns the nearest point at the centre of each patch, by the patch's number
// in rows.
func (e *eye) hits(points []geom.Vec3) map[int]geom.Vec3 {
	hits := map[int]geom.Vec3{}
	for _, p := range points {
		q := e.pixel(p)
		u, v := q[0]/q[2], q[1]/q[2]
		if !e.sees(q) || math.Abs(math.Mod(u, patch)-patch/2.0) > centred || math.Abs(math.Mod(v, patch)-patch/2.0) > centred {
			continue
		}
		at := int(v)/patch*(e.size.Width/patch) + int(u)/patch
		if old, ok := hits[at]; !ok || q[2] < e.pixel(old)[2] {
			hits[at] = p
		}
	}
	return hits
}

// pixel returns the homogeneous pixel of a global point; its third component is
// the depth.
func (e *eye) pixel(global geom.Vec3) geom.Vec3 {
	return e.Camera.PixelsFromCamera().Apply(e.Camera.Pose.Inv().Apply(global))
}

// sees reports whether a homogeneous pixel is in the image.
func (e *eye) sees(q geom.Vec3) bool {
	u, v := q[0]/q[2], q[1]/q[2]
	return q[2] > 0 && u >= 0 && v >= 0 && u < float64(e.size.Width) && v < float64(e.size.Height)
}

// clearest returns the index of the view that sees least, but enough, parallax of a
// point, or -1.
func (e *eye) clearest(p geom.Vec3, others []eye) int {
	origin, best, fewest := e.Camera.Pose.T, -1, math.Inf(1)
	further := origin.Add(p.Add(origin.Scale(-1)).Scale(1.01))
	for k := range others {
		a, b := others[k].pixel(p), others[k].pixel(further)
		if others[k].size != e.size || !others[k].sees(a) || b[2] <= 0 {
			continue
		}
		if moved := math.Hypot(a[0]/a[2]-b[0]/b[2], a[1]/a[2]-b[1]/b[2]); moved > parallax && moved < fewest {
			best, fewest = k, moved
		}
	}
	return best
}

// reference is a patch of the current image without its mean.
type reference struct {
	values [patch * patch]float64
	norm   float64
}

func (e *eye) patch(at int) *reference {
	r, columns := &reference{}, e.size.Width/patch
	mean := 0.0
	for i := range r.values {
		x, y := at%columns*patch+i%patch, at/columns*patch+i/patch
		r.values[i] = float64(e.Features[y*e.size.Width+x])
		mean += r.values[i] / patch / patch
	}
	for i := range r.values {
		r.values[i] -= mean
		r.norm += r.values[i] * r.values[i]
	}
	r.norm = math.Sqrt(r.norm)
	return r
}

// search reads the other image where the matcher finds a patch's pixels, for each
// plane. A patch is a coarse pixel, a pixel a descriptor of one channel. Features of
// the current view are 1, so that correlations are what is read.
type search struct {
	*Matcher
	bins []int32 // of the planes, ascending
}

func newSearch(t *testing.T, camera, other *eye) *search {
	t.Helper()
	m, err := New(Config{
		Image: camera.size, Stereo: camera.size, Coarse: geom.Size{Width: camera.size.Width / patch, Height: camera.size.Height / patch},
		Channels: 1, Groups: 1, Depth: geom.Bins{Step: fine, Count: furthest/fine + 1}, Samples: batch, Sigma: 1,
	}, noWeights(), compute.Resources{})
	if err != nil {
		t.Fatal(err)
	}
	s := &search{Matcher: m}
	for i := range planes {
		far := float64(planes-1-i) / (planes - 1)
		s.bins = append(s.bins, int32(1/(far/nearest+(1-far)/furthest)/fine-0.5))
	}
	ones := View{Camera: camera.Camera, Features: slices.Repeat([]float32{1}, camera.size.Pixels())}
	m.current, m.previous = []View{ones}, []View{other.View}
	m.pairs = make([][]pair, 1)
	m.findPairs(0)
	m.buffers = []buffers{m.newBuffers()}
	return s
}

// depth returns the depth of the best plane, and whether the match is clear.
func (s *search) depth(at int, ref *reference) (float64, bool) {
	curve := s.correlations(at, ref)
	best := slices.Index(curve, slices.Max(curve))
	if curve[best] < peak || best == 0 || best == planes-1 {
		return 0, false
	}
	for k := 1; k < planes-1; k++ {
		if k != best && curve[k] >= curve[k-1] && curve[k] >= curve[k+1] && curve[k] > curve[best]-distinct {
			return 0, false
		}
	}
	return s.cfg.Depth.Center(int(s.bins[best])), true
}

// correlations returns the normalised correlation of each plane, -1 if the other
// image does not show the whole patch or only an even grey.
func (s *search) correlations(at int, ref *reference) (curve []float64) {
	b, columns := &s.buffers[0], s.cfg.Coarse.Width
	for bins := range slices.Chunk(s.bins, batch) {
		if !s.correlate(bins, 0, at%columns, at/columns, b) {
			clear(b.sums)
			clear(b.taps.Seen)
		}
		var seen, sum, square, dot [batch]float64
		batches := len(b.taps.Seen) / batch
		for k := range seen {
			for _, points := range b.taps.Seen[k*batches:][:batches] {
				seen[k] += float64(bits.OnesCount16(points))
			}
			for i, g := range b.sums[k*patch*patch:][:patch*patch] {
				v := ref.values[i]
				sum[k] += float64(g)
				square[k] += float64(g) * float64(g)
				dot[k] += v * float64(g)
			}
		}
		for k := range seen {
			spread := math.Sqrt(square[k] - sum[k]*sum[k]/patch/patch)
			if seen[k] == patch*patch && spread > 1 {
				curve = append(curve, dot[k]/ref.norm/spread)
			} else {
				curve = append(curve, -1)
			}
		}
	}
	return curve
}

// noWeights are a similarity network's that is not asked.
func noWeights() Weights {
	return Weights{
		Weight0: make([]float32, 16), Bias0: make([]float32, 16),
		Weight1: make([]float32, 8*16), Bias1: make([]float32, 8),
		Weight2: make([]float32, 8), Bias2: make([]float32, 1),
	}
}
