package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // substrings; "" means nothing is written there
	}{
		{"help", []string{"--help"}, exitDone, "Examples:", ""},
		{"version", []string{"--version"}, exitDone, "solofusion ", ""},
		{"unknown command", []string{"fly"}, exitUsage, "", "solofusion: unexpected argument fly"},
		{"unknown flag", []string{"doctor", "--fast"}, exitUsage, "", "solofusion: unknown flag --fast"},
		{"no command", nil, exitUsage, "", "solofusion: expected one of"},
		{"log level", []string{"--log-level=loud", "doctor"}, exitUsage, "", "solofusion: --log-level"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(tt.args, &stdout, &stderr); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			check(t, "stdout", stdout.String(), tt.stdout)
			check(t, "stderr", stderr.String(), tt.stderr)
		})
	}
}

func check(t *testing.T, stream, got, want string) {
	t.Helper()
	if want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("%s is %q, want %q in it", stream, got, want)
	}
}
