package reliability

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/geom"
	"github.com/solofusion/solofusion/perception"
)

// Overload sends a service more sets than it can work off.
type Overload struct {
	Drive    *Drive        // whose images are sent, in turn
	Factor   float64       // sets sent for each that the service can work off
	Duration time.Duration // of sending
}

// Strain is what became of an overload.
type Strain struct {
	Factor    float64
	Duration  time.Duration
	Cameras   int
	Sent      int               // sets
	Results   []Answer          // in order
	Counts    map[string]uint64 // of the service, what it had before left out
	Inference time.Duration     // median of those under load
	Memory    []int64           // resident bytes of the service, sampled each second of the load
}

// Answer is a result as its reader saw it.
type Answer struct {
	Latency   time.Duration // from the newest capture to the result's arrival
	Inference time.Duration // the detector's part
}

// Quantile returns a quantile of the latencies in units of the median inference.
func (s *Strain) Quantile(p float64) float64 {
	var all []float64
	for _, a := range s.Results {
		all = append(all, float64(a.Latency)/float64(s.Inference))
	}
	slices.Sort(all)
	return stat.Quantile(p, stat.Empirical, all, nil)
}

// Check returns an error if a set or a frame is not accounted for.
func (s *Strain) Check() error {
	lost := s.sum("lost.")
	if c := s.Counts; c["sets"] != c["results"]+lost {
		return fmt.Errorf("reliability: %d sets led to %d results and %d losses", c["sets"], c["results"], lost)
	}
	if n := uint64(len(s.Results)); s.Counts["results"] != n {
		return fmt.Errorf("reliability: the service counts %d results, and %d came", s.Counts["results"], n)
	}
	sent, taken := uint64(s.Sent*s.Cameras), s.Counts["frames"]+s.Counts["drop.queue_full"]
	if sent != taken {
		return fmt.Errorf("reliability: of %d frames sent %d are accounted for", sent, taken)
	}
	return nil
}

func (s *Strain) sum(prefix string) (n uint64) {
	for name, count := range s.Counts {
		if strings.HasPrefix(name, prefix) {
			n += count
		}
	}
	return n
}

// vehicle publishes sets and reads what the service makes of them.
type vehicle struct {
	publisher *bus.Publisher
	results   *bus.Feed[*perception.Result]
	statuses  *bus.Feed[*perception.Status]
	drive     *Drive
	sequence  uint64
}

// Run sends the load to the service at the other end of the connection. watch returns
// the service's resident memory.
func (o *Overload) Run(ctx context.Context, c *bus.Conn, subjects bus.Subjects, watch func() (int64, error)) (*Strain, error) {
	v := &vehicle{publisher: bus.NewPublisher(c, subjects, bus.PublisherOptions{}), drive: o.Drive}
	var err error
	if v.results, err = bus.NewResults(c, subjects); err != nil {
		return nil, err
	}
	defer v.results.Close()
	if v.statuses, err = bus.NewStatuses(c, subjects); err != nil {
		return nil, err
	}
	defer v.statuses.Close()
	if err := v.publisher.Publish(ctx, o.Drive.Sets[0].Rig); err != nil {
		return nil, err
	}
	inference, err := v.calm(ctx)
	if err != nil {
		return nil, err
	}
	before, err := v.settled(ctx)
	if err != nil {
		return nil, err
	}
	s, err := v.strain(ctx, o, time.Duration(float64(inference)/o.Factor), watch)
	if err != nil {
		return nil, err
	}
	s.Inference = inference
	if err := v.finish(ctx, s, before.Counts); err != nil {
		return nil, err
	}
	s.Inference = middle(s.Results)
	return s, nil
}

// finish reads results until every set is accounted for, or for as long as a service may
// take for those that wait.
func (v *vehicle) finish(ctx context.Context, s *Strain, before map[string]uint64) error {
	patience := 10*time.Second + 20*s.Inference
	for began := time.Now(); ; {
		// A result's latency ends when it is read, so results are read before the status is.
		reading, cancel := context.WithTimeout(ctx, time.Second)
		for reading.Err() == nil {
			v.read(reading, s)
		}
		cancel()
		status, err := v.settled(ctx)
		if err != nil {
			return err
		}
		s.Counts = maps.Clone(status.Counts)
		for name, n := range before {
			s.Counts[name] -= n
		}
		if s.Check() == nil || time.Since(began) > patience {
			return ctx.Err()
		}
	}
}

// read takes a result if one comes.
func (v *vehicle) read(ctx context.Context, s *Strain) {
	if a, err := v.answer(ctx, time.Minute); err == nil {
		s.Results = append(s.Results, a)
	}
}

// calm sends sets one at a time and returns the median time of an inference.
func (v *vehicle) calm(ctx context.Context) (time.Duration, error) {
	const warm, counted = 3, 5
	var all []Answer
	for range warm + counted {
		if err := v.send(ctx, time.Now()); err != nil {
			return 0, err
		}
		a, err := v.answer(ctx, 30*time.Second)
		if err != nil {
			return 0, fmt.Errorf("reliability: no result of a set sent alone: %w", err)
		}
		all = append(all, a)
	}
	return middle(all[warm:]), nil
}

func middle(answers []Answer) time.Duration {
	var all []time.Duration
	for _, a := range answers {
		all = append(all, a.Inference)
	}
	slices.Sort(all)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)/2]
}

// send publishes a set captured at that time, with the pose of a vehicle at rest.
func (v *vehicle) send(ctx context.Context, at time.Time) error {
	set := v.drive.Sets[v.sequence%uint64(len(v.drive.Sets))]
	pose := perception.EgoPose{Time: at, GlobalFromEgo: geom.IdentityTransform()}
	if err := v.publisher.Publish(ctx, pose); err != nil {
		return err
	}
	for _, f := range set.Frames {
		frame := &perception.Frame{Camera: f.Camera, Captured: at, Sequence: v.sequence, Image: f.Image}
		if err := v.publisher.Publish(ctx, frame); err != nil {
			return err
		}
	}
	v.sequence++
	return nil
}

// answer waits for a result.
func (v *vehicle) answer(ctx context.Context, limit time.Duration) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := v.results.Next(ctx)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Latency: time.Since(r.Time)}
	for _, d := range r.StageDurations {
		a.Inference += d
	}
	return a, nil
}

// strain sends sets in that period for the load's time, and reads results meanwhile.
func (v *vehicle) strain(ctx context.Context, o *Overload, period time.Duration, watch func() (int64, error)) (*Strain, error) {
	s := &Strain{Factor: o.Factor, Duration: o.Duration, Cameras: len(o.Drive.Sets[0].Rig.Cameras)}
	sending, stop := context.WithTimeout(ctx, o.Duration)
	defer stop()
	var failed error
	var both sync.WaitGroup
	both.Go(func() { failed = v.stream(sending, s, period) })
	var memory error
	both.Go(func() { s.Memory, memory = sample(sending, watch) })
	for sending.Err() == nil {
		v.read(sending, s)
	}
	both.Wait()
	return s, errors.Join(failed, memory, ctx.Err())
}

// stream sends sets until ctx is done. A set that cannot be sent in time is followed by
// the next at once.
func (v *vehicle) stream(ctx context.Context, s *Strain, period time.Duration) error {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return v.publisher.Flush(context.WithoutCancel(ctx))
		case <-ticker.C:
		}
		if err := v.send(context.WithoutCancel(ctx), time.Now()); err != nil {
			return err
		}
		s.Sent++
	}
}

func sample(ctx context.Context, watch func() (int64, error)) (all []int64, err error) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return all, nil
		case <-ticker.C:
		}
		bytes, err := watch()
		if err != nil {
			return all, err
		}
		all = append(all, bytes)
	}
}

// settled returns a status made from now on.
func (v *vehicle) settled(ctx context.Context) (*perception.Status, error) {
	now := time.Now()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		s, err := v.statuses.Next(ctx)
		if err != nil {
			return nil, fmt.Errorf("reliability: no status: %w", err)
		}
		if s.Time.After(now) {
			return s, nil
		}
	}
}

// Strains writes loads as a table in Markdown.
func Strains(all []*Strain) string {
	var b strings.Builder
	b.WriteString("| load | for | sets sent | results | an inference | latency p50 | p99 | MiB after a quarter, end, most | lost and dropped |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range all {
		fmt.Fprintf(&b, "| %g x | %v | %d | %d | %d ms | %.2f inferences | %.2f | %s | %s |\n", s.Factor, s.Duration, s.Sent, len(s.Results),
			s.Inference.Milliseconds(), s.Quantile(0.5), s.Quantile(0.99), s.memory(), s.losses())
	}
	return b.String()
}

// memory writes the resident size: once the history is full and buffers have grown, last, and at its
// largest.
func (s *Strain) memory() string {
	if len(s.Memory) == 0 {
		return ""
	}
	return fmt.Sprintf("%d, %d, %d", s.Memory[len(s.Memory)/4]>>20, s.Memory[len(s.Memory)-1]>>20, slices.Max(s.Memory)>>20)
}

// losses writes why sets and frames led to no result.
func (s *Strain) losses() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s.Counts)) {
		unit := map[bool]string{true: "sets", false: "frames"}[strings.HasPrefix(name, "lost.")]
		_, reason, named := strings.Cut(name, ".")
		if named && s.Counts[name] > 0 {
			all = append(all, fmt.Sprintf("%d %s %s", s.Counts[name], unit, reason))
		}
	}
	return strings.Join(all, ", ")
}
