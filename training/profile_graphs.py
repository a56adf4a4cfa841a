"""Times the operators of two bundles' graphs against each other in ONNX Runtime.

Both run in turn on made-up inputs on one thread; of each node the fastest run counts. With
--eight-bits float heads are quantised first, with ranges of made-up inputs: good for times
alone.

Example:
    python training/profile_graphs.py out/r50 out/r50-faster
"""

from __future__ import annotations

import argparse
import collections
import json
import logging
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

GRAPHS = ("image_encoder.onnx", "bev_embed.onnx", "head.onnx")
CAMERAS = 6
LAST = "head_"  # how the names of a head's outputs begin


def made_up(session: onnxruntime.InferenceSession) -> dict[str, np.ndarray]:
    """Inputs of a graph; what a ReLU gave, as in the stack, is not negative."""
    random, inputs = np.random.default_rng(0), {}
    for port in session.get_inputs():
        shape = [d if isinstance(d, int) else CAMERAS for d in port.shape]
        values = random.standard_normal(shape).astype(np.float32)
        if port.name == "stack":
            values = np.maximum(values, 0)
        inputs[port.name] = (60 * values).astype(np.uint8) if "uint8" in port.type else values
    return inputs


class Once(CalibrationDataReader):
    """One made-up frame."""

    def __init__(self, graph: Path):
        session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        self.frames = iter([made_up(session)])

    def get_next(self) -> dict | None:
        return next(self.frames, None)


def eight_bits(graph: Path, folder: Path) -> Path:
    """The graph with its convolutions in 8 bits, but for those of the last layers."""
    nodes = onnx.load(graph).graph.node
    if any(n.op_type == "DequantizeLinear" for n in nodes):
        return graph
    ends = [n for n in nodes if any(o.startswith(LAST) for o in n.output)]
    cut = {i for n in ends if n.op_type == "Split" for i in n.input}
    last = [n.name for n in nodes if n in ends or cut & set(n.output)]
    made = Path(tempfile.mkdtemp(dir=folder)) / graph.name
    quantize_static(
        graph, made, Once(graph), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, nodes_to_exclude=last,
    )
    return made


def session_of(graph: Path, folder: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / graph.stem)
    options.add_session_config_entry("session.use_deterministic_compute", "1")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def operators(session: onnxruntime.InferenceSession) -> collections.Counter:
    """Milliseconds of each operator: the sum over its nodes of their fastest run."""
    nodes: dict[tuple[str, str], float] = {}
    for event in json.loads(Path(session.end_profiling()).read_text()):
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            key = event["args"]["op_name"], event["name"]
            nodes[key] = min(nodes.get(key, np.inf), event["dur"] / 1000)
    total = collections.Counter()
    for (operator, _), ms in nodes.items():
        total[operator] += ms
    return total


def compare(before: Path, after: Path, runs: int, folder: Path) -> None:
    """Prints a graph's table."""
    sessions = [session_of(graph, folder) for graph in (before, after)]
    inputs = [made_up(session) for session in sessions]
    for _ in range(runs):
        for session, feeds in zip(sessions, inputs, strict=True):
            session.run(None, feeds)
    was, now = (operators(session) for session in sessions)
    print(f"| {before.stem} | before, ms | after, ms |\n|---|---|---|")
    for operator, _ in (was | now).most_common():
        print(f"| {operator} | {was[operator]:.1f} | {now[operator]:.1f} |")
    print(f"| all | {was.total():.1f} | {now.total():.1f} |\n")


def main() -> int:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("before", type=Path, help="a bundle's folder")
    parser.add_argument("after", type=Path, help="another bundle's folder")
    parser.add_argument("--runs", type=int, default=8, help="of each graph")
    parser.add_argument("--eight-bits", action="store_true", help="quantise float heads for the times")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        for name in GRAPHS:
            pair = [bundle / name for bundle in (args.before, args.after)]
            if args.eight_bits and name == "head.onnx":
                pair = [eight_bits(graph, Path(folder)) for graph in pair]
            compare(*pair, args.runs, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
