package bus

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/solofusion/solofusion/perception"
)

func TestTokens(t *testing.T) {
	for name, want := range map[string]string{
		"CAM_FRONT-2": "CAM_FRONT-2",
		"vorn links":  "vorn=20links",
		"a.b":         "a=2Eb",
		"..":          "=2E=2E",
		"*":           "=2A",
		">":           "=3E",
		"$SYS/x":      "=24SYS=2Fx",
		"a=20b":       "a=3D20b",
		"Rück":        "R=C3=BCck",
		"\t\x00":      "=09=00",
	} {
		if got := Token(name); got != want {
			t.Errorf("Token(%q) = %s, want %s", name, got, want)
		}
	}
}

// Each name has one token, which subjects and keys of buckets can have.
func TestTokensAreReversible(t *testing.T) {
	allowed := regexp.MustCompile(`^[A-Za-z0-9_=-]+$`) // fewer than NATS allows
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringN(1, -1, perception.MaxName).Draw(t, "name")
		token := Token(name)
		if !allowed.MatchString(token) {
			t.Errorf("Token(%q) = %q", name, token)
		}
		if got, err := Name(token); err != nil || got != name {
			t.Errorf("Name(%q) = %q, %v; want %q", token, got, err, name)
		}
	})
}

// What Token does not return is refused, with what it would be.
func TestNameRefuses(t *testing.T) {
	for token, want := range map[string]string{
		"":            "it is empty",
		"vorn.links":  `want "vorn=2Elinks"`,
		"=c3=a4":      `want "=C3=A4"`,
		"=41":         `want "A"`,
		"50=":         `want "50=3D"`,
		"=zz":         `want "=3Dzz"`,
		"=FF":         "it is not UTF-8",
		"a*":          `want "a=2A"`,
		longest + "a": "it has 256 bytes, want at most 255",
	} {
		if name, err := Name(token); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Name(%q) = %q, %v; want the error %q", token, name, err, want)
		}
	}
}

var longest = strings.Repeat("a", perception.MaxName)

// FuzzName: every token that is taken is the one of its name.
func FuzzName(f *testing.F) {
	f.Add("CAM_FRONT")
	f.Add("R=C3=BCck")
	f.Add("=c3=FF=")
	f.Fuzz(func(t *testing.T, token string) {
		if name, err := Name(token); err == nil && (Token(name) != token || !utf8.ValidString(name)) {
			t.Errorf("Name(%q) = %q, whose token is %q", token, name, Token(name))
		}
	})
}
