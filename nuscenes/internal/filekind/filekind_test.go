package filekind_test

import (
	"strings"
	"testing"

	"github.com/solofusion/solofusion/nuscenes/internal/filekind"
)

func TestKinds(t *testing.T) {
	tests := map[string]string{
		"": "empty", "\x00\x00\x00": "bytes of zero", " \n": "empty", "PK\x03\x04rest": "a zip archive", "\x1f\x8b\x08": "gzip",
		"\x80\x04\x95": "pickle", "\xef\xbb\xbf{}": "UTF-8 byte order mark", "\xff\xfe{\x00": "UTF-16",
		"\xff\xfe\x00\x00{": "UTF-32", "{\x00}\x00": "UTF-16", "\x00{\x00}": "UTF-16",
		"version https://git-lfs.github.com/spec/v1\noid sha256:00": "Git LFS pointer",
		"\n<!DOCTYPE html><p>": "HTML page", "<html lang=en>": "HTML page", "<?xml version": "XML",
		strings.Repeat("a", 257) + "ustar": "tar archive", "\x93NUMPY": "NumPy",
	}
	for head, want := range tests {
		if got := filekind.Kind([]byte(head)); !strings.Contains(got, want) {
			t.Errorf("%q is %q, want %q", head, got, want)
		}
	}
	for _, head := range []string{"{}", "[", " {\"meta\"", "null", "NaN", "\"a\"", "1", "{'a': 1}"} {
		if got := filekind.Kind([]byte(head)); got != "" {
			t.Errorf("%q is %q, want nothing", head, got)
		}
	}
}
