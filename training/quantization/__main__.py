"""Tries a method on a bundle's graph in 8 bits, or counts what bundles find differently.

Example:
    go run ./quant/cmd examples --drives out/calibration --out out/examples
    cd training
    python -m quantization bias --graph head --out ../out/tried
    python -m quantization lost ../out/eval float.json eight.json tried.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from solofusion import command

from . import bundle, methods
from .graph import Graph, example

ROOT = Path(__file__).resolve().parents[2]


def attempt(args: argparse.Namespace) -> None:
    torch.manual_seed(1)
    of = bundle.Bundle(args.model)
    plain, eight = Graph(args.model / f"{args.graph}.onnx"), Graph(of.file(args.graph))
    folders = sorted((args.examples / args.graph).iterdir(), key=lambda f: int(f.name))[: args.n]
    scales = of.scales if args.graph == "head" else None
    pairs = [(example(f, None), example(f, scales)) for f in folders]
    match args.method:
        case "bias":
            methods.correct_biases(plain, eight, pairs, print)
        case "rounding":
            methods.learn_rounding(plain, eight, pairs, print, torch.from_numpy(of.scales / of.scales.max()))
        case "noise":
            methods.try_noise(plain, [x for x, _ in pairs], print)
            return
        case "gates":
            for name, (error, layers) in methods.select(plain, eight, pairs, print, args.budget).items():
                print(f"{name}: error {error:.3e} with {sorted(layers)} in float32")
            return
    of.write(args.out, {of.eight["files"][f"{args.graph}.onnx"]: eight.bytes()})
    print(args.out)


def count(args: argparse.Namespace) -> None:
    scene_of = bundle.scenes(args.dataset, args.dataset_version)
    plain, first, *others = (bundle.read_boxes(f) for f in args.results)
    base = bundle.lost(plain, first, scene_of)
    boxes, gone = np.array(list(base.values())).sum(0)
    print(f"{args.results[1]}: {100 * gone / boxes:.2f} % of {boxes} boxes lost in {len(base)} scenes")
    for name, result in zip(args.results[2:], others, strict=True):
        more, low, high = bundle.difference(base, bundle.lost(plain, result, scene_of))
        print(f"{name}: {100 * more:+.2f} % ({100 * low:+.2f} to {100 * high:+.2f})")


def main() -> int:
    if sys.argv[1:2] == ["lost"]:
        parser = command.parser(__doc__)
        parser.add_argument("command", choices=["lost"])
        parser.add_argument("dataset", type=Path, help="a folder in nuScenes format")
        parser.add_argument("results", type=Path, nargs="+", help="of float32, of 8 bits, of others")
        parser.add_argument("--dataset-version", default="v1.0-synth")
        return command.run(parser, count)
    parser = command.parser(__doc__)
    parser.add_argument("method", choices=["bias", "rounding", "noise", "gates"])
    default = ROOT / "model" / "default"
    parser.add_argument("--model", type=Path, default=default, help="a bundle with both graphs")
    parser.add_argument("--graph", choices=["head", "image_encoder"], default="head")
    parser.add_argument("--examples", type=Path, default=ROOT / "out" / "examples", help="of quant/cmd")
    parser.add_argument("--n", type=int, default=12, help="examples that are used, default: 12")
    parser.add_argument("--budget", type=float, default=0.1, help="of gates: share of products in float32")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "tried", help="the bundle to write")
    return command.run(parser, attempt)


if __name__ == "__main__":
    sys.exit(main())
