package bus

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/solofusion/solofusion/perception"
)

func named(camera string) *perception.Rig {
	r := testRig()
	r.Cameras[0].Name = camera
	return r
}

func TestAnyNames(t *testing.T) {
	srv := start(t, ServerOptions{})
	names := []string{"vorn links", "a.b", ".", "*", ">", "Rück/../$SYS=3D\n", strings.Repeat("ü", perception.MaxName/2)}
	for _, name := range names {
		s := Subjects{Prefix: car.Prefix, Rig: name}
		p := NewPublisher(connect(t, ConnOptions{Server: srv}), s, PublisherOptions{})
		rig := named(name)
		rig.Name = name
		publish(t, p, rig)
		src, err := NewSource(within(t), connect(t, ConnOptions{Server: srv}), s, SourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		publish(t, p, testFrame(name, 1))
		for _, want := range []perception.Event{rig, testFrame(name, 1)} {
			if diff := cmp.Diff(want, next(t, src)); diff != "" {
				t.Errorf("%q (-sent +received):\n%s", name, diff)
			}
		}
		defer func() {
			if src.queue.Len() > 0 || drops(src)["malformed"] > 0 {
				t.Errorf("%q has another rig's messages", name)
			}
		}()
	}
}

func TestBadNames(t *testing.T) {
	c := connect(t, ConnOptions{Server: start(t, ServerOptions{})})
	for _, s := range []Subjects{{"", "car"}, {"sf.>", "car"}, {strings.Repeat("a", 201), "car"}, {"sf", ""}, {"sf", "\xff"}} {
		if _, err := NewSource(within(t), c, s, SourceOptions{}); err == nil {
			t.Errorf("a source took %v", s)
		}
		if _, err := NewResults(c, s); err == nil {
			t.Errorf("a feed took %v", s)
		}
	}
}
