package trace

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"

	"github.com/solofusion/solofusion/nuscenes"
)

// place is where a sample's arrays go.
type place struct {
	scene string // its folder, one element of a path
	index int    // in the scene
}

// places returns the place of each sample by its token. Two scenes of one name are
// told apart by their tokens.
func places(scenes []*nuscenes.Scene) (map[string]place, error) {
	names := map[string]int{}
	for _, scene := range scenes {
		names[folder(scene.Name)]++
	}
	all, holders := map[string]place{}, map[string]*nuscenes.Scene{}
	for _, scene := range scenes {
		name := folder(scene.Name)
		if names[name] > 1 {
			name = folder(scene.Name + "-" + scene.Token)
		}
		if other := holders[name]; other != nil {
			return nil, fmt.Errorf("trace: scenes %q and %q, of the names %q and %q, would share the folder %s: trace them apart, with --scenes",
				other.Token, scene.Token, other.Name, scene.Name, name)
		}
		holders[name] = scene
		for i, sample := range scene.Samples {
			if _, twice := all[sample.Token]; twice {
				return nil, fmt.Errorf("trace: two samples have the token %q, want distinct ones", sample.Token)
			}
			all[sample.Token] = place{name, i}
		}
	}
	return all, nil
}

// maxFolder is the longest name of a folder, in bytes. File systems take 255.
const maxFolder = 200

// folder returns the name of a folder for a scene: the scene's name, with % and the
// digits of its bytes in place of a character that cannot be part of one element of
// a path, and cut if it is too long.
func folder(name string) string {
	dots := strings.Trim(name, ".") == ""
	var text strings.Builder
	for _, r := range strings.ToValidUTF8(name, "\uFFFD") {
		if plain := unicode.IsPrint(r) && r != '/' && r != '\\'; plain && !dots {
			text.WriteRune(r)
			continue
		}
		for _, b := range []byte(string(r)) {
			fmt.Fprintf(&text, "%%%02X", b)
		}
	}
	switch out := text.String(); {
	case out == "":
		return "%"
	case len(out) > maxFolder:
		return strings.ToValidUTF8(out[:maxFolder-17], "") + fmt.Sprintf("-%x", sha256.Sum256([]byte(name)))[:17]
	default:
		return out
	}
}
