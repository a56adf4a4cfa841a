"""Trains a model on cached nuScenes-format drives, in three stages, and resumes.

``single``: single frames, from images to boxes, with monocular depth. At first only
the image part learns, from what each pixel shows (its depth; the class, place,
heading and size of its object); after ``--detect-from`` of the steps detection joins.
``stereo``: stereo neck and similarity network learn the depth of pairs of frames.
``fusion``: the image part is frozen and its bird's-eye planes are computed once;
time conv, fusion, BEV encoder and head learn from aligned history.

Example:
    python -m solofusion.train single out/train-cache --out out/run --steps 2400
    python -m solofusion.train stereo out/train-cache --out out/run --steps 400
    python -m solofusion.train fusion out/train-cache --out out/run --steps 900
"""

import argparse
import json
import multiprocessing
import pickle
import sys
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

from . import bev, command
from .command import Refused
from .config import BRANCHES, Config, load_config
from .dataset import Dataset, Frame
from .forward import fuse_depth, lift_frame, view
from .losses import PIXEL_OUTPUTS, depth_loss, head_loss, pixel_loss
from .model import SOLOFusion
from .targets import Targets, half_turn, make_targets

NEGLIGIBLE = 2e-4
"""Depth probabilities left out of the cached planes, for speed."""

EMA_DECAY = 0.998
WEIGHTS = {
    "depth": 1.0, "kind": 1.0, "shape": 1.0,
    "heatmap": 0.1, **dict.fromkeys(BRANCHES, 0.05),
}
"""Of each term in the sum."""

WARM_UP = 0.05
"""Part of the single stage's steps in which detection learns, but not yet its images."""

CLIP_NORM = 5.0

ALONE = 0.07
"""Share of frames that stereo matches with themselves."""

FUSION = [
    "history_keyframe_time_conv", "history_keyframe_cat_conv",
    "img_bev_encoder_backbone", "img_bev_encoder_neck", "pts_bbox_head",
]
STAGES: dict[str, list[str]] = {
    "single": [
        "img_backbone", "img_neck", "img_view_transformer", "pre_process_net", "embed", *FUSION,
    ],
    "stereo": ["stereo_neck", "img_view_transformer.similarity_net"],
    "fusion": FUSION,
}
"""The modules that each stage trains; the others are frozen."""

Losses = dict[str, Tensor]


class Run:
    """A stage in progress; a checkpoint holds all of it."""

    def __init__(self, cfg: Config, data: Dataset, args: argparse.Namespace, weights: dict | None):
        self.record = {"seed": args.seed, "data": data.data}
        self.model = SOLOFusion(cfg)
        if weights is not None:
            self.model.load_state_dict(weights)
        self.pixels = nn.Conv2d(cfg.context_channels, PIXEL_OUTPUTS, 1)  # used in training only
        self.model.eval()
        modules = [self.model.get_submodule(name).train() for name in STAGES[args.stage]]
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
        torch.save({**parts, **counts, "record": self.record}, temporary)
        temporary.rename(path)

    def load(self, path: Path) -> None:
        saved = read_stage(path)
        try:
            for name in self.PARTS:
                getattr(self, name).load_state_dict(saved[name])
        except (RuntimeError, ValueError, KeyError) as e:
            raise Refused(f"{path} is of another configuration: {' '.join(str(e).split())[:200]}; "
                          "give the run's own, or another --out") from None
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
        if not loss.isfinite():
            terms = ", ".join(f"{n} {float(v.detach()):.3g}" for n, v in losses.items())
            raise Refused(f"the loss of step {self.step} is not finite ({terms}): want a lower --lr")
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


def turn(cfg: Config, plane: Tensor, frame: Frame, rng: np.random.Generator
         ) -> tuple[Tensor, Targets]:
    """Turns every other plane and its frame's boxes by half a circle.

    A mirrored plane would contradict what images tell: on which side of a pixel's
    ray its object's centre is, and where it heads.
    """
    if rng.random() < 0.5:
        return plane, make_targets(cfg, frame.boxes, frame.labels)
    return plane.flip(-1, -2), make_targets(cfg, half_turn(frame.boxes), frame.labels)


def mean_of(terms: list[Losses]) -> Losses:
    return {name: sum(t[name] for t in terms) / len(terms) for name in terms[0]}


def image_losses(run: Run, data: Dataset, indices: list[int], rng: np.random.Generator
                 ) -> tuple[Losses, list[Tensor], list[Tensor]]:
    """Of what single frames' pixels show; also their context and monocular logits."""
    model, frames = run.model, [data.frames[i] for i in indices]
    images = torch.cat([jitter(data.input(i), rng) for i in indices])
    with torch.autocast("cpu", torch.bfloat16):
        x = model.img_backbone(images.contiguous(memory_format=torch.channels_last))
        numbers = torch.cat([f.camera_numbers for f in frames])
        context, logits = model.img_view_transformer(model.img_neck(x), numbers)
        shown = run.pixels(context)
    cameras = len(model.cfg.cameras)
    context, logits, shown = (t.float().split(cameras) for t in (context, logits, shown))
    losses = mean_of([
        {"depth": depth_loss(d, f), **pixel_loss(s, f)}
        for d, s, f in zip(logits, shown, frames, strict=True)
    ])
    return losses, context, logits


def single_losses(run: Run, data: Dataset, indices: list[int], phase: str,
                  rng: np.random.Generator) -> Losses:
    """Of single frames; in the phases "pixels", "warm-up" (of detection) and "joint"."""
    losses, context, logits = image_losses(run, data, indices, rng)
    if phase == "pixels":
        return losses
    planes, targets = [], []
    for i, c, d in zip(indices, context, logits, strict=True):
        frame = data.frames[i]
        if phase == "warm-up":
            c, d = c.detach(), d.detach()
        plane, target = turn(
            run.model.cfg, lift_frame(run.model, frame, c, d, NEGLIGIBLE), frame, rng
        )
        planes.append(plane)
        targets.append(target)
    with torch.autocast("cpu", torch.bfloat16):
        batch = torch.stack(planes).contiguous(memory_format=torch.channels_last)
        features = head_alone(run.model, batch)
        found = head_loss(run.model.pts_bbox_head, features, targets, velocity=False)
    return losses | found


def stereo_losses(run: Run, data: Dataset, indices: list[int], rng: np.random.Generator) -> Losses:
    """Of frames that are matched with the ones before them; some, as at a scene's
    start, with themselves."""
    model, n, losses = run.model, len(run.model.cfg.cameras), []
    for i in indices:
        before = i if rng.random() < ALONE else i - 1
        pair = [data.frames[i], data.frames[before]]
        images = jitter(torch.cat([data.input(i), data.input(before)]), rng)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                x = model.img_backbone(images.contiguous(memory_format=torch.channels_last))
                neck = model.img_neck([level[:n] for level in x])
                _, logits = model.img_view_transformer(neck, pair[0].camera_numbers)
            fine = model.stereo_neck(x).float().split(n)
        depth = fuse_depth(
            model, logits.float(), view(pair[0], fine[0]), view(pair[1], fine[1])
        )
        losses.append({"depth": depth_loss(depth, pair[0])})
    return mean_of(losses)


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
        stack, target = turn(model.cfg, stack, data.frames[i], rng)
        stacks.append(stack)
        ages.append(age)
        targets.append(target)
    with torch.autocast("cpu", torch.bfloat16):
        features = model.encode_bev(model.fuse(torch.stack(stacks), torch.stack(ages)))
        return head_loss(model.pts_bbox_head, features, targets, velocity=True)


_planes_of: tuple[SOLOFusion, Dataset]
"""What a process of ``cache_planes`` works with; inherited, not sent."""


def _start(model: SOLOFusion, data: Dataset) -> None:
    global _planes_of
    torch.set_num_threads(1)
    _planes_of = model, data


@torch.no_grad()
def planes_of_drive(start: int, stop: int) -> np.ndarray:
    """What history keeps of the frames of a drive, F C Y X float16."""
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
        raw = lift_frame(model, frame, context, depth, NEGLIGIBLE)
        planes.append(model.embed_bev(raw[None])[0].half().numpy())
        before = now
    return np.stack(planes)


def cache_planes(model: SOLOFusion, data: Dataset, path: Path) -> Tensor:
    """Computes all planes once, on all cores, and keeps them in a file."""
    if not path.exists():
        shape = (len(data), model.cfg.context_channels, *model.cfg.cells)
        temporary = path.with_suffix(".tmp")
        out = np.lib.format.open_memmap(temporary, "w+", np.float16, shape)
        bounds = [*data.starts, len(data)]
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(None, fork, _start, (model, data)) as pool:
            parts = pool.map(planes_of_drive, bounds[:-1], bounds[1:])
            for k, (start, part) in enumerate(zip(data.starts, parts, strict=True)):
                out[start : start + len(part)] = part
                if k % 20 == 0:
                    print(f"planes of drive {k} of {len(data.starts)}", flush=True)
        out.flush()
        temporary.rename(path)
    return torch.from_numpy(np.load(path, mmap_mode="c"))


@torch.no_grad()
def lean_on_current(model: SOLOFusion) -> None:
    """Starts the fusion conv from what single frames taught: all weight on the
    current frame, little on history."""
    weight = model.history_keyframe_cat_conv[0].weight
    slots = weight.unflatten(1, (model.cfg.history["frames"] + 1, -1))
    slots[:, 0] = slots.sum(1)
    slots[:, 1:] *= 0.1


def averaged(cfg: Config, checkpoint: Path) -> dict:
    """The averaged weights of the stage before."""
    weights, want = read_stage(checkpoint)["ema"], SOLOFusion(cfg).state_dict()
    if {n: t.shape for n, t in weights.items()} != {n: t.shape for n, t in want.items()}:
        raise Refused(f"{checkpoint} is of another configuration than {cfg.name}")
    return weights


def read_stage(path: Path) -> dict:
    """A checkpoint that train wrote."""
    if not path.exists():
        raise Refused(f"{path} does not exist: the stage {path.stem} of solofusion.train writes it")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if all(k in saved for k in ("ema", "step", "seconds", "cpu")):
            return saved
    except (RuntimeError, EOFError, TypeError, pickle.UnpicklingError):
        pass
    raise Refused(f"{path} is no checkpoint of a training stage")


def train_single(cfg: Config, data: Dataset, args: argparse.Namespace) -> None:
    run = Run(cfg, data, args, None)

    def losses_of(step: int, rng: np.random.Generator) -> Losses:
        done = step / args.steps - args.detect_from
        phase = "pixels" if done < 0 else "warm-up" if done < WARM_UP else "joint"
        return single_losses(run, data, rng.choice(len(data), args.batch).tolist(), phase, rng)

    train(run, args, losses_of)


def train_stereo(cfg: Config, data: Dataset, args: argparse.Namespace) -> None:
    run = Run(cfg, data, args, averaged(cfg, args.out / "single.pt"))
    seconds = np.array([i for i, f in enumerate(data.frames) if not f.first])
    if not len(seconds):
        raise Refused(f"{args.cache} has no scene of two key frames, which stereo learns from")

    def losses_of(step: int, rng: np.random.Generator) -> Losses:
        return stereo_losses(run, data, rng.choice(seconds, args.batch).tolist(), rng)

    train(run, args, losses_of)


def train_fusion(cfg: Config, data: Dataset, args: argparse.Namespace) -> None:
    run = Run(cfg, data, args, averaged(cfg, args.out / "stereo.pt"))
    planes = cache_planes(deepcopy(run.model).eval(), data, args.out / "planes.npy")
    lean_on_current(run.model)
    run.ema.load_state_dict(run.model.state_dict())

    def losses_of(step: int, rng: np.random.Generator) -> Losses:
        return fusion_losses(run, data, planes, rng.choice(len(data), args.batch).tolist(), rng)

    train(run, args, losses_of)


def main() -> int:
    parser = command.parser(__doc__)
    parser.add_argument("stage", choices=list(STAGES))
    parser.add_argument("cache", type=Path, help="made by solofusion.prepare")
    parser.add_argument("--config", default="small", help="a name in configs/ or a YAML file")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--steps", type=command.positive, required=True)
    parser.add_argument("--batch", type=command.positive, default=4, help="frames a step")
    parser.add_argument("--drives", type=command.positive, help="use the first so many drives only")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--detect-from", type=float, default=0.35, help="fraction of the steps")
    parser.add_argument("--seed", type=int, default=1)
    return command.run(parser, train_stage)


def train_stage(args: argparse.Namespace) -> None:
    cfg = load_config(args.config)
    if not cfg.stereo or not cfg.remembers:
        lacks = "history" if cfg.stereo else "stereo"
        raise Refused(f"{cfg.name} has no {lacks}: the three stages train both")
    data = Dataset(args.cache, args.drives).check(cfg)
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    {"single": train_single, "stereo": train_stereo, "fusion": train_fusion}[args.stage](cfg, data, args)


if __name__ == "__main__":
    sys.exit(main())
