package filekind

import (
	"strings"
	"testing"
)

func TestKind(t *testing.T) {
	tar := strings.Repeat("\x00", 257) + "ustar\x0000"
	for head, want := range map[string]string{
		"version https://git-lfs.github.com/spec/v1\noid sha256:0": "a Git LFS pointer",
		"PK\x03\x04\x14": "a zip archive",
		"\x1f\x8b\x08":   "a gzip archive",
		tar:              "a tar archive",
		"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}": "a pickle",
		"\x80\x02}q\x00":           "a pickle",
		"\n <!DOCTYPE html><html>": "an HTML page",
		"\ufeff<html lang=\"en\">": "an HTML page",
		"\xff\xfe[\x00":            "a text in UTF-16",
		"":                         "an empty file",
		"[{\"token\": \"a\"}]":     "",
		"\ufeff{\"results\": {}}":  "",
		" \n[":                     "",
		"<xml/>":                   "",
		"version 1":                "",
		"\x80":                     "",
		"\x80\x04\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a": "",
	} {
		if got := Kind([]byte(head)); got != want {
			t.Errorf("%.20q is %q, want %q", head, got, want)
		}
	}
}
