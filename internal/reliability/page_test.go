package reliability

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes/eval"
)

func TestReplaceLeavesTheRest(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	const text = "before\n<!-- begin a -->\nold\n<!-- end a -->\nbetween\n<!-- begin b -->\n<!-- end b -->\nafter\n"
	if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, new := range []string{"new\n", "newer\n"} {
		if err := Replace(page, "a", new); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Replace(text, "old\n", new, 1); string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := Replace(page, "c", "new"); err == nil || !strings.Contains(err.Error(), "<!-- begin c -->") {
		t.Errorf("error %v", err)
	}
}

func TestShares(t *testing.T) {
	for want, s := range map[string]Share{
		"67 %":            {Value: 0.667},
		"67 % (50 to 80)": {0.667, eval.Interval{Low: 0.5, High: 0.8}},
	} {
		if got := s.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
