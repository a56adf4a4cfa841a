package quant

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/tensor"
	"github.com/solofusion/solofusion/tensor/npy"
)

// WriteExamples writes inputs of a bundle's float32 graphs for experiments outside Go: at
// most n sets, each of another drive and with a full history if it has one. An input is
// GRAPH/NUMBER/NAME.npy in the folder, the encoder's of one image in turn.
func WriteExamples(ctx context.Context, b *model.Bundle, drives []Drive, n int, o Run, folder string) error {
	of, err := sample(ctx, b, drives, n, o)
	if err != nil {
		return err
	}
	for _, g := range model.Graphs() {
		for i, x := range of[g] {
			into := filepath.Join(folder, strings.TrimSuffix(string(g), ".onnx"), strconv.Itoa(i))
			if err := os.MkdirAll(into, 0o755); err != nil {
				return fmt.Errorf("quant: examples: %w", err)
			}
			for name, t := range x.inputs {
				if err := npy.WriteFile(filepath.Join(into, name+".npy"), t.(*tensor.F32)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
