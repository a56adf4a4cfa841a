"""Builds ONNX graphs from PyTorch modules in evaluation mode, batch norms folded.

Standard operators only. Convolutions that PyTorch's exporter does not support
(deformable ones) are written out like any other.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from .model import BasicBlock, Blocks, ConvBN, SecondFPN

OPSET = 20


def fold(weight: Tensor, bias: Tensor | None, norm: nn.Module | None, axis: int = 0
         ) -> tuple[Tensor, Tensor | None]:
    """The convolution that a convolution and its batch norm make together; axis is
    the weight's output channels."""
    if norm is None:
        return weight, bias
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    shape = [1] * weight.dim()
    shape[axis] = -1
    shift = norm.bias - norm.running_mean * gain
    return weight * gain.view(shape), shift if bias is None else shift + bias * gain


class Graph:
    """A network under construction. Methods take and give tensor names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[TensorProto] = []
        self.count = 0

    def add(self, op: str, inputs: list[str], output: str | None = None, **attributes) -> str:
        self.count += 1
        output = output or f"{op.lower()}_{self.count}"
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def constant(self, value: Tensor | np.ndarray) -> str:
        self.count += 1
        name = f"weight_{self.count}"
        array = value.detach().numpy() if isinstance(value, Tensor) else value
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def relu(self, x: str, output: str | None = None) -> str:
        return self.add("Relu", [x], output)

    def conv(self, x: str, conv: nn.Module, norm: nn.Module | None = None,
             output: str | None = None) -> str:
        """A Conv2d or ConvTranspose2d with the batch norm that follows it."""
        transposed = isinstance(conv, nn.ConvTranspose2d)
        weight, bias = fold(conv.weight, conv.bias, norm, 1 if transposed else 0)
        inputs = [x, self.constant(weight)] + ([] if bias is None else [self.constant(bias)])
        return self.add(
            "ConvTranspose" if transposed else "Conv", inputs, output,
            kernel_shape=list(conv.kernel_size), strides=list(conv.stride),
            pads=list(conv.padding) * 2,
        )

    def conv_bn(self, x: str, module: ConvBN) -> str:
        return self.relu(self.conv(x, module.conv, module.bn))

    def sequence(self, x: str, modules: nn.Sequential) -> str:
        """Convs, each with its batch norm and ReLU if they follow."""
        modules = list(modules)
        while modules:
            conv = modules.pop(0)
            norm = modules.pop(0) if modules and isinstance(modules[0], nn.BatchNorm2d) else None
            x = self.conv(x, conv, norm)
            if modules and isinstance(modules[0], nn.ReLU):
                modules.pop(0)
                x = self.relu(x)
        return x

    def block(self, x: str, block: nn.Module) -> str:
        """A BasicBlock or a Bottleneck."""
        y = self.relu(self.conv(x, block.conv1, block.bn1))
        y = self.conv(y, block.conv2, block.bn2)
        if not isinstance(block, BasicBlock):
            y = self.conv(self.relu(y), block.conv3, block.bn3)
        shortcut = block.downsample
        if isinstance(shortcut, nn.Sequential):
            x = self.conv(x, shortcut[0], shortcut[1])
        elif shortcut is not None:
            x = self.conv(x, shortcut)
        return self.relu(self.add("Add", [y, x]))

    def stage(self, x: str, blocks: nn.Sequential) -> str:
        for block in blocks:
            x = self.block(x, block)
        return x

    def stages(self, x: str, blocks: Blocks) -> list[str]:
        features = []
        for layer in blocks.layers:
            x = self.stage(x, layer)
            features.append(x)
        return features

    def fpn(self, features: list[str], neck: SecondFPN) -> str:
        parts = [self.sequence(f, d) for f, d in zip(features, neck.deblocks, strict=True)]
        return self.add("Concat", parts, axis=1)

    def cut(self, x: str, lo: int, hi: int, axis: int = 1) -> str:
        """x[:, lo:hi], or along another axis."""
        ends = [self.constant(torch.tensor([i])) for i in (lo, hi, axis)]
        return self.add("Slice", [x, *ends])

    def reshape(self, x: str, shape: list[int]) -> str:
        """0 keeps an axis as it is."""
        return self.add("Reshape", [x, self.constant(torch.tensor(shape))])

    def channels_last(self, x: str, output: str | None = None) -> str:
        return self.add("Transpose", [x], output, perm=[0, 2, 3, 1])

    def channels_first(self, x: str) -> str:
        return self.add("Transpose", [x], perm=[0, 3, 1, 2])

    @torch.no_grad()
    def save(self, path: Path, inputs: dict[str, list], outputs: dict[str, list]) -> None:
        """Writes and checks the graph; shapes may have names for free dimensions."""
        def infos(ports: dict[str, list]) -> list:
            return [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in ports.items()]

        graph = helper.make_graph(
            self.nodes, path.stem, infos(inputs), infos(outputs), self.weights
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10,
            producer_name="solofusion",
        )
        onnx.checker.check_model(model, full_check=True)
        path.write_bytes(model.SerializeToString())
