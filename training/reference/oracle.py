"""The detector, frame by frame. Run as a program it writes trace arrays.

Example:
    python -m reference.oracle data/nuscenes --dataset-version v1.0-mini \\
        --checkpoint r50.pth --config r50 --out out/oracle
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from solofusion import command
from solofusion.config import load_config
from solofusion.convert import chosen_weights
from solofusion.dataset import MEAN, STD
from solofusion.fit import fit
from solofusion.model import SOLOFusion
from torch import Tensor

from . import stages
from .decode import decode
from .frames import KeyFrame, read_frames

Arrays = dict[str, Tensor]


class Oracle:
    """Keeps what goes on from frame to frame: the last frame and the history.

    ``step`` computes a frame's arrays under the names of the trace contract. Given
    the arrays of another program's frame to follow, every stage takes its input from
    there, what was kept of the frame before included, so that a fault shows at its
    stage only.
    """

    def __init__(self, model: SOLOFusion):
        self.model, self.cfg = model, model.cfg
        self.before: tuple[KeyFrame, Mapping[str, Tensor]] | None = None
        self.margin: Tensor | None = None  # of the last step's picks (stages.pick_samples)

    @torch.no_grad()
    def step(self, frame: KeyFrame, follow: Mapping[str, Tensor] | None = None) -> Arrays:
        cfg, out = self.cfg, {}
        given = follow if follow is not None else out
        if self.before is not None and self.before[0].scene != frame.scene:
            self.before = None
        out["images"] = normalised(frame.images)
        self.encode(frame, given, out)
        self.fuse_depth(frame, given, out)
        cells = stages.frustum_cells(cfg, frame)
        out["bev_raw"] = stages.splat(cfg, cells, given["depth"], given["context"])
        out["bev"] = self.model.embed_bev(given["bev_raw"][None])[0]
        self.remember(frame, given, out)
        for t, task in enumerate(self.model.pts_bbox_head(self.model.encode_bev(given["fused"][None]))):
            out |= {f"head_{t}_{branch}": maps[0] for branch, maps in task.items()}
        self.before = frame, given
        return out

    def encode(self, frame: KeyFrame, given: Mapping[str, Tensor], out: Arrays) -> None:
        context, mono, fine = self.model.encode_images(given["images"], frame.camera_numbers)
        out["context"], out["mono_logits"] = context, mono
        if self.cfg.stereo:
            out["stereo_features"] = fine

    def fuse_depth(self, frame: KeyFrame, given: Mapping[str, Tensor], out: Arrays) -> None:
        cfg, mono = self.cfg, given["mono_logits"]
        if not cfg.stereo:
            out["depth"] = mono.softmax(1)
            return
        samples, self.margin = stages.pick_samples(cfg, mono)
        out["stereo_samples"] = samples.float()
        samples = given["stereo_samples"].long()
        past, kept = self.before or (frame, given)
        cost = stages.correlate(
            cfg, samples, frame, given["stereo_features"], past, kept["stereo_features"]
        )
        found = stages.match(cfg, self.model.img_view_transformer.similarity_net, cost)
        out["stereo_logits"] = stages.spread(cfg, samples, found)
        out["depth"] = (mono + given["stereo_logits"]).softmax(1)

    def remember(self, frame: KeyFrame, given: Mapping[str, Tensor], out: Arrays) -> None:
        slots = self.cfg.history["frames"]
        now = given["bev"][None]
        if not slots:
            out["fused"] = now[0]
            return
        if self.before is None:
            self.ages = torch.zeros(slots)
            out["history"] = now.expand(slots, -1, -1, -1).clone()
        else:
            past, kept = self.before
            planes = torch.cat([kept["bev"][None], kept["history"][:-1]])
            self.ages = torch.cat([torch.zeros(1), self.ages[:-1]]) + 1
            past_from_now = torch.linalg.inv(past.global_from_lidar) @ frame.global_from_lidar
            out["history"] = stages.warp(self.cfg, planes, past_from_now)
        stack = torch.cat([now, given["history"]])
        ages = torch.cat([torch.zeros(1), self.ages]) * self.cfg.history["period"]
        out["fused"] = self.model.fuse(stack[None], ages[None])[0]

    def boxes(self, maps: Mapping[str, Tensor]) -> list[dict]:
        return decode(self.cfg, {n: maps[n].numpy() for n in maps if n.startswith("head_")})


def normalised(images: Tensor) -> Tensor:
    """N H W 3 bytes to N 3 H W float32."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return (images.permute(0, 3, 1, 2).float() / 255 - mean) / std


class Trace(Mapping):
    """The arrays of one traced frame, read when they are asked for."""

    def __init__(self, folder: Path):
        self.folder, self.read = folder, {}

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.read:
            self.read[name] = torch.from_numpy(np.load(self.folder / f"{name}.npy"))
        return self.read[name]

    def __iter__(self):
        return (p.stem for p in sorted(self.folder.glob("*.npy")))

    def __len__(self) -> int:
        return len(list(self.folder.glob("*.npy")))

    def boxes(self) -> list[dict]:
        return json.loads((self.folder / "boxes.json").read_text())


def write(folder: Path, arrays: Arrays, boxes: list[dict]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array.numpy())
    (folder / "boxes.json").write_text(json.dumps(boxes, indent=1))


def main() -> int:
    parser = command.parser(__doc__)
    parser.add_argument("input", type=Path, help="a folder in nuScenes format")
    parser.add_argument("--dataset-version", required=True, help="the folder of its tables")
    parser.add_argument("--checkpoint", type=Path, required=True, help="in the released format")
    parser.add_argument("--config", required=True, help="a name in configs/, or a file")
    parser.add_argument("--out", type=Path, required=True, help="folder for the arrays")
    parser.add_argument("--follow", type=Path, metavar="TRACE", help=(
        "take each stage's input from this trace of `solofusion trace`"
    ))
    return command.run(parser, trace)


def trace(args: argparse.Namespace) -> None:
    cfg = load_config(args.config)
    oracle = Oracle(fit(cfg, chosen_weights(cfg, args.checkpoint).weights))
    for frame in read_frames(cfg, args.input, args.dataset_version):
        place = Path(frame.scene) / str(frame.index)
        follow = Trace(args.follow / place) if args.follow else None
        arrays = oracle.step(frame, follow)
        boxes = oracle.boxes(follow or arrays)
        write(args.out / place, arrays, boxes)
        print(f"{place}: {len(frame.images)} cameras, {len(boxes)} boxes", flush=True)


if __name__ == "__main__":
    sys.exit(main())
