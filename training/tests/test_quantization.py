"""The experiments' own arithmetic: the graphs in PyTorch are ONNX Runtime's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from program import PROGRAM, ROOT
from quantization import __main__ as main
from quantization import bundle, methods
from quantization.graph import Graph, convolve, example

DEFAULT = ROOT / "model" / "default"


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs of both graphs, of one image and of a plane."""
    folder, rng = tmp_path_factory.mktemp("examples"), np.random.default_rng(1)
    shapes = {
        "image_encoder": {"images": (1, 3, 128, 352), "cameras": (1, 33)},
        "head": {"stack": (1, 128, 128, 288)},
    }
    for graph, inputs in shapes.items():
        for i in range(2):
            into = folder / graph / str(i)
            into.mkdir(parents=True)
            for name, shape in inputs.items():
                x = rng.normal(size=shape).astype(np.float32)
                np.save(into / f"{name}.npy", np.maximum(x, 0) if name == "stack" else x)
    return folder


def pairs(examples: Path, graph: str) -> list:
    of = bundle.Bundle(DEFAULT)
    folders = sorted((examples / graph).iterdir())
    return [(example(f, None), example(f, of.scales)) for f in folders]


@pytest.mark.parametrize("graph", ["head", "image_encoder"])
@pytest.mark.parametrize("eight", [False, True])
def test_graphs_are_those_of_onnx_runtime(examples: Path, graph: str, eight: bool) -> None:
    path = bundle.Bundle(DEFAULT).file(graph) if eight else DEFAULT / f"{graph}.onnx"
    inputs, of = pairs(examples, graph)[0][eight], Graph(path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    want = session.run(of.outputs, {name: x.numpy() for name, x in inputs.items()})
    with torch.no_grad():
        got = of.run(inputs)
    for name, w in zip(of.outputs, want, strict=True):
        off = np.sqrt(((got[name].numpy() - w) ** 2).sum() / (w**2).sum())
        # What lies between two steps of 8 bits may be rounded to either.
        assert off < (0.03 if eight else 1e-3), (name, off)


def test_bias_is_corrected(examples: Path) -> None:
    """A fault of the biases is found and mended."""
    plain, eight = Graph(DEFAULT / "image_encoder.onnx"), Graph(bundle.Bundle(DEFAULT).file("image_encoder"))
    layer = eight.layers()[3]
    name, stored, scale = eight.stored(layer.input[2])
    eight.store(name, (stored * 1.3).to(torch.int32))
    methods.correct_biases(plain, eight, pairs(examples, "image_encoder")[:1], lambda _: None)
    found = eight.constants[name] * scale
    assert (found - stored * scale).norm() < 0.2 * (stored * scale).norm()


def test_rounding_is_learned(examples: Path) -> None:
    """Weights that all were rounded down are rounded better."""
    eight, plain = Graph(bundle.Bundle(DEFAULT).file("head")), Graph(DEFAULT / "head.onnx")
    layer = eight.layers()[1]
    weights = {methods.output_of(n): plain.constants[n.input[1]] for n in plain.nodes if n.op_type == "Conv"}
    weight = weights[methods.output_of(layer)]
    name, _, scale = eight.stored(layer.input[1])
    down = (weight / scale.view(-1, 1, 1, 1)).floor().clamp(-127, 127).to(torch.int8)
    eight.store(name, down)
    _, bias, bias_scale = eight.stored(layer.input[2])
    with torch.no_grad():
        x = eight.run(pairs(examples, "head")[0][1], until=layer.output[0])[layer.input[0]]
        y = convolve(layer, x, weight, bias * bias_scale)
    o = methods.Rounding(steps=60, rate=0.1)
    before, after = methods.round_layer(eight, layer, weight, [x], [y], torch.Generator().manual_seed(1), o)
    assert after < 0.5 * before and not torch.equal(eight.constants[name], down)


def test_gates_open_and_close(examples: Path) -> None:
    """With no gate open the graph is that of 8 bits; all open it is nearer to float32."""
    plain, eight = Graph(DEFAULT / "head.onnx"), Graph(bundle.Bundle(DEFAULT).file("head"))
    both = pairs(examples, "head")[:1]
    gated = methods.Gated(plain, eight)
    with torch.no_grad():
        wanted = [{o: v for o, v in plain.run(both[0][0]).items() if o in plain.outputs}]
        shut = methods.off(eight.run(both[0][1]), wanted[0])
    assert gated.error(both, wanted, set()) == pytest.approx(float(shut))
    assert gated.error(both, wanted, set(gated.before)) < 0.95 * float(shut)


def test_lost_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def box(x: float, name: str = "car", score: float = 0.5) -> dict:
        return {"translation": [x, 0, 0], "detection_name": name, "detection_score": score}

    plain = {"a": [box(0), box(10), box(20, score=0.2)], "b": [box(0), box(5, "bus")]}
    eight = {"a": [box(0.4), box(10.6)], "b": [box(0), box(5, "truck")]}
    scene_of = {"a": "one", "b": "two"}
    assert bundle.lost(plain, eight, scene_of) == {"one": (2, 1), "two": (2, 1)}
    more, low, high = bundle.difference({"one": (2, 1), "two": (2, 1)}, {"one": (2, 1), "two": (2, 2)})
    assert (more, low, high) == (0.25, 0, 0.5)
    tables = tmp_path / "v1.0-synth"
    tables.mkdir()
    rows = [{"token": t, "scene_token": s} for t, s in scene_of.items()]
    (tables / "sample.json").write_text(json.dumps(rows))
    for name, boxes in {"plain": plain, "eight": eight}.items():
        (tmp_path / name).write_text(json.dumps({"results": boxes}))
    files = [str(tmp_path / name) for name in ("plain", "eight", "plain")]
    monkeypatch.setattr(sys, "argv", ["quantization", "lost", str(tmp_path), *files])
    assert main.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("50.00 % of 4 boxes lost in 2 scenes") and "-50.00 %" in lines[1]


def test_a_bundle_is_written_that_the_program_takes(examples: Path, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model"
    shutil.copytree(DEFAULT, model)
    line = ["bias", "--graph", "image_encoder", "--n", "1", "--model", str(model)]
    files = ["--examples", str(examples), "--out", str(tmp_path / "tried")]
    monkeypatch.setattr(sys, "argv", ["quantization", *line, *files])
    assert main.main() == 0
    done = subprocess.run([PROGRAM, "model", "info", tmp_path / "tried"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tried, before = (f / "image_encoder.cpu.onnx" for f in (tmp_path / "tried", model))
    assert tried.read_bytes() != before.read_bytes()
