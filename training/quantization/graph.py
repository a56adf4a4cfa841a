"""A bundle's graph run by PyTorch, in float32 or with its integers simulated, so that
gradients pass and single layers can be looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor
from torchvision.ops import deform_conv2d

Values = dict[str, Tensor]


class Graph:
    """Operators are those of our exporter. Pairs of QuantizeLinear and DequantizeLinear
    round, and pass gradients as if they did not."""

    def __init__(self, path: Path):
        self.proto = onnx.load(str(path))
        self.nodes = list(self.proto.graph.node)
        self.constants = {
            t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in self.proto.graph.initializer
        }
        self.outputs = [o.name for o in self.proto.graph.output]
        self.makers = {o: n for n in self.nodes for o in n.output}

    def run(self, inputs: Values, until: str | None = None,
            layer: Callable[[onnx.NodeProto, list[Tensor], Values], Tensor] | None = None) -> Values:
        """All values, or those up to one. layer computes convolutions in place of apply, and is
        given the values so far."""
        values = dict(inputs)
        for node in self.nodes:
            given = [values[n] if n in values else self.constants[n] for n in node.input if n]
            made = layer(node, given, values) if layer and node.op_type == "Conv" else apply(node, given)
            values |= dict(zip(node.output, made if isinstance(made, tuple) else (made,), strict=True))
            if until in node.output:
                break
        return values

    def layers(self) -> list[onnx.NodeProto]:
        """The convolutions whose weights are integers."""
        return [
            n for n in self.nodes
            if n.op_type == "Conv" and n.input[1] in self.makers
            and self.makers[n.input[1]].op_type == "DequantizeLinear"
        ]

    def before_rounding(self, value: str) -> tuple[str, int] | None:
        """What a pair rounds to the value, and where it stores zero; None if there is no pair."""
        pair = self.makers.get(value)
        if pair is None or pair.op_type != "DequantizeLinear" or pair.input[0] not in self.makers:
            return None
        return self.makers[pair.input[0]].input[0], int(self.constants[pair.input[2]])

    def stored(self, real: str) -> tuple[str, Tensor, Tensor]:
        """The name of the integers behind a real constant, they, and the scale of each channel."""
        node = self.makers[real]
        return node.input[0], self.constants[node.input[0]], self.constants[node.input[1]]

    def real(self, name: str) -> Tensor:
        """The numbers that stored integers stand for."""
        _, stored, scale = self.stored(name)
        return stored * steps(stored, scale, 0)

    def store(self, name: str, value: Tensor) -> None:
        """Replaces a constant."""
        self.constants[name] = value
        for t in self.proto.graph.initializer:
            if t.name == name:
                t.CopyFrom(numpy_helper.from_array(value.numpy(), name))

    def bytes(self) -> bytes:
        return self.proto.SerializeToString()


def attributes(node: onnx.NodeProto) -> dict:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def convolve(node: onnx.NodeProto, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    a = attributes(node)
    pads = a.get("pads", [0, 0, 0, 0])
    if pads[:2] != pads[2:]:
        x, pads = F.pad(x, (pads[1], pads[3], pads[0], pads[2])), [0, 0]
    return F.conv2d(x, weight, bias, a.get("strides", 1), pads[:2], a.get("dilations", 1), a.get("group", 1))


def steps(values: Tensor, scale: Tensor, axis: int) -> Tensor:
    """The scale in the shape of what has it."""
    return scale if scale.numel() == 1 else scale.view([-1 if i == axis else 1 for i in range(values.dim())])


def rounded(x: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    """x in its 8 bits, as real numbers; the gradient is that of the cut."""
    info = torch.iinfo(zero.dtype)
    low, high = ((limit - zero.float()) * scale for limit in (info.min, info.max))
    x = torch.minimum(torch.maximum(x, low), high)
    return x + (torch.round(x / scale) * scale - x).detach()


def apply(node: onnx.NodeProto, x: list[Tensor]) -> Tensor | tuple[Tensor, ...]:
    a = attributes(node)
    match node.op_type:
        case "Conv":
            return convolve(node, *x)
        case "ConvTranspose":
            pads = a.get("pads", [0, 0, 0, 0])
            strides, groups = a.get("strides", 1), a.get("group", 1)
            return F.conv_transpose2d(*x, stride=strides, padding=pads[:2], groups=groups)
        case "DeformConv":
            bias = x[3] if len(x) == 5 else None
            return deform_conv2d(x[0], x[2], x[1], bias, padding=1, mask=x[-1])
        case "Gemm":
            return F.linear(x[0], x[1] if a.get("transB") else x[1].T, x[2])
        case "QuantizeLinear":
            return rounded(*x)
        case "DequantizeLinear":
            if x[0].is_floating_point():
                return x[0]  # rounded already
            scale = steps(x[0], x[1], a.get("axis", 1))
            return (x[0].float() - steps(x[0], x[2].float(), a.get("axis", 1))) * scale
        case "DepthToSpace":
            return depth_to_space(x[0], a["blocksize"], a.get("mode", b"DCR"))
        case "Split":
            return torch.split(x[0], x[1].tolist(), a.get("axis", 0))
        case "Slice":
            return sliced(*x)
    return SIMPLE[node.op_type](a, x)


SIMPLE: dict[str, Callable[[dict, list[Tensor]], Tensor]] = {
    "Relu": lambda a, x: x[0].relu(),
    "Sigmoid": lambda a, x: x[0].sigmoid(),
    "Add": lambda a, x: x[0] + x[1],
    "Mul": lambda a, x: x[0] * x[1],
    "Div": lambda a, x: x[0] / x[1],
    "Max": lambda a, x: torch.maximum(x[0], x[1]),
    "Concat": lambda a, x: torch.cat(x, a["axis"]),
    "Reshape": lambda a, x: x[0].reshape([n or x[0].shape[i] for i, n in enumerate(x[1].tolist())]),
    "SpaceToDepth": lambda a, x: space_to_depth(x[0], a["blocksize"]),
    "Transpose": lambda a, x: x[0].permute(a["perm"]),
    "MaxPool": lambda a, x: F.max_pool2d(x[0], a["kernel_shape"], a["strides"], a["pads"][:2]),
    "ReduceL2": lambda a, x: x[0].norm(dim=x[1].tolist(), keepdim=bool(a.get("keepdims", 1))),
    "Unsqueeze": lambda a, x: x[0].reshape([*x[0].shape, *[1] * len(x[1])]),
}


def sliced(x: Tensor, starts: Tensor, ends: Tensor, axes: Tensor, by: Tensor | None = None) -> Tensor:
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist(), strict=True):
        x = x.narrow(axis, start, min(end, x.shape[axis]) - start)
    return x


def depth_to_space(x: Tensor, block: int, mode: bytes) -> Tensor:
    n, c, h, w = x.shape
    inner = c // block**2
    if mode == b"CRD":
        return F.pixel_shuffle(x, block)
    x = x.view(n, block, block, inner, h, w).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, inner, h * block, w * block)


def space_to_depth(x: Tensor, block: int) -> Tensor:
    n, c, h, w = x.shape
    x = x.view(n, c, h // block, block, w // block, block).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(n, c * block**2, h // block, w // block)


def example(folder: Path, scales: np.ndarray | None) -> Values:
    """One input of each name; the stack in the bytes that Go writes."""
    values = {f.stem: torch.from_numpy(np.load(f)) for f in sorted(folder.glob("*.npy"))}
    if scales is not None and "stack" in values:
        stack = values["stack"]
        per = torch.from_numpy(np.repeat(scales, stack.shape[-1] // len(scales)).astype(np.float32))
        values["stack"] = torch.round(stack / per).clamp(0, 255).to(torch.uint8)
    return values
