package golden

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Shared returns the path of a file or folder of the shared test data. If
// it is absent the test is skipped, or fails with CI=true or
// SOLOFUSION_REQUIRE_DATA=1.
func Shared(t testing.TB, path string) string {
	t.Helper()
	full := filepath.Join(root(), filepath.FromSlash(path))
	if _, err := os.Stat(full); err != nil {
		if os.Getenv("CI") == "true" || os.Getenv("SOLOFUSION_REQUIRE_DATA") == "1" {
			t.Fatalf("golden: test data %s is required and missing: %v; set SOLOFUSION_DATA to its folder", path, err)
		}
		t.Skipf("golden: test data %s is missing (%v); set SOLOFUSION_DATA to its folder", path, err)
	}
	return full
}

// root returns SOLOFUSION_DATA, or shared beside the checkout that this file
// was compiled from.
func root() string {
	if dir := os.Getenv("SOLOFUSION_DATA"); dir != "" {
		return dir
	}
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "shared")
}
