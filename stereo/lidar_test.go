package stereo

import (
	"encoding/binary"
	"flag"
	"image"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/golden"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/stereo/internal/kernel"
)

var (
	lidarDataset = flag.String("dataset", "", "nuScenes-format `folder` with lidar for TestLidar; default: the shared recording")
	lidarVersion = flag.String("version", "v1.0-dgp", "`name` of its tables' folder")
)

// The numbers of the lidar test.
const (
	mapWidth, mapHeight = 1280, 810 // of the descriptors, and of the network's image
	side, apart         = 9, 2      // a descriptor has side x side pixels, so far from each other
	reach               = side / 2 * apart
	texture             = 12.0 // standard deviation that a descriptor must have, grey levels
	nearest, furthest   = 3.0, 40.0
	binWidth            = 0.05
	parallax            = 0.8 // pixels by which a hundredth of a point's depth must move it
	enough              = 60  // points of a camera, below which it is passed over
)

// TestLidar finds the lidar's depth with hand-made descriptors in place of
// learned ones: normalised patches, correlated over a dense set of depths, at
// points where another view is so far away that a hundredth of the depth can be
// seen. Calibration and sampling must be right for that and, if the vehicle
// moves, poses and times. In the shared recording it stands still: one camera
// has enough such points, through the one it overlaps with. The sizes above were
// chosen on it.
//
//	go test ./stereo -run Lidar -dataset DIR -version V
func TestLidar(t *testing.T) {
	dir := *lidarDataset
	if dir == "" {
		dir = golden.Shared(t, "data/ddad")
	}
	findDepth(t, dir, *lidarVersion)
}

// findDepth requires good depths wherever a camera has enough points, and bad ones
// with a wrong extrinsic.
func findDepth(t *testing.T, dir, version string) {
	t.Helper()
	ds, err := nuscenes.Open(dir, version)
	if err != nil {
		t.Fatal(err)
	}
	right, wrong := map[string][]float64{}, map[string][]float64{}
	for _, scene := range ds.Scenes {
		for _, sample := range scene.Samples[1:] {
			compare(t, ds, sample, right, wrong)
		}
	}
	tested := 0
	for _, name := range slices.Sorted(maps.Keys(right)) {
		if len(right[name]) < enough || len(wrong[name]) < enough {
			t.Logf("%s: %d points are too few", name, len(right[name]))
			continue
		}
		tested++
		good, bad := median(right[name]), median(wrong[name])
		t.Logf("%s: median error %.1f %% at %d points; with a wrong extrinsic %.1f %%", name, 100*good, len(right[name]), 100*bad)
		if good > 0.05 || bad < 0.25 {
			t.Errorf("%s: median error %.3f, want at most 0.05; with a wrong extrinsic %.3f, want at least 0.25", name, good, bad)
		}
	}
	if tested == 0 {
		t.Error("no camera has enough points that another view tells the depth of")
	}
}

// compare measures the errors in a sample's images against the ones before,
// sweeps if there are any.
func compare(t *testing.T, ds *nuscenes.Dataset, sample *nuscenes.Sample, right, wrong map[string][]float64) {
	t.Helper()
	var before []*nuscenes.SampleData
	for _, c := range sample.Cameras() {
		if c.Prev != nil {
			before = append(before, c.Prev)
		}
	}
	previous, current := look(ds, before), look(ds, sample.Cameras())
	if len(previous) == 0 || len(current) == 0 {
		return
	}
	for k := range previous {
		previous[k].describe()
	}
	points := sweep(t, ds, sample)
	for k := range current {
		current[k].describe()
		measure(right, &current[k], previous, points)
		measure(wrong, &current[k], turned(previous), points)
		current[k].Features = nil
	}
}

// eye is a camera's view with what the test needs beside it.
type eye struct {
	View
	name   string
	size   geom.Size // of the part of the map that the image fills
	pixels []float32 // of the map, grey levels
}

// look returns the views of images that are there, all scaled to the shortest
// focal length, so that a pixel shows about the same angle.
func look(ds *nuscenes.Dataset, images []*nuscenes.SampleData) []eye {
	focal := math.Inf(1)
	for _, c := range images {
		fit := min(float64(mapWidth)/float64(c.Width), float64(mapHeight)/float64(c.Height))
		focal = min(focal, fit*c.Calibration.Intrinsics[0])
	}
	var eyes []eye
	for _, c := range images {
		gray := gocv.IMRead(ds.Path(c), gocv.IMReadGrayScale)
		if !gray.Empty() {
			s := focal / c.Calibration.Intrinsics[0]
			e := eye{name: c.Channel()}
			e.size, e.pixels = shrink(gray, s)
			e.Camera.Pose = c.EgoPose.GlobalFromEgo.Pose().Mul(c.Calibration.EgoFromSensor.Pose())
			e.Camera.Intrinsics = *c.Calibration.Intrinsics
			e.Camera.Augment = geom.Mat4{s, 0, 0, 0, 0, s, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}
			eyes = append(eyes, e)
		}
		gray.Close()
	}
	return eyes
}

// shrink returns the image scaled by s in the upper left of a map.
func shrink(gray gocv.Mat, s float64) (geom.Size, []float32) {
	small := gocv.NewMat()
	defer small.Close()
	size := geom.Size{Width: int(float64(gray.Cols()) * s), Height: int(float64(gray.Rows()) * s)}
	gocv.Resize(gray, &small, image.Pt(size.Width, size.Height), 0, 0, gocv.InterpolationArea)
	out := make([]float32, mapWidth*mapHeight)
	for y := range size.Height {
		for x := range size.Width {
			out[y*mapWidth+x] = float32(small.GetUCharAt(y, x))
		}
	}
	return size, out
}

// describe fills in the L2-normalised patches around every pixel, without their
// mean.
func (e *eye) describe() {
	const n = side * side
	e.Features = make([]float32, mapWidth*mapHeight*n)
	for y := reach; y < e.size.Height-reach; y++ {
		for x := reach; x < e.size.Width-reach; x++ {
			f := e.Features[(y*mapWidth+x)*n:][:n]
			norm := 1 / (e.patch(f, x, y) + 1e-6)
			for i := range f {
				f[i] *= float32(norm)
			}
		}
	}
}

// patch writes the pixels around (x, y) without their mean and returns their
// norm.
func (e *eye) patch(f []float32, x, y int) float64 {
	sum, square := float32(0), 0.0
	for i := range f {
		f[i] = e.pixels[(y+(i/side-side/2)*apart)*mapWidth+x+(i%side-side/2)*apart]
		sum += f[i]
	}
	for i := range f {
		f[i] -= sum / float32(len(f))
		square += float64(f[i]) * float64(f[i])
	}
	return math.Sqrt(square)
}

// textured reports whether the patch around the map's cell has structure.
func (e *eye) textured(cell int) bool {
	var f [side * side]float32
	return e.patch(f[:], cell%mapWidth, cell/mapWidth) > texture*side
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

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// measure adds the relative errors at the textured points that the camera sees, each
// matched in the one other view that sees least, but enough, parallax.
func measure(all map[string][]float64, camera *eye, others []eye, points []geom.Vec3) {
	closest := map[int]float64{} // by cell: nearer points hide those behind
	for _, p := range points {
		if cell, depth, ok := camera.place(p); ok && (closest[cell] == 0 || depth < closest[cell]) {
			closest[cell] = depth
		}
	}
	searches := make([]search, len(others))
	for k := range others {
		searches[k] = newSearch(camera, &others[k])
	}
	for _, p := range points {
		cell, depth, ok := camera.place(p)
		if !ok || depth != closest[cell] || depth < nearest || depth > furthest || !camera.textured(cell) {
			continue
		}
		origin, best, least := camera.Camera.Pose.T, 0, math.Inf(1)
		further := origin.Add(p.Add(origin.Scale(-1)).Scale(1.01))
		for k := range others {
			if moved := others[k].moves(p, further); moved > parallax && moved < least {
				best, least = k, moved
			}
		}
		if !math.IsInf(least, 1) {
			found := searches[best].depth(cell)
			all[camera.name] = append(all[camera.name], math.Abs(found-depth)/depth)
		}
	}
}

// moves returns how many pixels are between two points, 0 if the view does
// not have the first.
func (e *eye) moves(a, b geom.Vec3) float64 {
	_, _, seen := e.place(a)
	p, q := e.pixel(a), e.pixel(b)
	if !seen || q[2] <= 0 {
		return 0
	}
	return math.Hypot(p[0]/p[2]-q[0]/q[2], p[1]/p[2]-q[1]/q[2])
}

// pixel returns the homogeneous map pixel of a global point; its third
// component is the depth.
func (e *eye) pixel(global geom.Vec3) geom.Vec3 {
	return e.Camera.PixelsFromCamera().Apply(e.Camera.Pose.Inv().Apply(global))
}

// place returns the map's cell under a global point and its depth, and whether
// the image, less a margin for the patch, has it.
func (e *eye) place(global geom.Vec3) (cell int, depth float64, ok bool) {
	q := e.pixel(global)
	if q[2] <= 0 {
		return 0, 0, false
	}
	x, y := int(q[0]/q[2]), int(q[1]/q[2])
	if x <= reach || y <= reach || x >= e.size.Width-reach-1 || y >= e.size.Height-reach-1 {
		return 0, 0, false
	}
	return y*mapWidth + x, q[2], true
}

// search tests every bin at single pixels.
type search struct {
	*Matcher
	bins []int32
}

func newSearch(camera, other *eye) search {
	size := geom.Size{Width: mapWidth, Height: mapHeight}
	bins := int((furthest + 5 - nearest) / binWidth)
	m, err := New(Config{
		Image: size, Coarse: size, Stereo: size, Channels: side * side, Groups: 1,
		Depth: geom.Bins{Start: nearest, Step: binWidth, Count: bins}, Samples: bins, Sigma: 1,
	}, noWeights(), compute.Resources{})
	if err != nil {
		panic(err)
	}
	s := search{Matcher: m}
	for i := range bins {
		s.bins = append(s.bins, int32(i))
	}
	m.current, m.previous, m.pairs = []View{camera.View}, []View{other.View}, make([][]pair, 1)
	m.findPairs(0)
	m.rows = []rowBuffers{{
		depths: make([]float64, bins),
		taps:   make([]kernel.Tap, bins), sums: make([]float32, bins), count: make([]float32, bins),
	}}
	return s
}

// depth returns the depth at which the cell correlates best.
func (s search) depth(cell int) float64 {
	b := &s.rows[0]
	s.correlate(s.bins, 0, cell%mapWidth, cell/mapWidth, b)
	return s.cfg.Depth.Center(slices.Index(b.sums, slices.Max(b.sums)))
}

// noWeights are a similarity network's that is not asked.
func noWeights() Weights {
	return Weights{
		Weight0: make([]float32, 16), Bias0: make([]float32, 16),
		Weight1: make([]float32, 8*16), Bias1: make([]float32, 8),
		Weight2: make([]float32, 8), Bias2: make([]float32, 1),
	}
}
