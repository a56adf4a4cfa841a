"""Makes the graphs of this folder: python make.py

affine.onnx   float32 "x" [N, 3] and "bias" [3]  ->  "y" [N, 3] = 2 x + bias
quantised.onnx  uint8 "stack" [N, 4], scale 0.5 and zero point 10  ->  "sum" [N, 1] float32,
                the sum of the four real values, computed in QDQ form
convolution.onnx  float32 "x" [N, 16, H, W] and "weight" [32, 16, 3, 3]  ->  "mean" [N, 32, 1, 1],
                of the rectified 3 x 3 convolution
both.onnx  float32 "x" [2]  ->  "sum" [2] = x + x, "product" [2] = x x
bfloat16.onnx  a bfloat16 convolution of float32 "x" [1, 1, 2, 2], which the CPU's provider cannot run
../trial.onnx  float32 "x" [1, 1, 2, 2]  ->  "y" [1, 1, 1, 1], their sum, as a convolution
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write(name, nodes, inputs, outputs, constants, opset=17, ir=8):
    graph = helper.make_graph(
        nodes,
        name,
        inputs,
        outputs,
        [
            v if isinstance(v, TensorProto) else numpy_helper.from_array(v, key)
            for key, v in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, name + ".onnx")


def main():
    tensor = helper.make_tensor_value_info
    write(
        "both",
        [
            helper.make_node("Add", ["x", "x"], ["sum"]),
            helper.make_node("Mul", ["x", "x"], ["product"]),
        ],
        [tensor("x", TensorProto.FLOAT, [2])],
        [tensor(name, TensorProto.FLOAT, [2]) for name in ("sum", "product")],
        {},
    )
    write(
        "bfloat16",
        [
            helper.make_node("Cast", ["x"], ["short"], to=TensorProto.BFLOAT16),
            helper.make_node("Conv", ["short", "ones"], ["sum"]),
            helper.make_node("Cast", ["sum"], ["y"], to=TensorProto.FLOAT),
        ],
        [tensor("x", TensorProto.FLOAT, [1, 1, 2, 2])],
        [tensor("y", TensorProto.FLOAT, [1, 1, 1, 1])],
        {"ones": helper.make_tensor("ones", TensorProto.BFLOAT16, [1, 1, 2, 2], [1.0] * 4)},
        opset=22,
        ir=10,
    )
    write(
        "../trial",
        [helper.make_node("Conv", ["x", "ones"], ["y"])],
        [tensor("x", TensorProto.FLOAT, [1, 1, 2, 2])],
        [tensor("y", TensorProto.FLOAT, [1, 1, 1, 1])],
        {"ones": np.ones((1, 1, 2, 2), np.float32)},
    )
    write(
        "affine",
        [
            helper.make_node("Mul", ["x", "two"], ["scaled"]),
            helper.make_node("Add", ["scaled", "bias"], ["y"]),
        ],
        [tensor("x", TensorProto.FLOAT, ["N", 3]), tensor("bias", TensorProto.FLOAT, [3])],
        [tensor("y", TensorProto.FLOAT, ["N", 3])],
        {"two": np.array(2, np.float32)},
    )
    write(
        "quantised",
        [
            helper.make_node("DequantizeLinear", ["stack", "scale", "zero"], ["real"]),
            helper.make_node("DequantizeLinear", ["ones", "unit", "none"], ["weights"]),
            helper.make_node("MatMul", ["real", "weights"], ["sum"]),
        ],
        [tensor("stack", TensorProto.UINT8, ["N", 4])],
        [tensor("sum", TensorProto.FLOAT, ["N", 1])],
        {
            "scale": np.array(0.5, np.float32),
            "zero": np.array(10, np.uint8),
            "ones": np.ones((4, 1), np.int8),
            "unit": np.array(1, np.float32),
            "none": np.array(0, np.int8),
        },
    )
    write(
        "convolution",
        [
            helper.make_node("Conv", ["x", "weight"], ["map"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["map"], ["rectified"]),
            helper.make_node("ReduceMean", ["rectified"], ["mean"], axes=[2, 3], keepdims=1),
        ],
        [
            tensor("x", TensorProto.FLOAT, ["N", 16, "H", "W"]),
            tensor("weight", TensorProto.FLOAT, [32, 16, 3, 3]),
        ],
        [tensor("mean", TensorProto.FLOAT, ["N", 32, 1, 1])],
        {},
    )


if __name__ == "__main__":
    main()
