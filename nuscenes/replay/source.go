package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"

	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/perception"
)

// Options select what a source sends.
type Options struct {
	Cameras []string     // in the rig's order; nil means all that a sample has
	After   string       // cursor to resume after; "" begins at the start
	Poses   bool         // also send ego poses by time, as a vehicle does, for frames that lose their own
	Live    bool         // send frames and ego poses by time as a vehicle does: frames without key frames or poses of their own
	Sweeps  bool         // with Live: also the images between the key frames
	Logger  *slog.Logger // for what is odd in a scene; nil means slog.Default()
}

// Stats counts what a source sent and what was absent.
type Stats struct {
	Scenes         int            // begun
	Samples        int            // sent, with at least one image
	SkippedSamples int            // without any image, not sent
	Frames         int            // sent
	Images         map[string]int // that the samples name, by camera
	Absent         map[string]int // of them, files that do not exist
	Unreadable     map[string]int // and those that exist and cannot be read
	WhyUnreadable  string         // of the first of these
}

// Source sends scenes as events. It is a [perception.Source]. The cursor of an
// event is the token of its sample, that of a reset the token of the first
// sample of the scene that begins: resuming after it sends what comes after the
// last event with that cursor.
type Source struct {
	ds      *nuscenes.Dataset
	scenes  []*nuscenes.Scene
	options Options
	stats   Stats

	scene, sample int               // indices of the next sample
	queue         []event           // of the current sample
	cursor        string            // of the queue
	rig           *perception.Rig   // last one sent
	last          *nuscenes.Sample  // of the scene, that was sent
	sequence      map[string]uint64 // of each camera's next frame
	words         words             // of the current scene
}

// event is something to send; a frame's image is read when its turn comes.
type event struct {
	perception.Event
	path string // of a frame's image
}

// NewSource returns a source of scenes in the given order. It fails if a sample's
// calibration is invalid, if its time cannot be in microseconds, if no sample has any
// of the cameras, or if After is not the token of one of the samples.
func NewSource(ds *nuscenes.Dataset, scenes []*nuscenes.Scene, options Options) (*Source, error) {
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	s := &Source{ds: ds, scenes: scenes, options: options, sequence: map[string]uint64{}, stats: newStats()}
	samples, usable := 0, 0
	for _, scene := range scenes {
		samples += len(scene.Samples)
		n, err := s.check(scene)
		if err != nil {
			return nil, err
		}
		usable += n
	}
	if samples > 0 && usable == 0 {
		return nil, fmt.Errorf("replay: no sample of %s has %s", ds.Version, s.wanted())
	}
	if options.After != "" {
		if err := s.resume(options.After); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func newStats() Stats {
	return Stats{Images: map[string]int{}, Absent: map[string]int{}, Unreadable: map[string]int{}}
}

// check returns how many samples of a scene have cameras, and an error for the first
// that cannot be sent.
func (s *Source) check(scene *nuscenes.Scene) (usable int, err error) {
	for _, sample := range scene.Samples {
		if !s.hasCamera(sample) {
			continue
		}
		usable++
		if err := checkTime(sample); err != nil {
			return 0, err
		}
		if _, err := s.ds.Rig(sample, s.options.Cameras); err != nil {
			return 0, fmt.Errorf("replay: %w", err)
		}
	}
	return usable, nil
}

// wanted describes the cameras that are wanted.
func (s *Source) wanted() string {
	if s.options.Cameras == nil {
		return "a camera"
	}
	return fmt.Sprintf("one of the cameras %q", s.options.Cameras)
}

// resume skips all events up to the last one with that cursor. The calibration in
// force is sent first. Skipped frames count for the sequence numbers, but are not
// logged and not part of the stats.
func (s *Source) resume(after string) error {
	log := s.options.Logger
	s.options.Logger = slog.New(slog.DiscardHandler)
	for s.taken() != after {
		if err := s.fill(); errors.Is(err, io.EOF) {
			return fmt.Errorf("replay: cannot resume after %q, want the token of a sample of the scenes", after)
		} else if err != nil {
			return err
		}
	}
	s.options.Logger, s.stats, s.words, s.queue = log, newStats(), words{}, nil
	if s.rig != nil {
		s.queue = []event{{Event: s.rig}}
	}
	return nil
}

// taken returns the token of the scene's sample that was queued last, "" if
// there was none.
func (s *Source) taken() string {
	if s.sample == 0 {
		return ""
	}
	return s.scenes[s.scene].Samples[s.sample-1].Token
}

// hasCamera reports whether the sample has one of the wanted cameras.
func (s *Source) hasCamera(sample *nuscenes.Sample) bool {
	return slices.ContainsFunc(sample.Cameras(), func(d *nuscenes.SampleData) bool {
		return s.options.Cameras == nil || slices.Contains(s.options.Cameras, d.Channel())
	})
}

// Stats returns the counts so far.
func (s *Source) Stats() Stats {
	st := s.stats
	st.Images, st.Absent, st.Unreadable = maps.Clone(st.Images), maps.Clone(st.Absent), maps.Clone(st.Unreadable)
	return st
}

// Drops implements [perception.Source]. A recording drops nothing; absent images
// are counted in Stats.
func (s *Source) Drops(func(reason string, n uint64) bool) {}

// Next implements [perception.Source]. It fails if an image cannot be read.
func (s *Source) Next(ctx context.Context) (perception.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return perception.Delivery{}, err
	}
	for len(s.queue) == 0 {
		if err := s.fill(); err != nil {
			return perception.Delivery{}, err
		}
	}
	next := s.queue[0]
	s.queue = s.queue[1:]
	if frame, isFrame := next.Event.(*perception.Frame); isFrame {
		if err := s.load(frame, next.path); err != nil {
			return perception.Delivery{}, err
		}
	}
	return perception.Delivery{Event: next.Event, Cursor: s.cursor}, nil
}

// load reads a frame's image.
func (s *Source) load(frame *perception.Frame, path string) (err error) {
	if frame.Image, err = os.ReadFile(path); err != nil {
		return fmt.Errorf("replay: %s: %w", frame.Camera, err)
	}
	s.stats.Frames++
	return nil
}

// fill queues the events of the next sample, or of the change of scenes.
func (s *Source) fill() error {
	if s.scene == len(s.scenes) {
		return io.EOF
	}
	scene := s.scenes[s.scene]
	if s.sample == len(scene.Samples) {
		s.endScene(scene)
		return nil
	}
	if s.sample == 0 {
		s.stats.Scenes++
	}
	s.sample++
	s.cursor = s.taken()
	return s.queueSample(scene.Samples[s.sample-1])
}

func (s *Source) endScene(scene *nuscenes.Scene) {
	s.words.log(s.options.Logger, scene)
	s.words, s.last = words{}, nil
	s.scene++
	s.sample = 0
	if s.scene == len(s.scenes) {
		return
	}
	next := s.scenes[s.scene]
	if len(next.Samples) > 0 {
		s.cursor = next.Samples[0].Token
	}
	s.queue = append(s.queue, event{Event: perception.Reset{Reason: "scene " + next.Name + " begins"}})
}

func (s *Source) queueSample(sample *nuscenes.Sample) error {
	if !s.hasCamera(sample) {
		s.stats.SkippedSamples++
		return nil
	}
	rig, err := s.ds.Rig(sample, s.options.Cameras)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	frames := s.frames(sample, rig)
	if len(frames) == 0 {
		s.stats.SkippedSamples++
		return nil
	}
	s.stats.Samples++
	if s.last != nil && sample.KeyTime() <= s.last.KeyTime() {
		s.words.back(sample)
		s.queue = append(s.queue, event{Event: perception.Reset{Reason: "time does not go on in scene " + sample.Scene.Name}})
	}
	s.last = sample
	if s.rig == nil || s.rig.Name != rig.Name || !s.rig.Equal(rig) {
		s.rig = rig
		s.queue = append(s.queue, event{Event: rig})
	}
	if s.options.Poses || s.options.Live {
		s.queue = append(s.queue, poses(sample, s.measurements(sample, rig))...)
	}
	s.queue = append(s.queue, frames...)
	if s.options.Live {
		asSent(s.queue)
	}
	return nil
}

// frames returns the sample's frames whose images can be read, numbered, without their
// images, by capture time and then in the rig's order.
func (s *Source) frames(sample *nuscenes.Sample, rig *perception.Rig) []event {
	key := &perception.KeyFrame{
		ID: sample.Token, Time: sample.KeyTime().Time(), GlobalFromEgo: placed(sample.KeyPose()),
	}
	var frames []event
	for _, data := range s.measurements(sample, rig) {
		camera := data.Channel()
		s.stats.Images[camera]++
		path := s.ds.Path(data)
		if err := s.ds.CheckFile(data); err != nil {
			s.without(data, path, err)
			continue
		}
		frames = append(frames, event{path: path, Event: &perception.Frame{
			Camera:   camera,
			Captured: data.Timestamp.Time(),
			Key:      key,
			Sequence: s.sequence[camera],
			OwnPose:  placed(data.EgoPose),
		}})
		s.sequence[camera]++
	}
	slices.SortStableFunc(frames, func(a, b event) int {
		return a.Event.(*perception.Frame).Captured.Compare(b.Event.(*perception.Frame).Captured)
	})
	return frames
}

// placed returns where the vehicle was, nil if that is unknown.
func placed(pose *nuscenes.EgoPose) *geom.Transform {
	if pose == nil {
		return nil
	}
	return &pose.GlobalFromEgo
}

// image returns the sample's image of a camera of its rig.
func image(sample *nuscenes.Sample, camera string) *nuscenes.SampleData {
	cameras := sample.Cameras()
	return cameras[slices.IndexFunc(cameras, func(d *nuscenes.SampleData) bool { return d.Channel() == camera })]
}

// without counts and logs an image whose file does not exist or cannot be read.
func (s *Source) without(data *nuscenes.SampleData, path string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		s.words.absent(path)
		s.stats.Absent[data.Channel()]++
	} else {
		s.words.unreadable(err)
		s.stats.Unreadable[data.Channel()]++
		s.stats.WhyUnreadable = cmp.Or(s.stats.WhyUnreadable, err.Error())
	}
	s.options.Logger.Debug("no image", "scene", data.Sample.Scene.Name, "camera", data.Channel(), "file", path, "error", err)
}

// poses returns the ego poses at the key time and at each capture, by time, one
// for each instant. The key pose wins over a camera's at the same instant.
func poses(sample *nuscenes.Sample, images []*nuscenes.SampleData) []event {
	type at struct {
		time nuscenes.Timestamp
		pose geom.Transform
	}
	var all []at
	add := func(time nuscenes.Timestamp, pose *nuscenes.EgoPose) {
		if pose != nil {
			all = append(all, at{time, pose.GlobalFromEgo})
		}
	}
	add(sample.KeyTime(), sample.KeyPose())
	for _, data := range images {
		add(data.Timestamp, data.EgoPose)
	}
	slices.SortStableFunc(all, func(a, b at) int { return cmp.Compare(a.time, b.time) })
	all = slices.CompactFunc(all, func(a, b at) bool { return a.time == b.time })
	events := make([]event, len(all))
	for i, p := range all {
		events[i].Event = perception.EgoPose{Time: p.time.Time(), GlobalFromEgo: p.pose}
	}
	return events
}
