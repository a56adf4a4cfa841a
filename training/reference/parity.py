"""Runs the service and the oracle on random weights and compares every stage.

Prints a table for each case: following, where each stage of the oracle takes the
service's own input, and end to end, where each goes on from its own arrays. A report's
tables are replaced, its words above them stay.

Example:
    python -m reference.parity --only tiny --frames 4
    python -m reference.parity --report docs/parity.md
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from solofusion import command
from solofusion.command import Refused
from solofusion.config import Config, load_config
from solofusion.convert import write_bundle
from solofusion.fit import fit

from .compare import END_TO_END, FOLLOWING, Comparison, table
from .draw import draw
from .frames import KeyFrame, read_frames
from .oracle import Oracle, Trace

ROOT = Path(__file__).resolve().parents[2]
MARK = "<!-- what follows is written by make parity -->"


@dataclass(frozen=True)
class Data:
    """A folder in nuScenes format."""

    folder: Path
    version: str


@dataclass(frozen=True)
class Case:
    name: str
    config: str
    seed: int
    data: str  # a key of DATA


class Workshop:
    """Makes data sets on demand and runs the program."""

    def __init__(self, program: Path, folder: Path, frames: int):
        self.program, self.folder, self.frames, self.made = program, folder, frames, {}

    def run(self, *arguments: object) -> None:
        command = [self.program, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(f"solofusion {arguments[0]}: {done.stderr.strip()}")

    def data(self, name: str) -> Data | None:
        """None where recordings that do not belong to the project are absent."""
        if name not in self.made:
            self.made[name] = DATA[name](self)
        return self.made[name]

    def synth(self, name: str, drives: int, frames: int) -> Data:
        folder = self.folder / name
        self.run("synth", "--out", folder, "--seed", 41, "--drives", drives, "--frames", frames)
        return Data(folder, "v1.0-synth")


def edited(shop: Workshop, name: str, edit: Callable[[Path], None]) -> Data:
    """A short drive of its own, changed."""
    data = shop.synth(name, 1, min(6, shop.frames))
    edit(data.folder)
    return data


def keep_three_cameras(folder: Path) -> None:
    tables = folder / "v1.0-synth"
    rows = json.loads((tables / "sample_data.json").read_text())
    gone = ("CAM_FRONT_LEFT", "CAM_BACK_LEFT", "CAM_BACK_RIGHT")
    rows = [r for r in rows if not any(f"/{c}/" in r["filename"] for c in gone)]
    (tables / "sample_data.json").write_text(json.dumps(rows))


def images_of(folder: Path, frame: int, camera: str = "*") -> list[Path]:
    cameras = [c for c in (folder / "samples").glob(camera) if c.name.startswith("CAM_")]
    return [sorted(c.iterdir())[frame] for c in cameras]


def lose_an_image(folder: Path) -> None:
    for path in images_of(folder, 2, "CAM_BACK"):
        path.unlink()


def lose_a_frame(folder: Path) -> None:
    for path in images_of(folder, 2):
        path.unlink()


def recorded(name: str, version: str) -> Callable[[Workshop], Data | None]:
    def find(_shop: Workshop) -> Data | None:
        folder = Path(os.environ.get("SOLOFUSION_DATA", ROOT.parent / "shared")) / "data" / name
        return Data(folder, version) if folder.exists() else None
    return find


DATA: dict[str, Callable[[Workshop], Data | None]] = {
    "drive": lambda shop: shop.synth("drive", 1, shop.frames),
    "two drives": lambda shop: shop.synth("two drives", 2, min(4, shop.frames)),
    "three cameras": lambda shop: edited(shop, "three cameras", keep_three_cameras),
    "lost image": lambda shop: edited(shop, "lost image", lose_an_image),
    "lost frame": lambda shop: edited(shop, "lost frame", lose_a_frame),
    "nuscenes": recorded("nuscenes", "v1.0-mini"),
    "ddad": recorded("ddad", "v1.0-dgp"),
}

CASES = [
    *(Case(f"tiny, seed {s}", "tiny", s, "drive") for s in (1, 2)),
    *(Case(f"small, seed {s}", "small", s, "drive") for s in (1, 2, 3, 4, 5)),
    *(Case(f"r50, seed {s}", "r50", s, "drive") for s in (1, 2)),
    Case("small, cold start and scene change", "small", 6, "two drives"),
    Case("small, a rig of three cameras", "small", 6, "three cameras"),
    Case("small, an image is missing", "small", 6, "lost image"),
    Case("small, a frame is missing", "small", 6, "lost frame"),
    Case("small, real key frames", "small", 6, "nuscenes"),
    Case("small, real frames of another rig", "small", 6, "ddad"),
    Case("r50 short-only", "r50-shortonly", 1, "two drives"),
    Case("r50 long-only", "r50-longonly", 1, "two drives"),
]


def compare(shop: Workshop, case: Case, data: Data,
            damage: dict[str, Callable[[torch.Tensor], torch.Tensor]] | None = None,
            ) -> tuple[Comparison, Comparison]:
    """Following, and end to end. damage changes arrays of the trace by their names, to
    show that a fault is found."""
    cfg = load_config(case.config)
    # Of its own data: with weights whose scales fit other images, boxes become kilometres wide
    # and picometres long, and what overlaps is a question of rounding.
    model = fit(cfg, draw(cfg, case.seed, next(frames_of(cfg, data))))
    folder = shop.folder / "case"
    write_bundle(model, {"seed": case.seed, "weights": "random"}, folder / "bundle")
    shop.run(
        "trace", data.folder, "--dataset-version", data.version,
        "--model", folder / "bundle", "--out", folder / "trace",
    )
    follower, alone = Oracle(model), Oracle(model)
    following, whole = Comparison(cfg, FOLLOWING), Comparison(cfg, END_TO_END)
    for frame in frames_of(cfg, data):
        where = f"{frame.scene} {frame.index}"
        trace = Trace(folder / "trace" / frame.scene / str(frame.index))
        for name, change in (damage or {}).items():
            trace.read[name] = change(trace[name])
        following.frame(frame, follower.step(frame, trace), trace, follower.margin)
        following.compare_boxes(where, follower.boxes(trace), trace.boxes())
        arrays = alone.step(frame)
        whole.frame(frame, arrays, trace, None)
        whole.compare_boxes(where, alone.boxes(arrays), trace.boxes())
    shutil.rmtree(folder)
    return following, whole


def frames_of(cfg: Config, data: Data) -> Iterator[KeyFrame]:
    return read_frames(cfg, data.folder, data.version)


def main() -> int:
    parser = command.parser(__doc__)
    parser.add_argument("--only", help="cases whose name holds this")
    parser.add_argument("--frames", type=int, default=20, help="of a synthetic drive")
    parser.add_argument("--report", type=Path, help="write the tables here as well")
    parser.add_argument("--program", type=Path, default=ROOT / "bin" / "solofusion")
    return command.run(parser, check)


def check(args: argparse.Namespace) -> None:
    cases = [c for c in CASES if args.only is None or args.only in c.name]
    if not cases:
        raise Refused(f"no case's name holds {args.only!r}, want one of {', '.join(c.name for c in CASES)}")
    passed, parts, absent = True, [], 0
    with tempfile.TemporaryDirectory(prefix="parity-") as folder:
        shop = Workshop(args.program, Path(folder), args.frames)
        for case in cases:
            data = shop.data(case.data)
            if data is None:
                print(f"parity: {case.name}: its recordings are absent, passed over", file=sys.stderr)
                absent += 1
                continue
            following, whole = compare(shop, case, data)
            text = f"### {case.name}\n\n{table(following, whole)}\n"
            print(text, flush=True)
            parts.append(text)
            passed = passed and following.passed and whole.passed
    if args.report:
        words = args.report.read_text().partition(MARK)[0]
        args.report.write_text("\n".join([words + MARK + "\n", *parts]))
    word = "every stage is within its bound" if passed else "**fail** above"
    print(f"parity: {word}; {len(parts)} cases, {absent} passed over")
    if not passed:
        raise Refused("a stage is beyond its bound")


if __name__ == "__main__":
    sys.exit(main())
