package main

import (
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes"
)

// A scene is chosen by its name or its token; a name that two scenes have is refused
// with both tokens.
func TestScenesOf(t *testing.T) {
	ds := &nuscenes.Dataset{Version: "v1.0-x", Scenes: []*nuscenes.Scene{
		{Token: "t1", Name: "night"}, {Token: "t2", Name: "night"}, {Token: "t3", Name: "t1"}, {Token: "t4", Name: "day"},
	}}
	for _, test := range []struct {
		names []string
		want  string // tokens
		err   string
	}{
		{nil, "t1 t2 t3 t4", ""},
		{[]string{"day"}, "t4", ""},
		{[]string{"t2", "day"}, "t2 t4", ""},
		{[]string{"t1"}, "t3", ""}, // a name comes before a token
		{[]string{"night"}, "", `2 scenes of the name "night": choose by token, t1 or t2`},
		{[]string{"day", "t4"}, "", `scene "t4" twice`},
		{[]string{"dusk"}, "", `no scene "dusk"`},
	} {
		scenes, err := scenesOf(ds, test.names)
		var tokens []string
		for _, scene := range scenes {
			tokens = append(tokens, scene.Token)
		}
		if got := strings.Join(tokens, " "); got != test.want {
			t.Errorf("%v: scenes %s, want %s", test.names, got, test.want)
		}
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%v: error %v, want %q", test.names, err, test.err)
		}
	}
}
