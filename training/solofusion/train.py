"""Trains a model on cached nuScenes-format drives, in two stages, and resumes.

``image``: everything but history, on pairs of consecutive frames; stereo joins after
``--stereo-from`` of the steps. ``fusion``: the image part is frozen, its planes are
computed once, and time conv, fusion, BEV encoder and head learn from history.

Example:
    python -m solofusion.train image out/train-cache --out out/run --steps 1600
    python -m solofusion.train fusion out/train-cache --out out/run --steps 2000
"""

import argparse
import json
import resource
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from . import bev
from .config import Config, load_config
from .dataset import Dataset, Frame
from .forward import Depth, fuse_depth, lift_frame, view
from .losses import depth_loss, head_loss, total
from .model import SOLOFusion
from .targets import Targets, flip, make_targets

NEGLIGIBLE = 1e-3
"""Depth probabilities left out of the splat in training, for speed."""

EMA_DECAY = 0.998
MONO_WEIGHT, DEPTH_WEIGHT = 0.5, 0.5
CLIP_NORM = 5.0


@dataclass
class Run:
    """A stage in progress: what a checkpoint holds."""

    model: SOLOFusion
    ema: SOLOFusion
    optimizer: torch.optim.Optimizer
    schedule: OneCycleLR
    step: int
    seconds: float

    def save(self, path: Path) -> None:
        parts = {n: getattr(self, n).state_dict() for n in ("model", "ema", "optimizer", "schedule")}
        temporary = path.with_suffix(".tmp")
        torch.save({**parts, "step": self.step, "seconds": self.seconds}, temporary)
        temporary.rename(path)

    def load(self, path: Path) -> None:
        saved = torch.load(path, weights_only=False)
        for name in ("model", "ema", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(saved[name])
        self.step, self.seconds = saved["step"], saved["seconds"]


def start_run(cfg: Config, args: argparse.Namespace, weights: dict | None,
              trained: callable) -> Run:
    model = SOLOFusion(cfg)
    if weights is not None:
        model.load_state_dict(weights)
    parameters = [p for p in trained(model) if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=args.lr, weight_decay=0.01)
    schedule = OneCycleLR(optimizer, args.lr, args.steps, pct_start=0.1, final_div_factor=100)
    return Run(model, deepcopy(model), optimizer, schedule, 0, 0.0)


@torch.no_grad()
def follow(ema: nn.Module, model: nn.Module, step: int) -> None:
    """Moves the averaged weights towards the model's."""
    decay = min(EMA_DECAY, (1 + step) / (10 + step))
    for a, b in zip(ema.state_dict().values(), model.state_dict().values(), strict=True):
        if a.dtype.is_floating_point:
            a.lerp_(b, 1 - decay)
        else:
            a.copy_(b)


def jitter(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Changes brightness and contrast of a clip's normalised images."""
    return images * float(rng.uniform(0.85, 1.15)) + float(rng.uniform(-0.2, 0.2))


def mirror(cfg: Config, plane: Tensor, frame: Frame, rng: np.random.Generator
           ) -> tuple[Tensor, Targets]:
    """Flips a plane and its frame's boxes about x and y at random."""
    x, y = rng.random(2) < 0.5
    axes = [axis for axis, on in ((-1, x), (-2, y)) if on]
    boxes = flip(frame.boxes, bool(x), bool(y))
    return plane.flip(axes) if axes else plane, make_targets(cfg, boxes, frame.labels)


def head_alone(model: SOLOFusion, planes: Tensor) -> Tensor:
    """Features for the head from raw planes B C Y X with no history."""
    cfg = model.cfg
    embedded = model.embed_bev(planes)
    slots = cfg.history["frames"] + 1
    age = torch.zeros_like(embedded[:, :1])
    timed = model.history_keyframe_time_conv(torch.cat([embedded, age], 1))
    conv, norm, act = model.history_keyframe_cat_conv
    weight = conv.weight.unflatten(1, (slots, -1)).sum(1)  # every slot holds the same
    fused = act(norm(nn.functional.conv2d(timed, weight, conv.bias)))
    return model.encode_bev(fused)


def image_losses(model: SOLOFusion, data: Dataset, firsts: list[int], with_stereo: bool,
                 rng: np.random.Generator) -> dict[str, Tensor]:
    """Of pairs of consecutive frames; firsts are the earlier ones' indices."""
    cfg, n = model.cfg, len(model.cfg.cameras)
    indices = [i + d for i in firsts for d in (0, 1)]
    frames = [data.frames[i] for i in indices]
    images = torch.cat([jitter(torch.cat([data.input(i), data.input(i + 1)]), rng) for i in firsts])
    numbers = torch.cat([f.camera_numbers for f in frames])
    with torch.autocast("cpu", torch.bfloat16):
        context, logits, fine = model.encode_images(
            images.contiguous(memory_format=torch.channels_last), numbers
        )
    context, logits, fine = (t.float().split(n) for t in (context, logits, fine))
    planes, targets, mono, fused = [], [], 0.0, 0.0
    for i, frame in enumerate(frames):
        depth = Depth(logits[i], logits[i])
        if with_stereo:
            before = i - i % 2
            depth = fuse_depth(
                model, logits[i], view(frame, fine[i]), view(frames[before], fine[before])
            )
        mono = mono + depth_loss(depth.mono, frame.depth_bins) / len(frames)
        fused = fused + depth_loss(depth.fused, frame.depth_bins) / len(frames)
        plane = lift_frame(model, frame, context[i], depth.fused, NEGLIGIBLE)
        plane, target = mirror(cfg, plane, frame, rng)
        planes.append(plane)
        targets.append(target)
    with torch.autocast("cpu", torch.bfloat16):
        features = head_alone(
            model, torch.stack(planes).contiguous(memory_format=torch.channels_last)
        )
        losses = head_loss(model.pts_bbox_head, features, targets, velocity=False)
    return {**losses, "mono": MONO_WEIGHT * mono, "depth": DEPTH_WEIGHT * fused}


@torch.no_grad()
def cache_planes(model: SOLOFusion, data: Dataset, path: Path) -> Tensor:
    """The embedded planes of all frames, F C Y X float16, computed once and kept."""
    shape = (len(data), model.cfg.context_channels, *model.cfg.cells)
    if not path.exists():
        temporary = path.with_suffix(".tmp")
        out = np.lib.format.open_memmap(temporary, "w+", np.float16, shape)
        before = None
        for i, frame in enumerate(data.frames):
            with torch.autocast("cpu", torch.bfloat16):
                context, logits, fine = model.encode_images(
                    data.input(i).contiguous(memory_format=torch.channels_last),
                    frame.camera_numbers,
                )
            now = view(frame, fine.float())
            before = now if frame.first else before
            depth = fuse_depth(model, logits.float(), now, before)
            plane = lift_frame(model, frame, context, depth.fused, NEGLIGIBLE / 4)
            out[i] = model.embed_bev(plane[None])[0].numpy()
            before = now
            if i % 200 == 0:
                print(f"planes {i}/{len(data)}", flush=True)
        out.flush()
        temporary.rename(path)
    return torch.from_numpy(np.load(path, mmap_mode="c"))


def history_stack(cfg: Config, data: Dataset, planes: Tensor, i: int) -> tuple[Tensor, Tensor]:
    """Frame i's plane and its aligned history: (T+1) C Y X, and ages in seconds.

    Before a scene's start, its first plane stands in.
    """
    start = int(data.start_of[i])
    slots = [max(i - k, start) for k in range(1, cfg.history["frames"] + 1)]
    now = data.frames[i].global_from_lidar
    was_from_now = torch.stack([torch.linalg.inv(data.frames[j].global_from_lidar) @ now for j in slots])
    aligned = bev.align(cfg, planes[slots].float(), was_from_now)
    ages = torch.tensor([i - j for j in [i, *slots]]) * cfg.history["period"]
    return torch.cat([planes[i : i + 1].float(), aligned]), ages


def fusion_losses(model: SOLOFusion, data: Dataset, planes: Tensor, indices: list[int],
                  rng: np.random.Generator) -> dict[str, Tensor]:
    stacks, ages, targets = [], [], []
    for i in indices:
        stack, age = history_stack(model.cfg, data, planes, i)
        stack, target = mirror(model.cfg, stack, data.frames[i], rng)
        stacks.append(stack)
        ages.append(age)
        targets.append(target)
    with torch.autocast("cpu", torch.bfloat16):
        features = model.encode_bev(model.fuse(torch.stack(stacks), torch.stack(ages)))
        return head_loss(model.pts_bbox_head, features, targets, velocity=True)


def fusion_modules(model: SOLOFusion) -> list[nn.Module]:
    return [
        model.history_keyframe_time_conv, model.history_keyframe_cat_conv,
        model.img_bev_encoder_backbone, model.img_bev_encoder_neck, model.pts_bbox_head,
    ]


@torch.no_grad()
def lean_on_current(model: SOLOFusion) -> None:
    """Starts the fusion conv from what the image stage learnt: all weight on the
    current frame, little on history."""
    weight = model.history_keyframe_cat_conv[0].weight
    slots = weight.unflatten(1, (model.cfg.history["frames"] + 1, -1))
    slots[:, 0] = slots.sum(1)
    slots[:, 1:] *= 0.1


def train(run: Run, args: argparse.Namespace, checkpoint: Path, losses_of: callable) -> None:
    """Steps until ``args.steps``; a step's random choices depend on its number only."""
    log = (args.out / f"{args.stage}.jsonl").open("a")
    began, cpu = time.time(), cpu_seconds()
    for step in range(run.step, args.steps):
        rng = np.random.default_rng([args.seed, step])
        torch.manual_seed(args.seed * 1_000_003 + step)
        losses = losses_of(step, rng)
        loss = total(losses) + losses.get("mono", 0) + losses.get("depth", 0)
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(run.model.parameters(), CLIP_NORM)
        run.optimizer.step()
        run.schedule.step()
        follow(run.ema, run.model, step)
        run.step = step + 1
        if run.step % 20 == 0:
            spent = run.seconds + time.time() - began
            row = {"step": run.step, "loss": round(float(loss), 3)}
            row |= {k: round(float(v), 3) for k, v in losses.items()}
            row |= {"seconds": round(spent), "cpu": round(cpu_seconds() - cpu)}
            print(json.dumps(row), file=log, flush=True)
            print(row, flush=True)
        if run.step % 100 == 0 or run.step == args.steps:
            seconds = run.seconds
            run.seconds += time.time() - began
            run.save(checkpoint)
            run.seconds = seconds


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def train_image(cfg: Config, data: Dataset, args: argparse.Namespace, checkpoint: Path) -> Run:
    run = start_run(cfg, args, None, lambda m: m.parameters())
    if checkpoint.exists():
        run.load(checkpoint)
    firsts = np.array([i - 1 for i, f in enumerate(data.frames) if not f.first])
    run.model.train()

    def losses_of(step: int, rng: np.random.Generator) -> dict[str, Tensor]:
        clips = rng.choice(firsts, args.batch, replace=False).tolist()
        return image_losses(run.model, data, clips, step >= args.stereo_from * args.steps, rng)

    train(run, args, checkpoint, losses_of)
    return run


def train_fusion(cfg: Config, data: Dataset, args: argparse.Namespace, checkpoint: Path) -> Run:
    image = torch.load(args.out / "image.pt", weights_only=False)
    run = start_run(
        cfg, args, image["ema"], lambda m: [p for s in fusion_modules(m) for p in s.parameters()]
    )
    planes = cache_planes(run.model.eval(), data, args.out / "planes.npy")
    lean_on_current(run.model)
    run.ema.load_state_dict(run.model.state_dict())
    if checkpoint.exists():
        run.load(checkpoint)
    for module in fusion_modules(run.model):
        module.train()

    def losses_of(step: int, rng: np.random.Generator) -> dict[str, Tensor]:
        indices = rng.choice(len(data), args.batch, replace=False).tolist()
        return fusion_losses(run.model, data, planes, indices, rng)

    train(run, args, checkpoint, losses_of)
    return run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("stage", choices=["image", "fusion"])
    parser.add_argument("cache", type=Path, help="made by solofusion.prepare")
    parser.add_argument("--config", default="small")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, default=2, help="pairs (image) or frames (fusion)")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--stereo-from", type=float, default=0.4, help="fraction of the steps")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    stage = {"image": train_image, "fusion": train_fusion}[args.stage]
    stage(load_config(args.config), Dataset(args.cache), args, args.out / f"{args.stage}.pt")


if __name__ == "__main__":
    main()
