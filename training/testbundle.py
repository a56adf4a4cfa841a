"""Makes the tiny bundles of random weights that Go tests run.

They have every graph, tensor and key of a real bundle, small enough to be
committed, and weights that make every stage matter: depth distributions with
several modes, context that depends on the camera numbers, some boxes in every
task. ``--plain`` leaves out stereo and history, and keeps the head's input in
float32. Deterministic: the same versions of onnx and numpy give the same bytes.

    python training/testbundle.py --out internal/testbundle/bundle
    python training/testbundle.py --plain --out internal/testbundle/plain
"""

import argparse
import hashlib
import json
import struct
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

WIDTH = HEIGHT = 64
CONTEXT, BINS, STEREO, GROUPS = 8, 16, 32, 8
CELLS, FRAMES, FUSED = 32, 3, 8
SCALE = 0.02
TASKS = [
    (["car"], "rotated", [1.0], 0.2),
    (["truck", "construction_vehicle"], "rotated", [0.7, 0.7], 0.2),
    (["bus", "trailer"], "rotated", [0.4, 0.55], 0.2),
    (["barrier"], "circle", [], 1.0),
    (["motorcycle", "bicycle"], "rotated", [1.0, 1.0], 0.2),
    (["pedestrian", "traffic_cone"], "rotated", [4.5, 9.0], 0.5),
]
CAMERAS = [
    "CAM_FRONT_LEFT",
    "CAM_FRONT",
    "CAM_FRONT_RIGHT",
    "CAM_BACK_LEFT",
    "CAM_BACK",
    "CAM_BACK_RIGHT",
]


class Graph:
    """Collects nodes and weights of one network."""

    def __init__(self, rng: np.random.RandomState):
        self.rng, self.nodes, self.weights = rng, [], []

    def weight(self, name: str, array: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    def add(self, op: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def conv(
        self,
        x: str,
        out: str,
        cin: int,
        cout: int,
        k: int,
        stride: int = 1,
        gain: float = 1.0,
        bias: float = 0.0,
    ) -> str:
        w = self.rng.randn(cout, cin, k, k) * gain * np.sqrt(2.0 / (cin * k * k))
        b = self.rng.randn(cout) * 0.1 + bias
        names = [x, self.weight(out + ".weight", w), self.weight(out + ".bias", b)]
        return self.add(
            "Conv", names, out, kernel_shape=[k, k], strides=[stride, stride], pads=[k // 2] * 4
        )

    def save(self, path: Path, inputs: list, outputs: list) -> None:
        graph = helper.make_graph(self.nodes, path.stem, inputs, outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        path.write_bytes(model.SerializeToString())


def info(name: str, shape: list, kind: int = TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def image_encoder(path: Path, rng: np.random.RandomState, plain: bool) -> None:
    g = Graph(rng)
    x = g.add("Relu", [g.conv("images", "conv1", 3, 8, 3, 2)], "relu1")
    x = g.add("Relu", [g.conv(x, "conv2", 8, 16, 3, 2)], "relu2")
    if not plain:
        stereo_features(g, x)
    x = g.add("Relu", [g.conv(x, "conv3", 16, 16, 3, 2)], "relu3")
    g.add(
        "Gemm",
        [
            "cameras",
            g.weight("camera.weight", rng.randn(CONTEXT, 33) * 1e-3),
            g.weight("camera.bias", rng.randn(CONTEXT)),
        ],
        "camera",
        transB=1,
    )
    g.add("Sigmoid", ["camera"], "gate")
    axes = numpy_helper.from_array(np.array([2, 3], np.int64), "axes")
    g.weights.append(axes)
    g.add("Unsqueeze", ["gate", "axes"], "gate4")
    g.add("Mul", [g.conv(x, "context_raw", 16, CONTEXT, 1), "gate4"], "context_first")
    g.add("Transpose", ["context_first"], "context", perm=[0, 2, 3, 1])
    g.add(
        "Transpose", [g.conv(x, "depth", 16, BINS, 1, gain=2.0)], "mono_logits", perm=[0, 2, 3, 1]
    )
    h, w, sh, sw = HEIGHT // 8, WIDTH // 8, HEIGHT // 4, WIDTH // 4
    outputs = [info("context", ["N", h, w, CONTEXT]), info("mono_logits", ["N", h, w, BINS])]
    if not plain:
        outputs.append(info("stereo_features", ["N", sh, sw, STEREO]))
    g.save(path, [info("images", ["N", 3, HEIGHT, WIDTH]), info("cameras", ["N", 33])], outputs)


def stereo_features(g: Graph, x: str) -> None:
    g.add("Transpose", [g.conv(x, "stereo", 16, STEREO, 1)], "stereo_last", perm=[0, 2, 3, 1])
    g.add("ReduceL2", ["stereo_last"], "stereo_norm", axes=[3], keepdims=1)
    g.add("Add", ["stereo_norm", g.weight("epsilon", np.array(1e-5))], "stereo_norm_safe")
    g.add("Div", ["stereo_last", "stereo_norm_safe"], "stereo_features")


def bev_embed(path: Path, rng: np.random.RandomState) -> None:
    g = Graph(rng)
    x = g.add("Transpose", ["bev_raw"], "channels_first", perm=[0, 3, 1, 2])
    x = g.add("Relu", [g.conv(x, "conv", CONTEXT, CONTEXT, 3)], "relu")
    g.add("Transpose", [x], "bev", perm=[0, 2, 3, 1])
    shape = [1, CELLS, CELLS, CONTEXT]
    g.save(path, [info("bev_raw", shape)], [info("bev", shape)])


def head(path: Path, rng: np.random.RandomState, plain: bool) -> None:
    g = Graph(rng)
    channels, kind, x = CONTEXT, TensorProto.FLOAT, "stack"
    if not plain:
        channels, kind = (FRAMES + 1) * CONTEXT, TensorProto.UINT8
        scale = g.weight("scale", np.array(SCALE))
        g.weights.append(numpy_helper.from_array(np.array(0, np.uint8), "zero"))
        x = g.add("DequantizeLinear", ["stack", scale, "zero"], "stack_real")
    x = g.add("Transpose", [x], "channels_first", perm=[0, 3, 1, 2])
    g.add("Relu", [g.conv(x, "fuse", channels, FUSED, 1)], "fused")
    outputs = [info("fused", [1, FUSED, CELLS, CELLS])]
    for t, (classes, *_) in enumerate(TASKS):
        branches = {"reg": 2, "height": 1, "dim": 3, "rot": 2, "vel": 2, "heatmap": len(classes)}
        for branch, n in branches.items():
            bias = {"dim": 0.7, "reg": 0.5, "heatmap": -2.2}.get(branch, 0.0)
            g.conv("fused", f"head_{t}_{branch}", FUSED, n, 3, gain=0.3, bias=bias)
            outputs.append(info(f"head_{t}_{branch}", [1, n, CELLS, CELLS]))
    shape = [1, CELLS, CELLS, channels]
    g.save(path, [info("stack", shape, kind)], outputs)


def weights(path: Path, rng: np.random.RandomState, plain: bool) -> None:
    shapes = {} if plain else {
        "similarity.0.weight": (16, GROUPS),
        "similarity.0.bias": (16,),
        "similarity.1.weight": (8, 16),
        "similarity.1.bias": (8,),
        "similarity.2.weight": (1, 8),
        "similarity.2.bias": (1,),
        "time.weight": (CONTEXT, CONTEXT),
        "time.age": (CONTEXT,),
        "time.bias": (CONTEXT,),
    }
    header, body = {}, b""
    for name, shape in shapes.items():
        data = (rng.randn(*shape) / np.sqrt(shape[-1])).astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def task_lines() -> str:
    lines = []
    for classes, kind, factors, limit in TASKS:
        if kind == "circle":
            nms = f"{{kind: circle, radius2: {limit}, post: 83}}"
        else:
            nms = f"{{kind: rotated, iou: {limit}, factors: {factors}, pre: 1000, post: 83}}"
        lines.append(f"    - {{classes: [{', '.join(classes)}], nms: {nms}}}")
    return "\n".join(lines)


STEREO_KEYS = f"stereo: {{samples: 7, groups: {GROUPS}, sigma_bins: 1.0}}\n"


def manifest(folder: Path, plain: bool) -> str:
    names = ["image_encoder.onnx", "bev_embed.onnx", "head.onnx", "weights.safetensors"]
    hashes = "\n".join(
        f"  {n}: {hashlib.sha256((folder / n).read_bytes()).hexdigest()}" for n in names
    )
    fine = "" if plain else f", stereo: {STEREO}, stereo_stride: 4"
    kind = "float32" if plain else f"uint8, scale: {SCALE}, zero_point: 0"
    quantised = "none" if plain else "random weights; the input alone is 8 bit"
    return f"""\
format: 1
name: {"plain-random" if plain else "tiny-random"}
provenance: {{seed: 1, command: "python training/testbundle.py", data: none}}
cameras: [{", ".join(CAMERAS)}]
image:
  {{width: {WIDTH}, height: {HEIGHT}, resize_extra: 0.02, crop_h: 0.0,
    mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}}
grid: {{x: [-51.2, 51.2, 3.2], y: [-51.2, 51.2, 3.2], z: [-10, 10, 20]}}
depth: {{start: 2.0, step: 3.5, bins: {BINS}}}
features: {{context: {CONTEXT}, stride: 8{fine}}}
{"" if plain else STEREO_KEYS}history: {{frames: {0 if plain else FRAMES}, period: 0.5}}
head:
  input: {{type: {kind}}}
  score_threshold: 0.1
  max_per_class: 500
  center_limit: [61.2, 61.2, 10]
  tasks:
{task_lines()}
quantisation: {{method: {quantised}}}
files:
{hashes}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, required=True, help="the bundle's folder, made where absent"
    )
    parser.add_argument("--plain", action="store_true", help="without stereo and history")
    args = parser.parse_args()
    out, plain, rng = args.out, args.plain, np.random.RandomState(1)
    out.mkdir(parents=True, exist_ok=True)
    image_encoder(out / "image_encoder.onnx", rng, plain)
    bev_embed(out / "bev_embed.onnx", rng)
    head(out / "head.onnx", rng, plain)
    weights(out / "weights.safetensors", rng, plain)
    (out / "model.yaml").write_text(manifest(out, plain))


if __name__ == "__main__":
    main()
