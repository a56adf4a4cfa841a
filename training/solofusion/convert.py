"""Turns a checkpoint of SOLOFusion's reference implementation into a bundle.

CHECKPOINT is a file as trainers write it: weights by name, under any key or prefix, in
any precision. Averaged weights are taken if there are any, wherever they stand, since
the published scores are theirs; --weights chooses others, and what was taken is printed.
Every parameter must be the configuration's, by name and shape; otherwise all that are
not are listed. The bundle computes in float32 and is checked by `solofusion model
verify` before it takes its place: after a refusal, BUNDLE is as it was.

Example:
    python training/convert_checkpoint.py r50_ema.pth --config r50 --out out/r50
    bin/solofusion replay data/nuscenes --model out/r50 --out results.json
"""

import argparse
import hashlib
import subprocess
from pathlib import Path

from . import command
from .checkpoint import Set, choose, read, sets_in, unnamed
from .command import Refused
from .config import Config, load_config
from .export import laid_aside, manifest, write_manifest, write_parts
from .fit import fit, outline
from .model import SOLOFusion, view_constants

ROOT = Path(__file__).resolve().parents[2]


def chosen_weights(cfg: Config, path: Path, wanted: str = "auto", trust: bool = False, say=print) -> Set:
    """The set of weights to take from the file."""
    content, left_out = read(path, trust)
    if left_out:
        say(f"left out: objects of {', '.join(sorted(left_out))}")
    for key in unnamed(content):
        say(f"left out: {key}, averages without names")
    model = outline(cfg)
    constants = {f"img_view_transformer.{n}" for n in view_constants(cfg)}
    parameters = {n for n, _ in model.named_parameters()} - constants
    return choose(sets_in(content, set(model.state_dict()), path), wanted, parameters, say)


def write_bundle(model: SOLOFusion, source: dict, folder: Path, deform: str = "DeformConv") -> None:
    """source is the manifest's word on where the weights come from."""
    write_parts(model, folder, deform)
    write_manifest(folder, manifest(model.cfg, {"type": "float32"}, source, {"method": "none"}))


def verify(program: Path, folder: Path) -> None:
    try:
        done = subprocess.run(
            [program.resolve(), "model", "verify", folder], capture_output=True, text=True, check=False
        )
    except OSError as e:
        raise Refused(f"--program {program} cannot be run: {e.strerror}") from None
    if done.returncode:
        raise Refused(f"solofusion model verify: {done.stderr.strip() or f'exit code {done.returncode}'}")
    if "is sound" not in done.stdout:
        raise Refused(f"--program {program} is not solofusion: model verify does not end with “is sound”")


def main() -> int:
    parser = command.parser(__doc__)
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--config", required=True, help="a name in configs/ or a YAML file")
    parser.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="the bundle's folder")
    parser.add_argument("--weights", default="auto", metavar="WHICH", help=(
        "averaged, raw, or the key of a set in the file, such as\nstate_dict_ema or state_dict.ema_ "
        "(default: averaged\nif there are any)"
    ))
    parser.add_argument("--deform", choices=["deformconv", "gridsample"], default="deformconv", help=(
        "operator of the deformable convolution; gridsample for\nexecution providers without DeformConv"
    ))
    parser.add_argument("--trust", action="store_true", help=(
        "read files that hold more than tensors and plain values;\nother objects are left out, none of "
        "their code runs"
    ))
    parser.add_argument("--program", type=Path, default=ROOT / "bin" / "solofusion", help="that verifies")
    return command.run(parser, convert)


def convert(args: argparse.Namespace) -> None:
    if not args.program.is_file():
        raise Refused(f"{args.program} is missing: make build makes it, --program names another")
    cfg = load_config(args.config)
    chosen = chosen_weights(cfg, args.checkpoint, args.weights, args.trust)
    model = fit(cfg, chosen.weights, chosen.strays)
    source = {
        "checkpoint": args.checkpoint.name, "sha256": sha256(args.checkpoint),
        "weights": f"{chosen.key}{', averaged' if chosen.averaged else ''}", "config": args.config,
        "command": "training/convert_checkpoint.py", "deform": args.deform,
    }
    operator = {"deformconv": "DeformConv", "gridsample": "GridSample"}[args.deform]
    with laid_aside(args.out) as folder:
        write_bundle(model, source, folder, operator)
        verify(args.program, folder)
    print(f"bundle: {args.out}, {cfg.name}, verified")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
