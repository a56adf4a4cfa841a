"""Trains a model on cached nuScenes-format drives, in three stages, and resumes.

``image``: backbone, necks, depth and stereo learn from what each pixel shows (its
depth; the class, place, heading and size of its object), on pairs of consecutive
frames. Stereo joins after ``--stereo-from`` of the steps.
``bev``: the image part is frozen and its bird's-eye planes are computed once; what
follows learns from single frames.
``fusion``: time conv, fusion, BEV encoder and head learn from aligned history.

Example:
    python -m solofusion.train image out/train-cache --out out/run --steps 1500
    python -m solofusion.train bev out/train-cache --out out/run --steps 800 --batch 4
    python -m solofusion.train fusion out/train-cache --out out/run --steps 600 --batch 4
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from . import bev
from .config import BRANCHES, Config, load_config
from .dataset import Dataset, Frame
from .forward import fuse_depth, lift_frame, view
from .losses import PIXEL_OUTPUTS, depth_loss, head_loss, pixel_loss
from .model import SOLOFusion
from .targets import Targets, flip, make_targets

NEGLIGIBLE = 2e-4
"""Depth probabilities left out of the cached planes, for speed."""

EMA_DECAY = 0.998
WEIGHTS = {
    "mono": 0.5, "depth": 1.0, "kind": 1.0, "shape": 1.0,
    "heatmap": 1.0, **dict.fromkeys(BRANCHES, 0.25), "vel": 0.05,
}
"""Of each term in the sum."""

CLIP_NORM = 5.0

STAGES: dict[str, list[str]] = {
    "image": ["img_backbone", "img_neck", "img_view_transformer", "stereo_neck"],
    "bev": [
        "pre_process_net", "embed", "history_keyframe_time_conv", "history_keyframe_cat_conv",
        "img_bev_encoder_backbone", "img_bev_encoder_neck", "pts_bbox_head",
    ],
    "fusion": [
        "history_keyframe_time_conv", "history_keyframe_cat_conv",
        "img_bev_encoder_backbone", "img_bev_encoder_neck", "pts_bbox_head",
    ],
}
"""The modules that each stage trains; the others are frozen."""

Losses = dict[str, Tensor]


class Run:
    """A stage in progress; a checkpoint holds all of it."""

    def __init__(self, cfg: Config, args: argparse.Namespace, weights: dict | None):
        self.model = SOLOFusion(cfg)
        if weights is not None:
            self.model.load_state_dict(weights)
        self.pixels = nn.Conv2d(cfg.context_channels, PIXEL_OUTPUTS, 1)  # used in training only
        self.model.eval()
        modules = [getattr(self.model, name).train() for name in STAGES[args.stage]]
        parameters = [p for m in [*modules, self.pixels] for p in m.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(parameters, lr=args.lr, weight_decay=0.01)
        self.schedule = OneCycleLR(
            self.optimizer, args.lr, args.steps, pct_start=0.1, final_div_factor=100
        )
        self.ema = deepcopy(self.model)
        self.step, self.seconds, self.cpu = 0, 0.0, 0.0

    PARTS = ("model", "pixels", "ema", "optimizer", "schedule")

    def save(self, path: Path) -> None:
        parts = {n: getattr(self, n).state_dict() for n in self.PARTS}
        counts = {"step": self.step, "seconds": self.seconds, "cpu": self.cpu}
        temporary = path.with_suffix(".tmp")
        torch.save({**parts, **counts}, temporary)
        temporary.rename(path)

    def load(self, path: Path) -> None:
        saved = torch.load(path, weights_only=False)
        for name in self.PARTS:
            getattr(self, name).load_state_dict(saved[name])
        self.step, self.seconds, self.cpu = saved["step"], saved["seconds"], saved["cpu"]

    @torch.no_grad()
    def average(self) -> None:
        """Moves the averaged weights towards the model's."""
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        ours = self.model.state_dict().values()
        for a, b in zip(self.ema.state_dict().values(), ours, strict=True):
            if a.dtype.is_floating_point:
                a.lerp_(b, 1 - decay)
            else:
                a.copy_(b)

    def learn(self, losses: Losses) -> float:
        loss = sum(WEIGHTS[name] * value for name, value in losses.items())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.optimizer.param_groups[0]["params"], CLIP_NORM)
        self.optimizer.step()
        self.schedule.step()
        self.average()
        self.step += 1
        return float(loss.detach())


def train(run: Run, args: argparse.Namespace, losses_of: Callable[[int, np.random.Generator], Losses]
          ) -> None:
    """Steps until ``args.steps``; a step's random choices depend on its number only."""
    checkpoint = args.out / f"{args.stage}.pt"
    if checkpoint.exists():
        run.load(checkpoint)
    clock = Clock(run.seconds, run.cpu)
    with (args.out / f"{args.stage}.jsonl").open("a") as log:
        while run.step < args.steps:
            rng = np.random.default_rng([args.seed, run.step])
            torch.manual_seed(args.seed * 1_000_003 + run.step)
            losses = losses_of(run.step, rng)
            loss = run.learn(losses)
            run.seconds, run.cpu = clock.read()
            if run.step % 20 == 0:
                row = {"step": run.step, "loss": round(loss, 3)}
                row |= {k: round(float(v.detach()), 3) for k, v in losses.items()}
                row |= {"seconds": round(run.seconds), "cpu": round(run.cpu)}
                print(json.dumps(row), file=log, flush=True)
                print(json.dumps(row), flush=True)
            if run.step % 100 == 0 or run.step == args.steps:
                run.save(checkpoint)


@dataclass
class Clock:
    """Wall and processor seconds of a stage, over interruptions."""

    seconds: float
    cpu: float

    def __post_init__(self) -> None:
        self.seconds -= time.time()
        self.cpu -= time.process_time()

    def read(self) -> tuple[float, float]:
        return self.seconds + time.time(), self.cpu + time.process_time()


def jitter(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Changes brightness and contrast of a clip's normalised images."""
    return images * float(rng.uniform(0.85, 1.15)) + float(rng.uniform(-0.2, 0.2))


def image_losses(run: Run, data: Dataset, firsts: list[int], with_stereo: bool,
                 rng: np.random.Generator) -> Losses:
    """Of pairs of consecutive frames; firsts are the earlier ones' indices."""
    model, n = run.model, len(run.model.cfg.cameras)
    frames = [data.frames[i + d] for i in firsts for d in (0, 1)]
    images = torch.cat([jitter(torch.cat([data.input(i), data.input(i + 1)]), rng) for i in firsts])
    numbers = torch.cat([f.camera_numbers for f in frames])
    with torch.autocast("cpu", torch.bfloat16):
        context, logits, fine = model.encode_images(
            images.contiguous(memory_format=torch.channels_last), numbers
        )
        shown = run.pixels(context)
    logits, fine, shown = (t.float().split(n) for t in (logits, fine, shown))
    losses = []
    for i, frame in enumerate(frames):
        terms = {"mono": depth_loss(logits[i], frame.depth_bins), **pixel_loss(shown[i], frame)}
        if with_stereo:
            before = i - i % 2
            depth = fuse_depth(
                model, logits[i], view(frame, fine[i]), view(frames[before], fine[before])
            )
            terms["depth"] = depth_loss(depth, frame.depth_bins)
        losses.append(terms)
    return {name: sum(t[name] for t in losses) / len(losses) for name in losses[0]}


def mirror(cfg: Config, plane: Tensor, frame: Frame, rng: np.random.Generator
           ) -> tuple[Tensor, Targets]:
    """Flips a plane and its frame's boxes about x and y at random."""
    x, y = rng.random(2) < 0.5
    axes = [axis for axis, on in ((-1, x), (-2, y)) if on]
    boxes = flip(frame.boxes, bool(x), bool(y))
    return plane.flip(axes) if axes else plane, make_targets(cfg, boxes, frame.labels)


def head_alone(model: SOLOFusion, planes: Tensor) -> Tensor:
    """Features for the head from raw planes B C Y X with no history."""
    slots = model.cfg.history["frames"] + 1
    embedded = model.embed_bev(planes)
    age = torch.zeros_like(embedded[:, :1])
    timed = model.history_keyframe_time_conv(torch.cat([embedded, age], 1))
    conv, norm, act = model.history_keyframe_cat_conv
    weight = conv.weight.unflatten(1, (slots, -1)).sum(1)  # every slot holds the same
    fused = act(norm(nn.functional.conv2d(timed, weight, conv.bias)))
    return model.encode_bev(fused)


def bev_losses(run: Run, data: Dataset, planes: Tensor, indices: list[int],
               rng: np.random.Generator) -> Losses:
    """Of single frames, from their raw planes."""
    pairs = [mirror(run.model.cfg, planes[i].float(), data.frames[i], rng) for i in indices]
    batch = torch.stack([plane for plane, _ in pairs])
    with torch.autocast("cpu", torch.bfloat16):
        features = head_alone(run.model, batch.contiguous(memory_format=torch.channels_last))
        return head_loss(run.model.pts_bbox_head, features, [t for _, t in pairs], velocity=False)


def history_stack(cfg: Config, data: Dataset, planes: Tensor, i: int) -> tuple[Tensor, Tensor]:
    """Frame i's plane and its aligned history: (T+1) C Y X, and ages in seconds.

    Before a scene's start, its first plane stands in.
    """
    start = int(data.start_of[i])
    slots = [max(i - k, start) for k in range(1, cfg.history["frames"] + 1)]
    now = data.frames[i].global_from_lidar
    was_from_now = torch.stack(
        [torch.linalg.inv(data.frames[j].global_from_lidar) @ now for j in slots]
    )
    aligned = bev.align(cfg, planes[slots].float(), was_from_now)
    ages = torch.tensor([i - j for j in [i, *slots]]) * cfg.history["period"]
    return torch.cat([planes[i : i + 1].float(), aligned]), ages


def fusion_losses(run: Run, data: Dataset, planes: Tensor, indices: list[int],
                  rng: np.random.Generator) -> Losses:
    """Of frames with their history, from embedded planes."""
    model, stacks, ages, targets = run.model, [], [], []
    for i in indices:
        stack, age = history_stack(model.cfg, data, planes, i)
        stack, target = mirror(model.cfg, stack, data.frames[i], rng)
        stacks.append(stack)
        ages.append(age)
        targets.append(target)
    with torch.autocast("cpu", torch.bfloat16):
        features = model.encode_bev(model.fuse(torch.stack(stacks), torch.stack(ages)))
        return head_loss(model.pts_bbox_head, features, targets, velocity=True)


_planes_of: tuple[SOLOFusion, Dataset]
"""What a process of ``cache_raw_planes`` works with; inherited, not sent."""


def _start(model: SOLOFusion, data: Dataset) -> None:
    global _planes_of
    torch.set_num_threads(1)
    _planes_of = model, data


@torch.no_grad()
def raw_planes(start: int, stop: int) -> np.ndarray:
    """The raw planes of the frames of a drive, F C Y X float16."""
    (model, data), planes, before = _planes_of, [], None
    for i in range(start, stop):
        frame = data.frames[i]
        with torch.autocast("cpu", torch.bfloat16):
            context, logits, fine = model.encode_images(
                data.input(i).contiguous(memory_format=torch.channels_last), frame.camera_numbers
            )
        now = view(frame, fine.float())
        before = now if frame.first else before
        depth = fuse_depth(model, logits.float(), now, before)
        planes.append(lift_frame(model, frame, context, depth, NEGLIGIBLE).half().numpy())
        before = now
    return np.stack(planes)


def cache_raw_planes(model: SOLOFusion, data: Dataset, path: Path) -> Tensor:
    """Computes all raw planes once, on all cores, and keeps them in a file."""
    if not path.exists():
        shape = (len(data), model.cfg.context_channels, *model.cfg.cells)
        temporary = path.with_suffix(".tmp")
        out = np.lib.format.open_memmap(temporary, "w+", np.float16, shape)
        bounds = [*data.starts, len(data)]
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(None, fork, _start, (model, data)) as pool:
            parts = pool.map(raw_planes, bounds[:-1], bounds[1:])
            for k, (start, part) in enumerate(zip(data.starts, parts, strict=True)):
                out[start : start + len(part)] = part
                if k % 20 == 0:
                    print(f"planes of drive {k} of {len(data.starts)}", flush=True)
        out.flush()
        temporary.rename(path)
    return torch.from_numpy(np.load(path, mmap_mode="c"))


@torch.no_grad()
def embed_planes(model: SOLOFusion, raw: Tensor) -> Tensor:
    """What history keeps of each raw plane, F C Y X float16."""
    out = torch.empty_like(raw)
    for i in range(0, len(raw), 8):
        out[i : i + 8] = model.embed_bev(raw[i : i + 8].float()).half()
    return out


@torch.no_grad()
def lean_on_current(model: SOLOFusion) -> None:
    """Starts the fusion conv from what single frames taught: all weight on the
    current frame, little on history."""
    weight = model.history_keyframe_cat_conv[0].weight
    slots = weight.unflatten(1, (model.cfg.history["frames"] + 1, -1))
    slots[:, 0] = slots.sum(1)
    slots[:, 1:] *= 0.1


def averaged(checkpoint: Path) -> dict:
    return torch.load(checkpoint, weights_only=False)["ema"]


def train_image(cfg: Config, data: Dataset, args: argparse.Namespace) -> None:
    run = Run(cfg, args, None)
    firsts = np.array([i - 1 for i, f in enumerate(data.frames) if not f.first])

    def losses_of(step: int, rng: np.random.Generator) -> Losses:
        clips = rng.choice(firsts, args.batch, replace=False).tolist()
        return image_losses(run, data, clips, step >= args.stereo_from * args.steps, rng)

    train(run, args, losses_of)


def train_bev(cfg: Config, data: Dataset, args: argparse.Namespace) -> None:
    run = Run(cfg, args, averaged(args.out / "image.pt"))
    planes = cache_raw_planes(deepcopy(run.model).eval(), data, args.out / "raw.npy")

    def losses_of(step: int, rng: np.random.Generator) -> Losses:
        return bev_losses(run, data, planes, rng.choice(len(data), args.batch).tolist(), rng)

    train(run, args, losses_of)


def train_fusion(cfg: Config, data: Dataset, args: argparse.Namespace) -> None:
    weights = averaged(args.out / "bev.pt")
    run = Run(cfg, args, weights)
    raw = torch.from_numpy(np.load(args.out / "raw.npy", mmap_mode="c"))
    planes = embed_planes(run.model, raw)
    np.save(args.out / "planes.npy", planes.numpy())
    lean_on_current(run.model)
    run.ema.load_state_dict(run.model.state_dict())

    def losses_of(step: int, rng: np.random.Generator) -> Losses:
        return fusion_losses(run, data, planes, rng.choice(len(data), args.batch).tolist(), rng)

    train(run, args, losses_of)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("stage", choices=list(STAGES))
    parser.add_argument("cache", type=Path, help="made by solofusion.prepare")
    parser.add_argument("--config", default="small")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, default=2, help="pairs (image) or frames")
    parser.add_argument("--drives", type=int, help="use the first so many drives only")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--stereo-from", type=float, default=0.6, help="fraction of the steps")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    stage = {"image": train_image, "bev": train_bev, "fusion": train_fusion}[args.stage]
    stage(load_config(args.config), Dataset(args.cache, args.drives), args)


if __name__ == "__main__":
    main()
