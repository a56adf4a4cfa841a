"""Static 8-bit quantisation of the head with ONNX Runtime's tools (QDQ format).

Activations are uint8 with one scale, weights int8 with one scale a channel. The
last convolution of each branch stays in float32: its outputs are metres and logits.
The graph's input becomes uint8, written by Go in the scale that the manifest gives.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from .dataset import Dataset
from .model import SOLOFusion
from .train import history_stack


class Drives(CalibrationDataReader):
    """Head inputs of whole drives, in order and with their history."""

    def __init__(self, model: SOLOFusion, data: Dataset, planes: torch.Tensor, frames: int):
        stride = max(1, len(planes) // frames)
        self.stacks = self.read(model, data, planes, range(stride - 1, len(planes), stride))

    @staticmethod
    @torch.no_grad()
    def read(model: SOLOFusion, data: Dataset, planes: torch.Tensor, indices: range) -> Iterator[dict]:
        for i in indices:
            stack, ages = history_stack(model.cfg, data, planes, i)
            age = ages[:, None, None, None].expand(-1, 1, *model.cfg.cells)
            timed = model.history_keyframe_time_conv(torch.cat([stack, age], 1))
            yield {"stack": timed.permute(2, 3, 0, 1).flatten(2)[None].contiguous().numpy()}

    def get_next(self) -> dict | None:
        return next(self.stacks, None)


def quantize_head(model: SOLOFusion, data: Dataset, planes: Path, graph: Path, frames: int
                  ) -> tuple[dict, dict]:
    """Quantises the graph in place; returns the manifest's head input and record."""
    drives = Drives(model, data, torch.from_numpy(np.load(planes, mmap_mode="c")), frames)
    last = [n.name for n in onnx.load(graph).graph.node if n.name.startswith("head_")]
    quantize_static(
        graph, graph, drives, quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, nodes_to_exclude=last,
        extra_options={"CalibMovingAverage": True, "CalibMovingAverageConstant": 0.1},
    )
    quantized = onnx.load(graph)
    scale, zero = take_uint8_input(quantized.graph)
    onnx.checker.check_model(quantized, full_check=True)
    graph.write_bytes(quantized.SerializeToString())
    record = {
        "method": f"ONNX Runtime {onnxruntime.__version__} static QDQ, moving average of minima and maxima",
        "activations": "uint8", "weights": "int8 per channel",
        "float32": "the last convolution of each branch", "calibration_frames": frames,
    }
    return {"type": "uint8", "scale": scale, "zero_point": zero}, record


def constant(graph: onnx.GraphProto, name: str) -> np.ndarray:
    return numpy_helper.to_array(next(t for t in graph.initializer if t.name == name))


def take_uint8_input(graph: onnx.GraphProto) -> tuple[float, int]:
    """Quantises before the first transposition instead of after it, outside of the
    graph: ``stack`` becomes uint8. Returns its scale and zero point."""
    turn = next(n for n in graph.node if "stack" in n.input)
    node = next(n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == turn.output[0])
    turn.output[0] = node.output[0]
    graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    scale, zero = (constant(graph, n) for n in node.input[1:3])
    graph.node.remove(node)
    del graph.value_info[:]
    return float(scale), int(zero)
