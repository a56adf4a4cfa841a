package archtest

const module = "github.com/solofusion/solofusion"

// layers lists every package, the top first. A name ending in /... stands for
// all folders below it.
var layers = [][]string{
	{"cmd/solofusion", "examples/...", "internal/reliability/cmd", "quant/cmd"},
	{"internal/config", "internal/demo", "quant/figure"},
	{"internal/playback", "internal/spans"},
	{"internal/service", "internal/trace", "internal/bench", "internal/play", "internal/watch", "internal/reliability", "quant"},
	{"perception/pipeline", "nuscenes/replay", "nuscenes/eval/figure", "bus"},
	{"model", "onnx", "onnx/rewrite", "onnx/qdq", "onnx/half", "nuscenes/eval", "synth", "internal/picture", "nuscenes/survey"},
	{"perception/framesync", "perception/timeline", "perception/preprocess", "perception/lift", "perception/decode", "stereo", "history"},
	{"nuscenes", "onnx/graph"},
	{"perception", "proto/solofusion/v1", "proto/onnx/v1"},
	{"internal/compute", "tensor/npy"},
	{"geom", "tensor", "internal/isa", "internal/parallel", "internal/preempt", "internal/option", "internal/f32", "internal/prefetch", "internal/queue", "internal/warning", "internal/whole", "quant/histogram"},
}

// testSupport lists the packages that only test files import.
var testSupport = []string{"internal/archtest", "internal/golden", "internal/testbundle", "nuscenes/internal/tinyset", "onnx/internal/graphtest"}

// reserved gives, for imports from outside by their prefix, who may have them.
var reserved = []struct {
	prefix string
	may    []string
	why    string
}{
	{"github.com/nats-io", []string{"bus"}, "only bus imports NATS"},
	{"google.golang.org/protobuf", []string{"bus", "onnx/graph", "proto/solofusion/v1", "proto/onnx/v1"}, "only bus and onnx/graph import protobuf"},
	{"github.com/yalue/onnxruntime_go", []string{"onnx"}, "only onnx imports ONNX Runtime"},
	{"gocv.io", []string{"internal/picture", "cmd/solofusion"}, "OpenCV is for drawing pictures"},
	{"github.com/alecthomas/kong", []string{"cmd/solofusion"}, "the command line ends in cmd"},
	{"github.com/knadh/koanf", []string{"internal/config"}, "only config reads settings"},
	{"gonum.org/v1/plot", []string{"nuscenes/eval/figure", "internal/reliability", "internal/bench", "quant/figure"}, "drawing belongs to the figures"},
	{"go.opentelemetry.io", []string{"internal/spans"}, "only spans knows OpenTelemetry"},
	{"github.com/prometheus", []string{"internal/service"}, "metrics belong to the service"},
}

// confined gives, for packages that depend on little, all that they may import
// of this module.
var confined = []struct {
	name string
	may  []string
	why  string
}{
	{"nuscenes/eval", []string{"nuscenes", "nuscenes/internal/python", "perception", "geom", "internal/parallel", "internal/whole"}, "the metric grades any results file and does not import the detector"},
	{"stereo", []string{"geom", "tensor", "internal/compute", "internal/isa", "internal/f32"}, "stereo does not import perception"},
	{"history", []string{"geom", "tensor", "internal/compute", "internal/isa", "internal/f32", "internal/prefetch"}, "history does not import perception"},
	{"onnx", []string{"tensor", "onnx/graph"}, "onnx runs any graph, the detector's among them"},
	{"onnx/rewrite", []string{"tensor", "onnx/graph"}, "onnx/rewrite changes any graph, the detector's among them"},
	{"onnx/qdq", []string{"tensor", "onnx/graph"}, "onnx/qdq changes any graph, the detector's among them"},
	{"onnx/half", []string{"tensor", "onnx/graph"}, "onnx/half changes any graph, the detector's among them"},
	{"onnx/graph", []string{"tensor", "proto/onnx/v1"}, "onnx/graph edits any graph, the detector's among them"},
}
