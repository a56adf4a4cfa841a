package reliability

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/solofusion/solofusion/internal/whole"
)

// Replace puts text in place of what a page has between the marks of that name, which
// are comments on lines of their own.
func Replace(page, name, text string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("reliability: %w", err)
	}
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
	before, rest, begun := strings.Cut(string(old), begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		return fmt.Errorf("reliability: %s has no lines %q and %q, between which the text goes", page, strings.TrimSpace(begin), end)
	}
	return whole.Write(whole.File{Path: page, Write: func(w io.Writer) error {
		_, err := io.WriteString(w, before+begin+text+end+after)
		return err
	}})
}

// String writes the share in per cent with its interval.
func (s Share) String() string {
	if s.Low == s.High {
		return fmt.Sprintf("%.0f %%", 100*s.Value)
	}
	return fmt.Sprintf("%.0f %% (%.0f to %.0f)", 100*s.Value, 100*s.Low, 100*s.High)
}
