package pipeline_test

import (
	"strings"
	"testing"

	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/perception/pipeline"
)

func TestCompare(t *testing.T) {
	dir := testbundle.Write(t)
	a, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := pipeline.Compare(a, a, 0); err != nil {
		t.Error(err)
	}
	overwrite(t, dir, "bev_embed.onnx", "conv.weight", 0.5)
	b, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = pipeline.Compare(a, b, 1e-5)
	if err == nil || !strings.Contains(err.Error(), `bev_embed.onnx: output "bev" is off by`) || strings.Contains(err.Error(), "head.onnx") {
		t.Errorf("error %v, want one that names bev of bev_embed.onnx", err)
	}
}
