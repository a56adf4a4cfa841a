package model

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/solofusion/solofusion/internal/testbundle"
)

// TestValuesOutOfRange: each value just beyond a limit is one fault, with its
// key and what would be right.
func TestValuesOutOfRange(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(testbundle.Write(t), manifestFile))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if _, err := ReadManifest(data); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ old, new, want string }{
		{"format: 1", "format: 2", "format is 2, want 1"},
		{"name: tiny-random", `name: ""`, "name is empty, want a name"},
		{"cameras: [CAM_FRONT_LEFT, CAM_FRONT, CAM_FRONT_RIGHT, CAM_BACK_LEFT, CAM_BACK, CAM_BACK_RIGHT]", "cameras: []",
			"cameras is [], want at least one, each once"},
		{"CAM_BACK, CAM_BACK_RIGHT]", "CAM_BACK, CAM_BACK]",
			"cameras is [CAM_FRONT_LEFT CAM_FRONT CAM_FRONT_RIGHT CAM_BACK_LEFT CAM_BACK CAM_BACK], want at least one, each once"},
		{"CAM_BACK, CAM_BACK_RIGHT]", `CAM_BACK, ""]`,
			"cameras is [CAM_FRONT_LEFT CAM_FRONT CAM_FRONT_RIGHT CAM_BACK_LEFT CAM_BACK ], want at least one, each once"},

		{"width: 64", "width: 0", "image.width is 0, want 1 to 16384"},
		{"width: 64", "width: 16392", "image.width is 16392, want 1 to 16384"},
		{"height: 64", "height: 0", "image.height is 0, want 1 to 16384"},
		{"height: 64", "height: 16392", "image.height is 16392, want 1 to 16384"},
		{"resize_extra: 0.02", "resize_extra: -0.01", "image.resize_extra is -0.01, want 0 to 1"},
		{"resize_extra: 0.02", "resize_extra: 1.01", "image.resize_extra is 1.01, want 0 to 1"},
		{"crop_h: 0.0", "crop_h: -0.01", "image.crop_h is -0.01, want 0 to 0.99"},
		{"crop_h: 0.0", "crop_h: 1", "image.crop_h is 1, want 0 to 0.99"},
		{"mean: [0.485", "mean: [-0.01", "image.mean[0] is -0.01, want 0 to 1"},
		{"0.406]", "1.01]", "image.mean[2] is 1.01, want 0 to 1"},
		{"std: [0.229", "std: [0.0009", "image.std[0] is 0.0009, want 0.001 to 10"},
		{"0.225]", "11]", "image.std[2] is 11, want 0.001 to 10"},

		{"x: [-51.2,", "x: [-10003.2,", "grid.x is [-10003.2 51.2 3.2], want [lower, upper, cell size] with 1 to 4096 cells"},
		{"x: [-51.2, 51.2,", "x: [-51.2, 10003.2,", "grid.x is [-51.2 10003.2 3.2], want [lower, upper, cell size] with 1 to 4096 cells"},
		{"x: [-51.2, 51.2,", "x: [-1, 0.5,", "grid.x is [-1 0.5 3.2], want [lower, upper, cell size] with 1 to 4096 cells"},
		{"x: [-51.2, 51.2,", "x: [-6553.6, 6556.8,", "grid.x is [-6553.6 6556.8 3.2], want [lower, upper, cell size] with 1 to 4096 cells"},
		{"x: [-51.2, 51.2,", "x: [51.2, -51.2,", "grid.x is [51.2 -51.2 3.2], want [lower, upper, cell size] with 1 to 4096 cells"},
		{"z: [-10, 10, 20]", "z: [0, 0.0009, 0.0009]", "grid.z is [0 0.0009 0.0009], want [lower, upper, cell size] with 1 to 4096 cells"},
		{"z: [-10, 10, 20]", "z: [-10000, 10000, 20000]", "grid.z is [-10000 10000 20000], want [lower, upper, cell size] with 1 to 4096 cells"},
		{"z: [-10, 10, 20]", "z: [10, -10, -20]", "grid.z is [10 -10 -20], want [lower, upper, cell size] with 1 to 4096 cells"},
		{"z: [-10, 10, 20]", "z: [-10, 10, 10]", "grid.z is [-10 10 10], want a single cell"},
		{"y: [-51.2, 51.2, 3.2]", "y: [-51.2, 51.2, 6.4]", "grid is cells of 3.2 x 6.4 m, want square cells"},
		{"start: 2.0", "start: 0", "depth.start is 0, want 0.001 to 1000"},
		{"start: 2.0", "start: 1001", "depth.start is 1001, want 0.001 to 1000"},
		{"step: 3.5", "step: 0", "depth.step is 0, want 0.001 to 1000"},
		{"step: 3.5", "step: 1001", "depth.step is 1001, want 0.001 to 1000"},
		{"bins: 16", "bins: 1", "depth.bins is 1, want 2 to 1024\nstereo.samples is 7, want 1 to depth.bins"},
		{"bins: 16", "bins: 1025", "depth.bins is 1025, want 2 to 1024"},

		{"context: 8", "context: 0", "features.context is 0, want 1 to 4096"},
		{"context: 8", "context: 4097", "features.context is 4097, want 1 to 4096"},
		{"stride: 8", "stride: 0", "features.stride is 0, want a divisor of the image's width and height"},
		{"width: 64", "width: 68", "features.stride is 8, want a divisor of the image's width and height"},
		{"height: 64", "height: 68", "features.stride is 8, want a divisor of the image's width and height"},
		{"stereo_stride: 4", "stereo_stride: 3", "features.stereo_stride is 3, want a divisor of features.stride"},
		{"stereo: 32", "stereo: 0", "features.stereo is 0, want 1 to 4096"},
		{"stereo: 32", "stereo: 4104", "features.stereo is 4104, want 1 to 4096"},
		{"groups: 8", "groups: 7", "stereo.groups is 7, want a divisor of features.stereo"},
		{"samples: 7", "samples: 0", "stereo.samples is 0, want 1 to depth.bins"},
		{"samples: 7", "samples: 17", "stereo.samples is 17, want 1 to depth.bins"},
		{"sigma_bins: 1.0", "sigma_bins: 0", "stereo.sigma_bins is 0, want 0.001 to 100"},
		{"sigma_bins: 1.0", "sigma_bins: 101", "stereo.sigma_bins is 101, want 0.001 to 100"},
		{"sigma_bins: 1.0", "sigma_bins: .nan", "stereo.sigma_bins is NaN, want 0.001 to 100"},
		{"stereo: {samples: 7, groups: 8, sigma_bins: 1.0}\n", "",
			"features.stereo is 32, want nothing, or the key stereo\nfeatures.stereo_stride is 4, want nothing, or the key stereo"},
		{"frames: 3", "frames: -1", "history.frames is -1, want 0 to 256"},
		{"frames: 3", "frames: 257", "history.frames is 257, want 0 to 256"},
		{"period: 0.5", "period: 0", "history.period is 0, want 0.001 to 60"},
		{"period: 0.5", "period: .inf", "history.period is +Inf, want 0.001 to 60"},
		{"period: 0.5", "period: 0.5, mode: sideways", "history.mode is sideways, want recursive or direct"},
		{"period: 0.5", "period: 0.5, time: guessed", "history.time is guessed, want counted or measured"},

		{"type: uint8", "type: int4", `head.input.type is "int4", want uint8 or float32`},
		{"scale: 0.02", "scale: 0", "head.input.scale is 0, want a positive number"},
		{"scale: 0.02", "scale: .inf", "head.input.scale is +Inf, want a positive number"},
		{"zero_point: 0", "zero_point: -1", "head.input.zero_point is -1, want 0 to 255"},
		{"zero_point: 0", "zero_point: 256", "head.input.zero_point is 256, want 0 to 255"},
		{"type: uint8", "type: float32", "head.input is float32 with scale, scales or zero_point, want none of them"},
		{"type: uint8, scale: 0.02, zero_point: 0", "type: float32, zero_point: 1", "head.input is float32 with scale, scales or zero_point, want none of them"},
		{"score_threshold: 0.1", "score_threshold: -0.1", "head.score_threshold is -0.1, want 0 to 1"},
		{"score_threshold: 0.1", "score_threshold: 1.1", "head.score_threshold is 1.1, want 0 to 1"},
		{"max_per_class: 500", "max_per_class: 0", "head.max_per_class is 0, want 1 to 65536"},
		{"max_per_class: 500", "max_per_class: 65537", "head.max_per_class is 65537, want 1 to 65536"},
		{"[61.2, 61.2, 10]", "[61.2, 0, 10]", "head.center_limit[1] is 0, want a positive number"},
		{"[61.2, 61.2, 10]", "[61.2, 61.2, .inf]", "head.center_limit[2] is +Inf, want a positive number"},

		{text[strings.Index(text, "tasks:"):strings.Index(text, "quantisation:")], "tasks: []\n", "head.tasks is empty, want at least one"},
		{"[car], nms: {kind: rotated, iou: 0.2, factors: [1.0]", "[], nms: {kind: rotated, iou: 0.2, factors: []",
			"head.tasks[0].classes is empty, want at least one class"},
		{"[car]", "[boat]", "head.tasks[0].classes is boat, want names of nuScenes detection classes"},
		{"[barrier]", "[car]",
			"head.tasks is [car truck construction_vehicle bus trailer car motorcycle bicycle pedestrian traffic_cone], want each class once"},
		{"post: 83", "post: 0", "head.tasks[0].nms.post is 0, want 1 to 65536"},
		{"post: 83", "post: 65537", "head.tasks[0].nms.post is 65537, want 1 to 65536"},
		{"kind: circle", "kind: square", `head.tasks[3].nms.kind is "square", want circle or rotated`},
		{"radius2: 1.0", "radius2: -1", "head.tasks[3].nms.radius2 is -1, want 0 to 1e6 square metres"},
		{"radius2: 1.0", "radius2: .inf", "head.tasks[3].nms.radius2 is +Inf, want 0 to 1e6 square metres"},
		{"iou: 0.2", "iou: -0.1", "head.tasks[0].nms.iou is -0.1, want 0 to 1"},
		{"iou: 0.2", "iou: 1.1", "head.tasks[0].nms.iou is 1.1, want 0 to 1"},
		{"pre: 1000", "pre: 0", "head.tasks[0].nms.pre is 0, want 1 to 65536"},
		{"pre: 1000", "pre: 65537", "head.tasks[0].nms.pre is 65537, want 1 to 65536"},
		{"factors: [1.0]", "factors: [0]", "head.tasks[0].nms.factors is [0], want a positive number for each class"},
		{"factors: [0.7, 0.7]", "factors: [0.7]", "head.tasks[1].nms.factors is [0.7], want a positive number for each class"},

		{"rotated, iou: 0.2, ", "rotated, ", "head.tasks[0].nms.iou is missing"},
		{"iou: 0.2", "iou: null", "head.tasks[0].nms.iou is empty"},
		{"circle, radius2: 1.0, ", "circle, ", "head.tasks[3].nms.radius2 is missing"},
		{"rotated, iou: 0.2, ", "rotated, iou: 0.2, radius2: 1, ", "head.tasks[0].nms is rotated with radius2, want none"},
		{"circle, ", "circle, iou: 0.2, ", "head.tasks[3].nms is circle with iou, pre or factors, want none of them"},
		{", zero_point: 0", "", "head.input.zero_point is missing"},
		{"score_threshold: 0.1", "score_threshold: ~", "head.score_threshold is empty"},
		{"[61.2, 61.2, 10]", "[61.2, ~, 10]", "head.center_limit[1] is empty"},

		{"bev_embed.onnx: ", "bev_embed.onnx: zz", `files.bev_embed.onnx is "zz`},
		{"bev_embed.onnx: ", "bev_embed.onnx: ab", `files.bev_embed.onnx is "ab`},
		{"files:", "files:\n  ../x: aa", "files is 5 names, want "},
	} {
		changed := strings.Replace(text, test.old, test.new, 1)
		if changed == text {
			t.Fatalf("%q is not in the manifest", test.old)
		}
		_, err := ReadManifest([]byte(changed))
		want := "model: model.yaml: " + test.want
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Count(err.Error(), "\n") != strings.Count(want, "\n") {
			t.Errorf("%s: error %v, want %q", test.new, err, want)
		}
	}
}
