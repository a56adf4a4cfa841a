package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/solofusion/solofusion/internal/testbundle"
)

func TestOptimizeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out := filepath.Join(t.TempDir(), "out")
	c := modelOptimizeCmd{Bundle: testbundle.Write(t), Out: out}
	if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the interruption", err)
	}
	if list, err := os.ReadDir(filepath.Dir(out)); err != nil || len(list) > 0 {
		t.Errorf("%v is left behind, error %v", list, err)
	}
}
