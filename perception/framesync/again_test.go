package framesync

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/solofusion/solofusion/perception"
)

// player sends a recording, and awaits the set of each instant before it sends the next.
type player struct {
	sync   *Sync
	now    time.Time
	period int  // of the recording, ms
	keyed  bool // frames name their key frame, and have their poses
}

// send sends an instant of some of the cameras.
func (p *player) send(instant int, cameras []string) (sets []Set) {
	for i, name := range cameras {
		at := p.period*instant + 7*i
		events := []perception.Event{poseAt(at), frame(name, at)}
		if p.keyed {
			f, pose := frame(name, at), poseAt(at).GlobalFromEgo
			f.OwnPose, f.Key = &pose, &perception.KeyFrame{ID: fmt.Sprint(instant), Time: ms(p.period * instant), GlobalFromEgo: &pose}
			events = []perception.Event{f}
		}
		for _, ev := range events {
			p.now = p.now.Add(time.Millisecond)
			sets = append(sets, p.sync.Push(perception.Delivery{Event: ev}, p.now)...)
		}
	}
	return sets
}

// pause lets time pass.
func (p *player) pause(d time.Duration) {
	end := p.now.Add(d)
	for at, ok := p.sync.Deadline(); ok && !at.After(end); at, ok = p.sync.Deadline() {
		p.sync.Advance(at)
	}
	p.now = end
}

// await returns the next sets, which may be those of a push, and how long they took.
func (p *player) await(sets []Set) ([]Set, time.Duration) {
	start := p.now
	for len(sets) == 0 {
		at, ok := p.sync.Deadline()
		if !ok {
			break
		}
		if at.After(p.now) {
			p.now = at
		}
		sets = p.sync.Advance(p.now)
	}
	return sets, p.now.Sub(start)
}

// A recording that is played again, after an interruption anywhere but in its first two
// instants, by a publisher that awaits each result: the first instant has its set within two
// periods and the deadline, at the start of a stream 1.2 s and the deadline. (What repeats a frame just used is a duplicate.)
func TestPlayedAgain(t *testing.T) {
	for _, keyed := range []bool{false, true} {
		for cameras := 1; cameras <= 6; cameras++ {
			for instants := 2; instants <= 3; instants++ {
				for cut := 0; cut <= cameras; cut++ {
					for _, again := range []int{1, (cameras + 1) / 2, cameras} {
						for _, pause := range []time.Duration{0, 300 * time.Millisecond, 5 * time.Second} {
							for _, period := range []int{100, 500, 1000} {
								name := fmt.Sprintf("keyed %v, %d cameras, %d instants and %d frames of another, again with %d after %v at %d ms", keyed, cameras, instants, cut, again, pause, period)
								t.Run(name, func(t *testing.T) {
									p := player{sync: New(Options{}), now: epoch, period: period, keyed: keyed}
									p.again(t, cameras, instants, cut, again, pause)
								})
							}
						}
					}
				}
			}
		}
	}
}

func (p *player) again(t *testing.T, cameras, instants, cut, again int, pause time.Duration) {
	p.sync.Push(perception.Delivery{Event: rig(six[:cameras]...)}, p.now)
	for k := range instants {
		p.await(p.send(k, six[:cameras]))
		p.now = p.now.Add(50 * time.Millisecond)
	}
	p.send(instants, six[:cut])
	p.pause(pause)
	limit := 2 * time.Duration(p.period) * time.Millisecond
	if p.now.Sub(epoch) < patience { // the stream has just begun
		limit = max(limit, patience)
	}
	limit += p.sync.options.Deadline
	old := p.send(0, six[:again])
	for len(old) > 0 && !strings.HasPrefix(old[0].NewSequence, "time went back") {
		old = old[1:]
	}
	sets, took := p.await(old)
	for len(sets) > 0 && !strings.HasPrefix(sets[0].NewSequence, "time went back") {
		var more time.Duration
		sets, more = p.await(sets[1:])
		took += more
	}
	if len(sets) == 0 {
		t.Fatalf("no set with a step back: %v", (&seen{sync: p.sync}).drops())
	}
	if got := len(sets[0].Frames) - len(sets[0].Missing()); got != again {
		t.Errorf("%d cameras in the set, want %d: %v", got, again, (&seen{sync: p.sync}).drops())
	}
	if took > limit {
		t.Errorf("it took %v, want %v at most", took, limit)
	}
}
