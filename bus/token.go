package bus

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/solofusion/solofusion/perception"
)

// Token returns a rig's or camera's name as one token of a subject: letters,
// digits, _ and - are themselves, and each other byte of the UTF-8 is = with two
// upper-case hexadecimal digits, so that "vorn links" becomes vorn=20links.
//
// Percent signs would do for subjects, but keys of NATS' key-value buckets allow =
// and not %.
func Token(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

func plain(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// Name is the inverse of Token. It returns an error for what Token cannot return.
func Name(token string) (string, error) {
	var b []byte
	for rest := token; rest != ""; {
		if len(rest) >= 3 && rest[0] == '=' {
			if c, err := hex.DecodeString(rest[1:3]); err == nil {
				b, rest = append(b, c...), rest[3:]
				continue
			}
		}
		b, rest = append(b, rest[0]), rest[1:]
	}
	name := string(b)
	if want := Token(name); want != token {
		return "", fmt.Errorf("token %q of the name %q, want %q", token, name, want)
	}
	if err := perception.CheckName(name); err != nil {
		return "", fmt.Errorf("token %q: %w", token, err)
	}
	return name, nil
}
