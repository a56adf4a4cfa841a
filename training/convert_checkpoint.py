"""Turns a checkpoint of SOLOFusion's reference implementation into a bundle.

CHECKPOINT is a file as the reference's training writes and its authors release it: a
dict with ``state_dict``. Where it holds averaged weights under ``ema_`` names, these
are taken, since the published scores are theirs. Every parameter must be the
configuration's, by name and shape; otherwise all that are not are listed and nothing is
written. The bundle computes in float32 and is checked by ``solofusion model verify``.

Example:
    python training/convert_checkpoint.py r50_ema.pth --config r50 --out out/r50
    bin/solofusion replay data/nuscenes --model out/r50 --out results.json
"""

import argparse
import hashlib
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from solofusion.config import Config, load_config
from solofusion.export import manifest, write_manifest, write_parts
from solofusion.model import SOLOFusion, view_constants
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
LISTED = 20
"""Faults that are printed; the rest is counted."""
CONSTANT = 1e-4
"""How far the constants of a checkpoint may be from the configuration's."""

Weights = dict[str, Tensor]


class Refused(Exception):
    """A checkpoint that is not what the configuration asks for; says why."""


def read_checkpoint(path: Path, trust: bool = False) -> Weights:
    """The state dict of a released file. With ``trust``, files that hold more than
    tensors and plain values are read too; loading these can run code of theirs."""
    if not path.is_file():
        raise Refused(f"{path} does not exist")
    with path.open("rb") as file:
        if file.read(1) not in (b"P", b"\x80"):  # a zip archive, or a pickle as before release 1.6
            raise Refused(f"{path} is not a PyTorch file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=not trust)
    except pickle.UnpicklingError as e:
        if "weights_only" in str(e):
            raise Refused(
                f"{path} holds objects beside tensors and plain values; "
                "--trust reads it, which can run code in it"
            ) from None
        raise Refused(f"{path} is not a PyTorch file: {e}") from None
    except (RuntimeError, EOFError, OSError) as e:
        raise Refused(f"{path} is not a PyTorch file: {e}") from None
    if not isinstance(content, dict) or not isinstance(content.get("state_dict"), dict):
        held = sorted(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise Refused(f"{path} holds {held}, want a dict with state_dict")
    weights = content["state_dict"]
    odd = [n for n, t in weights.items() if not isinstance(t, Tensor)]
    if odd:
        raise Refused(f"{path}: state_dict: {odd[0]} is no tensor")
    return {n.removeprefix("module."): t for n, t in weights.items()}


def choose_averaged(weights: Weights, say: Callable[[str], None]) -> Weights:
    """The averaged weights under the plain names, where there are any. Averages are
    called ema_ and the name, with its dots or with underscores for them."""
    plain = {n: t for n, t in weights.items() if not n.startswith("ema_")}
    averaged = {n: t for n, t in weights.items() if n.startswith("ema_")}
    if not averaged:
        say(f"weights: the plain names' ({len(plain)}); there are no ema_ names")
        return plain
    found = {}
    for name in plain:
        for key in (f"ema_{name}", f"ema_{name.replace('.', '_')}"):
            if key in averaged:
                found[name] = averaged.pop(key)
    if averaged:
        raise Refused(listing("averaged weights without a plain name", sorted(averaged)))
    rest = len(plain) - len(found)
    say(f"weights: the averaged ones ({len(found)} under ema_ names), "
        f"and {rest} plain ones that have no average")
    return plain | found


def fit(cfg: Config, weights: Weights) -> SOLOFusion:
    """The configuration's model with these weights; raises Refused with every name
    that is unknown, missing or misshapen, and every number that is not finite."""
    model = SOLOFusion(cfg).eval().requires_grad_(False)
    want = model.state_dict()
    faults = [
        listing("unknown", sorted(weights.keys() - want.keys())),
        listing("missing", sorted(want.keys() - weights.keys())),
        listing("misshapen", [
            f"{n} is {shape(weights[n])}, want {shape(want[n])}"
            for n in want if n in weights and weights[n].shape != want[n].shape
        ]),
        listing("not finite", [n for n in want if n in weights and not weights[n].isfinite().all()]),
    ]
    if any(faults):
        raise Refused("\n".join([f"the checkpoint does not fit {cfg.name}", *filter(None, faults)]))
    for name, value in view_constants(cfg).items():
        gap = (value - weights[f"img_view_transformer.{name}"]).abs().max()
        if gap > CONSTANT * value.abs().max():
            raise Refused(f"img_view_transformer.{name} is off by {gap:.3g} from what {cfg.name} says")
    model.load_state_dict(weights)
    return model


def shape(t: Tensor) -> str:
    return "x".join(map(str, t.shape)) or "scalar"


def listing(title: str, names: list[str]) -> str:
    if not names:
        return ""
    shown = [f"  {n}" for n in names[:LISTED]]
    if len(names) > LISTED:
        shown.append(f"  and {len(names) - LISTED} more")
    return "\n".join([f"{title} ({len(names)}):", *shown])


def write_bundle(model: SOLOFusion, source: dict, folder: Path, deform: str = "DeformConv") -> None:
    """source is the manifest's word on where the weights come from."""
    write_parts(model, folder, deform)
    write_manifest(folder, manifest(model.cfg, {"type": "float32"}, source, {"method": "none"}))


def verify(program: Path, folder: Path) -> None:
    done = subprocess.run([program, "model", "verify", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"solofusion model verify: {done.stderr.strip()}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--config", required=True, help="a name in configs/ or a file")
    parser.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="the bundle's folder")
    parser.add_argument("--deform", choices=["deformconv", "gridsample"], default="deformconv", help=(
        "operator of the deformable convolution; gridsample for\nexecution providers without DeformConv"
    ))
    parser.add_argument("--trust", action="store_true", help="read files that hold more than tensors")
    parser.add_argument("--program", type=Path, default=ROOT / "bin" / "solofusion", help="that verifies")
    args = parser.parse_args()
    try:
        convert(args)
    except (Refused, FileNotFoundError, TypeError) as e:
        print(f"convert_checkpoint: {e}", file=sys.stderr)
        return 1
    return 0


def convert(args: argparse.Namespace) -> None:
    if not args.program.exists():
        raise Refused(f"{args.program} is missing: make build makes it, --program names another")
    cfg = load_config(args.config)
    weights = choose_averaged(read_checkpoint(args.checkpoint, args.trust), print)
    model = fit(cfg, weights)
    source = {
        "checkpoint": args.checkpoint.name,
        "sha256": hashlib.sha256(args.checkpoint.read_bytes()).hexdigest(),
        "config": args.config, "command": "training/convert_checkpoint.py", "deform": args.deform,
    }
    operator = {"deformconv": "DeformConv", "gridsample": "GridSample"}[args.deform]
    write_bundle(model, source, args.out, operator)
    verify(args.program, args.out)
    print(f"bundle: {args.out}, {cfg.name}, verified")


if __name__ == "__main__":
    sys.exit(main())
