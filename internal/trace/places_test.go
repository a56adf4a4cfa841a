package trace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes"
)

func TestFolders(t *testing.T) {
	for name, want := range map[string]string{
		"scene-0103":     "scene-0103",
		"Straße 5, Köln": "Straße 5, Köln",
		"100%":           "100%",
		".hidden":        ".hidden",
		"":               "%",
		".":              "%2E",
		"..":             "%2E%2E",
		"/":              "%2F",
		"../../evil":     "..%2F..%2Fevil",
		`..\evil`:        `..%5Cevil`,
		"Town01/route 3": "Town01%2Froute 3",
		"a\x00b\n":       "a%00b%0A",
		"a\xffb":         "a\uFFFDb",
	} {
		if got := folder(name); got != want {
			t.Errorf("folder of %q is %q, want %q", name, got, want)
		}
	}
	long, other := strings.Repeat("ö/", 500), strings.Repeat("ö/", 501)
	if a, b := folder(long), folder(other); len(a) > maxFolder || a == b {
		t.Errorf("long names give %d bytes, the same folder: %t", len(a), a == b)
	}
}

// FuzzFolder: any name gives one element of a path below the folder.
func FuzzFolder(f *testing.F) {
	for _, name := range []string{"scene-0103", "", "..", "a/../..", "\x00", `\\host\x`, strings.Repeat("%", 300)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := folder(name)
		if !filepath.IsLocal(got) || filepath.Base(got) != got || got == "." || len(got) > maxFolder {
			t.Fatalf("%q gives %q", name, got)
		}
		if err := os.Mkdir(filepath.Join(t.TempDir(), got), 0o755); err != nil {
			t.Fatal(err)
		}
	})
}

func scene(token, name string, samples ...string) *nuscenes.Scene {
	s := &nuscenes.Scene{Token: token, Name: name}
	for _, sample := range samples {
		s.Samples = append(s.Samples, &nuscenes.Sample{Token: sample, Scene: s})
	}
	return s
}

func TestScenesOfOneNameAreToldApart(t *testing.T) {
	got, err := places([]*nuscenes.Scene{
		scene("t1", "night", "s1", "s2"), scene("t2", "night", "s3"), scene("t3", "day", "s4"),
		scene("t4", "a/b", "s5"), scene("t5", "a%2Fb", "s6"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]place{
		"s1": {"night-t1", 0}, "s2": {"night-t1", 1}, "s3": {"night-t2", 0}, "s4": {"day", 0},
		"s5": {"a%2Fb-t4", 0}, "s6": {"a%2Fb-t5", 0},
	} {
		if got[token] != want {
			t.Errorf("%s goes to %+v, want %+v", token, got[token], want)
		}
	}
	_, err = places([]*nuscenes.Scene{scene("t1", "x", "s1"), scene("t1", "x", "s2")})
	if err == nil || !strings.Contains(err.Error(), `scenes "t1" and "t1"`) {
		t.Errorf("two scenes of one token: %v", err)
	}
	_, err = places([]*nuscenes.Scene{scene("t1", "x", "s1"), scene("t2", "y", "s1")})
	if err == nil || !strings.Contains(err.Error(), `token "s1"`) {
		t.Errorf("two samples of one token: %v", err)
	}
}
