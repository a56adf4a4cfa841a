"""Times the reference's arithmetic between the networks against `solofusion bench`.

Both run the same stages on the same shapes with as many threads, in turn, so that what
else the machine does falls on both. The inputs are random. The reference's way is that
of its published code (model spec, sections 1 and 3 to 7), in PyTorch, Pillow and NumPy.
With ``--model`` whole frames are timed: the reference's networks, too, against those of a
bundle of that size, whatever its weights.

Example:
    .venv/bin/python training/bench_reference.py --rounds 5
    .venv/bin/python training/bench_reference.py --size default --model default
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
import torch
import torch.nn.functional as F
from PIL import Image
from reference.decode import AFTER, BEFORE, FACTORS, LIMIT, MOST, OVERLAP, RADIUS2, SMALL_OVERLAP, THRESHOLD
from solofusion import command
from solofusion.config import BRANCHES, TASKS, Config, load_config
from solofusion.dataset import MEAN, STD
from solofusion.model import ConvBN, SOLOFusion, suppression, view_constants
from solofusion.stereo import pick_bins, spread
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
CAMERAS = 6
SOURCE = {"r50": (1600, 900), "default": (1600, 900), "tiny": (400, 225)}
"""Pixels of the images from the cameras, by size."""
CONFIGS = {"r50": "r50", "default": "small", "tiny": "tiny"}


class Preprocess:
    """Images to normalised planes, N 3 H W (section 1): encoded ones, or decoded ones."""

    def __init__(self, cfg: Config, source: tuple[int, int], pool: ThreadPoolExecutor):
        self.cfg, self.pool = cfg, pool
        _, self.size, left, top = crop(cfg, source)
        self.window = left, top, left + cfg.image["width"], top + cfg.image["height"]
        self.mean, self.scale = np.float32(MEAN) * 255, 1 / (np.float32(STD) * 255)
        self.pictures = [photograph(source)] * CAMERAS
        self.files = [encoded(p) for p in self.pictures]

    def encoded(self) -> Tensor:
        return torch.stack(list(self.pool.map(self.from_file, self.files)))

    def decoded(self) -> Tensor:
        return torch.stack(list(self.pool.map(self.from_picture, self.pictures)))

    def from_file(self, file: bytes) -> Tensor:
        return self.from_picture(Image.open(io.BytesIO(file)).convert("RGB"))

    def from_picture(self, picture: Image.Image) -> Tensor:
        pixels = np.asarray(picture.resize(self.size, Image.Resampling.BICUBIC).crop(self.window), np.float32)
        pixels = (pixels - self.mean) * self.scale
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def crop(cfg: Config, source: tuple[int, int]) -> tuple[float, tuple[int, int], int, int]:
    """How much an image is scaled, its size then, and the corner of what is kept."""
    width, height = cfg.image["width"], cfg.image["height"]
    scale = width / source[0] + cfg.image["resize_extra"]
    size = int(source[0] * scale), int(source[1] * scale)
    return scale, size, max(0, size[0] - width) // 2, int((1 - cfg.image["crop_h"]) * size[1]) - height


def photograph(size: tuple[int, int]) -> Image.Image:
    """Waves with noise."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    light = 120 + 60 * np.sin(x / 90 + y / 130) + 20 * np.sin(x / 9 - y / 7)
    noise = 10 * np.random.default_rng(1).random((size[1], size[0], 3))
    return Image.fromarray((light[..., None] + noise).astype(np.uint8))


def encoded(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()


@dataclass
class Seen:
    """What the cameras saw in a frame: features N S sh sw, and float32 matrices N 4 4."""

    features: Tensor
    image_from_global: Tensor
    augment: Tensor


class Stereo:
    """Fine matching (section 3). Matrices are 4 x 4, float32, through global coordinates."""

    def __init__(self, cfg: Config, similarity: nn.Module | None = None):
        self.cfg = cfg
        self.suppress = suppression(cfg.depth["bins"], cfg.stereo["sigma_bins"]).float()
        self.similarity = similarity or nn.Sequential(
            ConvBN(nn.Conv3d(cfg.stereo["groups"], 16, 1, bias=False), nn.BatchNorm3d(16)),
            ConvBN(nn.Conv3d(16, 8, 1, bias=False), nn.BatchNorm3d(8)),
            nn.Conv3d(8, 1, 1),
        ).eval()
        sh, sw = cfg.stereo_size
        v, u = torch.meshgrid(torch.arange(sh), torch.arange(sw), indexing="ij")
        s = cfg.stereo_stride
        self.pixels = torch.stack([s * u + s / 2, s * v + s / 2], -1)  # sh sw 2

    def run(self, mono: Tensor, now: Seen, past: Seen) -> Tensor:
        """mono N D h w to the distributions over bins, of the same shape."""
        cfg = self.cfg
        picks = pick_bins(mono, self.suppress, cfg.stereo["samples"])
        block = cfg.stride // cfg.stereo_stride
        depth = cfg.depth["start"] + cfg.depth["step"] * (picks + 0.5)
        depth = depth.repeat_interleave(block, 2).repeat_interleave(block, 3)
        cost = self.correlate(self.project(depth, now, past), now.features, past.features)
        found = F.avg_pool2d(self.similarity(cost).squeeze(1), block)
        return (mono + spread(picks, found, cfg.depth["bins"])).softmax(1)

    def project(self, depth: Tensor, now: Seen, past: Seen) -> Tensor:
        """Every point in every previous camera: M N P 3, network pixels and depth."""
        n = len(depth)
        depth = torch.stack([depth, torch.ones_like(depth)], -1)
        points = torch.cat([self.pixels.expand_as(depth), depth], -1).view(n, -1, 4)
        points = points @ torch.linalg.inv(now.augment).mT
        points = torch.cat([points[..., :2] * points[..., 2:3], points[..., 2:]], -1)
        points = points @ torch.linalg.inv(now.image_from_global).mT
        points = points[None] @ past.image_from_global[:, None].mT  # M N P 4
        points = torch.cat([points[..., :2] / points[..., 2:3].clamp(min=1e-5), points[..., 2:]], -1)
        return (points @ past.augment[:, None].mT)[..., :3]

    def correlate(self, points: Tensor, now: Tensor, past: Tensor) -> Tensor:
        """The cost volume N G K sh sw of features N S sh sw: the mean over the previous
        cameras that see a point."""
        cfg, groups = self.cfg, self.cfg.stereo["groups"]
        (n, s, sh, sw), k = now.shape, cfg.stereo["samples"]
        place = 2 * points[..., :2] / torch.tensor([cfg.image["width"], cfg.image["height"]]) - 1
        seen = (points[..., 2] > 1e-5) & (place.abs() < 1).all(-1)
        own = now.permute(1, 0, 2, 3).reshape(s, -1)
        cost, count = torch.zeros(groups, n * k * sh * sw), torch.zeros(n * k * sh * sw)
        for m in range(len(past)):
            slot = seen[m].flatten().nonzero().squeeze(1)
            grid = place[m].view(-1, 2)[slot].view(1, 1, -1, 2)
            found = F.grid_sample(past[m : m + 1], grid, align_corners=False).view(s, -1)
            pixel = slot // (k * sh * sw) * (sh * sw) + slot % (sh * sw)
            product = (found * own[:, pixel]).view(groups, s // groups, -1).sum(1)
            cost.index_add_(1, slot, product)
            count.index_add_(0, slot, torch.ones(len(slot)))
        cost /= count.clamp(min=1)
        return cost.view(groups, n, k, sh, sw).permute(1, 0, 2, 3, 4)


class Lift:
    """Lift and splat (section 4): all points' features, then the sum by cell."""

    def __init__(self, cfg: Config):
        self.cfg = cfg
        self.frustum = view_constants(cfg)["frustum"].view(-1, 3)  # P 3: u, v, depth
        self.axes = torch.tensor([cfg.grid[a] for a in "xyz"], dtype=torch.float32)

    def run(self, depth: Tensor, context: Tensor, lidar_from_camera: Tensor, intrinsics: Tensor,
            augment: Tensor) -> Tensor:
        """depth N D h w, context N C h w, matrices 4 x 4, 3 x 3 and 4 x 4, to C Y X."""
        rows, columns = self.cfg.cells
        points = self.frustum - augment[:, None, :3, 3]
        points = points @ torch.linalg.inv(augment[:, :3, :3]).mT
        points = torch.cat([points[..., :2] * points[..., 2:], points[..., 2:]], -1)
        points = points @ (lidar_from_camera[:, :3, :3] @ torch.linalg.inv(intrinsics)).mT
        points = points + lidar_from_camera[:, None, :3, 3]
        cells = ((points - self.axes[:, 0]) / self.axes[:, 2]).long().view(-1, 3)
        kept = ((cells >= 0) & (cells < torch.tensor([columns, rows, 1]))).all(-1)
        volume = depth[..., None] * context.permute(0, 2, 3, 1).contiguous()[:, None]  # N D h w C
        plane = torch.zeros(rows * columns, context.shape[1])
        cells = cells[kept]
        plane.index_add_(0, cells[:, 1] * columns + cells[:, 0], volume.view(len(kept), -1)[kept])
        return plane.T.reshape(-1, rows, columns)


class History:
    """Alignment and the time convolution (section 5), recursive."""

    def __init__(self, cfg: Config, convolution: nn.Module | None = None):
        self.cfg, c = cfg, cfg.context_channels
        self.convolution = convolution or nn.Sequential(
            nn.Conv2d(c + 1, c, 1), nn.BatchNorm2d(c), nn.ReLU()
        ).eval()
        self.planes = torch.randn(cfg.history["frames"], c, *cfg.cells)
        self.ages = torch.arange(cfg.history["frames"], dtype=torch.float32)
        rows, columns = cfg.cells
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        ones = torch.ones_like(x)
        self.cells = torch.stack([x, y, ones, ones], -1).view(-1, 4).float()
        self.metres = torch.eye(4)  # from cells
        self.metres[0, 0], self.metres[1, 1] = cfg.grid["x"][2], cfg.grid["y"][2]
        self.metres[0, 3], self.metres[1, 3] = cfg.grid["x"][0], cfg.grid["y"][0]

    def run(self, plane: Tensor, past_from_now: Tensor) -> Tensor:
        """plane C Y X to the stack (T+1)·C Y X, current frame first."""
        rows, columns = self.cfg.cells
        self.ages = self.ages + 1
        move = torch.linalg.inv(self.metres) @ past_from_now @ self.metres
        place = (self.cells @ move.T)[:, :2] / torch.tensor([columns - 1, rows - 1]) * 2 - 1
        aligned = F.grid_sample(
            self.planes.view(1, -1, rows, columns), place.view(1, rows, columns, 2), align_corners=True
        ).view_as(self.planes)
        stack = torch.cat([plane[None], aligned])
        ages = torch.cat([torch.zeros(1), self.ages]) * self.cfg.history["period"]
        stack = torch.cat([stack, ages.view(-1, 1, 1, 1).expand(-1, 1, rows, columns)], 1)
        self.planes = torch.cat([plane[None], aligned[:-1]])
        self.ages = torch.cat([torch.zeros(1), self.ages[:-1]])
        return self.convolution(stack).view(-1, rows, columns)


Boxes = tuple[Tensor, Tensor, Tensor]  # P x 9: x y z w l h yaw vx vy; scores; classes within the task


class Decode:
    """From maps to boxes (section 7)."""

    def __init__(self, cfg: Config):
        self.cfg = cfg

    def run(self, tasks: list[dict[str, Tensor]]) -> list[Boxes]:
        """tasks have maps C Y X by branch."""
        return [self.task(maps, classes) for maps, classes in zip(tasks, TASKS, strict=True)]

    def task(self, maps: dict[str, Tensor], classes: tuple[str, ...]) -> Boxes:
        boxes, scores, labels = self.candidates(maps)
        if classes[0] in RADIUS2:
            apart = torch.cdist(boxes[:, :2], boxes[:, :2], compute_mode="donot_use_mm_for_euclid_dist")
            covers = apart**2 <= RADIUS2[classes[0]]
        else:
            boxes, scores, labels = boxes[:BEFORE], scores[:BEFORE], labels[:BEFORE]
            factor = torch.tensor([FACTORS[c] for c in classes])[labels]
            limit = SMALL_OVERLAP if "pedestrian" in classes else OVERLAP
            covers = overlaps(boxes, factor) > limit
        keep = greedy(covers)[:AFTER]
        return boxes[keep], scores[keep], labels[keep]

    def candidates(self, maps: dict[str, Tensor]) -> Boxes:
        cells = math.prod(self.cfg.cells)
        scores, at = maps["heatmap"].sigmoid().flatten(1).topk(min(MOST, cells))  # of each class
        scores, best = scores.flatten().topk(min(MOST, scores.numel()))
        labels, cell = best // at.shape[1], at.flatten()[best]
        row, column = cell // self.cfg.cells[1], cell % self.cfg.cells[1]
        value = {branch: maps[branch].flatten(1)[:, cell] for branch in BRANCHES}
        step, corner = self.cfg.grid["x"][2], self.cfg.grid["x"][0]
        xy = (torch.stack([column, row]) + value["reg"]) * step + corner
        yaw = torch.atan2(value["rot"][0], value["rot"][1])[None]
        boxes = torch.cat([xy, value["height"], value["dim"].exp(), yaw, value["vel"]]).T
        kept = (scores > THRESHOLD) & (boxes[:, :3].abs() <= torch.from_numpy(LIMIT)).all(1)
        return boxes[kept], scores[kept], labels[kept]


def greedy(covers: Tensor) -> list[int]:
    """Which stay of boxes by falling score, if one that stays suppresses those it covers."""
    gone, keep = np.zeros(len(covers), bool), []
    covers = covers.numpy()
    for i in range(len(covers)):
        if not gone[i]:
            keep.append(i)
            gone |= covers[i]
    return keep


def overlaps(boxes: Tensor, factor: Tensor) -> Tensor:
    """P x P: intersection over union in the ground plane of boxes scaled by their factor."""
    size = boxes[:, 3:5].flip(1) * factor[:, None]  # length along the heading, width
    heading = -boxes[:, 6] - math.pi / 2
    center, reach = boxes[:, :2], size.norm(dim=1) / 2
    apart = torch.cdist(center, center, compute_mode="donot_use_mm_for_euclid_dist")
    a, b = (apart < reach[:, None] + reach).triu(1).nonzero().T
    corners = rectangles(center, size, heading)
    area = size.prod(1)
    shared = intersections(corners[a], corners[b])
    ratio = torch.zeros(len(boxes), len(boxes))
    ratio[a, b] = shared / (area[a] + area[b] - shared)
    return ratio + ratio.T


def rectangles(center: Tensor, size: Tensor, heading: Tensor) -> Tensor:
    """Corners P 4 2, counter-clockwise."""
    flat = torch.tensor([[1, 1], [-1, 1], [-1, -1], [1, -1]]) / 2 * size[:, None]
    c, s = heading.cos(), heading.sin()
    return flat @ torch.stack([c, s, -s, c], -1).view(-1, 2, 2) + center[:, None]


def intersections(a: Tensor, b: Tensor) -> Tensor:
    """Areas of what pairs of rectangles, P 4 2 each, share: their corners inside each
    other and the crossings of their sides, in order of their angle."""
    along_a, along_b = a.roll(-1, 1) - a, b.roll(-1, 1) - b
    cross = product(along_a[:, :, None], along_b[:, None])  # P 4 4
    gap = b[:, None] - a[:, :, None]
    cross = torch.where(cross.abs() < 1e-9, torch.inf, cross)
    t, u = product(gap, along_b[:, None]) / cross, product(gap, along_a[:, :, None]) / cross
    met = ((t >= 0) & (t <= 1) & (u >= 0) & (u <= 1) & cross.isfinite()).flatten(1)
    meet = (a[:, :, None] + t[..., None].nan_to_num() * along_a[:, :, None]).flatten(1, 2)
    points = torch.cat([meet, a, b], 1)  # P 24 2
    valid = torch.cat([met, inside(a, b), inside(b, a)], 1)
    number = valid.sum(1)
    middle = (points * valid[..., None]).sum(1) / number.clamp(min=1)[:, None]
    points = torch.where(valid[..., None], points - middle[:, None], 0)
    angle = torch.where(valid, torch.atan2(points[..., 1], points[..., 0]), torch.inf)
    order = angle.argsort(1)
    points = points.gather(1, order[..., None].expand_as(points))
    last = torch.arange(points.shape[1]) >= number[:, None]
    points = torch.where(last[..., None], points[:, :1], points)  # closes the polygon
    return product(points, points.roll(-1, 1)).sum(1).abs() / 2 * (number > 2)


def product(a: Tensor, b: Tensor) -> Tensor:
    """The cross product in the plane."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def inside(points: Tensor, polygon: Tensor) -> Tensor:
    """Which points, P 4 2, lie in the rectangles, P 4 2."""
    along = polygon.roll(-1, 1) - polygon
    return (product(along[:, None], points[:, :, None] - polygon[:, None]) >= -1e-6).all(-1)


class Ring:
    """Cameras that look around from a vehicle on a bend at 10 m/s, as those of
    `solofusion bench`."""

    def __init__(self, cfg: Config, source: tuple[int, int]):
        self.intrinsics = torch.eye(3, dtype=torch.float64).repeat(CAMERAS, 1, 1)
        self.intrinsics[:, 0, 0] = self.intrinsics[:, 1, 1] = 1266 / 1600 * source[0]
        self.intrinsics[:, :2, 2] = torch.tensor(source) / 2
        scale, _, left, top = crop(cfg, source)
        self.augment = torch.eye(4).repeat(CAMERAS, 1, 1)
        self.augment[:, 0, 0] = self.augment[:, 1, 1] = scale
        self.augment[:, 0, 3], self.augment[:, 1, 3] = -left, -top

    def global_from_ego(self, seconds: float) -> Tensor:
        yaw, radius = 0.05 * seconds, 200.0
        return pose(yaw, [radius * math.sin(yaw), radius * (1 - math.cos(yaw)), 0])

    def global_from_lidar(self, frame: int) -> Tensor:
        return self.global_from_ego(0.5 * frame) @ pose(-math.pi / 2, [0.94, 0, 1.84])

    def global_from_camera(self, frame: int) -> Tensor:
        ahead = torch.tensor([[0, 0, 1, 0.6], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]]).double()
        poses = []
        for i in range(CAMERAS):
            seconds = 0.5 * frame - 0.05 * i / CAMERAS - 0.002 * ((7 * frame + 3 * i) % 5)
            mount = pose(2 * math.pi * i / CAMERAS, [0.9, 0, 1.5])
            poses.append(self.global_from_ego(seconds) @ mount @ ahead)
        return torch.stack(poses)

    def image_from_global(self, frame: int) -> Tensor:
        image = torch.eye(4, dtype=torch.float64).repeat(CAMERAS, 1, 1)
        image[:, :3, :3] = self.intrinsics
        return image @ torch.linalg.inv(self.global_from_camera(frame))


def pose(yaw: float, translation: list[float]) -> Tensor:
    c, s, (x, y, z) = math.cos(yaw), math.sin(yaw), translation
    return torch.tensor([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z], [0, 0, 0, 1]], dtype=torch.float64)


def work(size: str, pool: ThreadPoolExecutor) -> dict[str, Callable[[int], object]]:
    """The stages by the names of `solofusion bench`, each a function of the frame."""
    torch.manual_seed(1)
    cfg, source = load_config(CONFIGS[size]), SOURCE[size]
    ring, (h, w), (sh, sw) = Ring(cfg, source), cfg.coarse_size, cfg.stereo_size
    bins, c = cfg.depth["bins"], cfg.context_channels
    images, stereo, lift = Preprocess(cfg, source, pool), Stereo(cfg), Lift(cfg)
    history, decode = History(cfg), Decode(cfg)
    mono = 3 * torch.randn(CAMERAS, bins, h, w)
    features = F.normalize(torch.randn(2, CAMERAS, cfg.stereo_neck["out"], sh, sw), dim=2)
    context, depth = torch.randn(CAMERAS, c, h, w), mono.softmax(1)
    plane, maps = torch.randn(c, *cfg.cells), head_maps(cfg)

    def seen(frame: int) -> Seen:
        return Seen(features[frame % 2], ring.image_from_global(frame).float(), ring.augment)

    def lifted(frame: int) -> Tensor:
        rig = torch.linalg.inv(ring.global_from_lidar(frame)) @ ring.global_from_camera(frame)
        return lift.run(depth, context, rig.float(), ring.intrinsics.float(), ring.augment)

    def stack(frame: int) -> Tensor:
        past, now = ring.global_from_lidar(frame - 1), ring.global_from_lidar(frame)
        return history.run(plane, (torch.linalg.inv(past) @ now).float())

    def quantised(frame: int) -> Tensor:
        return (stack(frame) / 0.02).round_().clamp_(0, 255).to(torch.uint8)

    return {
        "preprocess": lambda _: images.encoded(),
        "preprocess/pixels": lambda _: images.decoded(),
        "stereo": lambda frame: stereo.run(mono, seen(frame), seen(frame - 1)),
        "lift": lifted,
        "history": quantised,
        "history/direct/uint8": quantised,
        "history/recursive/float32": stack,
        "decode": lambda _: decode.run(maps),
    }


def head_maps(cfg: Config) -> list[dict[str, Tensor]]:
    """Twenty peaks for each class."""
    rows, columns = cfg.cells
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    tasks = []
    for classes in TASKS:
        heat = torch.randn(len(classes), rows, columns) - 6
        for i in range(20 * len(classes)):
            row, column = (int(torch.randint(n, ())) for n in (rows, columns))
            heat[i % len(classes)] += 7 * torch.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 1.2**2))
        maps = {branch: torch.randn(n, rows, columns) for branch, n in BRANCHES.items()}
        maps |= {"reg": 0.3 * maps["reg"], "dim": 0.5 * maps["dim"], "heatmap": heat}
        tasks.append(maps)
    return tasks


def networks(size: str) -> dict[str, Callable[[int], object]]:
    """The three networks in float32 with random weights, as stages of a frame."""
    torch.manual_seed(1)
    cfg, random = load_config(CONFIGS[size]), torch.randn
    model, cells = SOLOFusion(cfg).eval(), cfg.cells
    images, cameras = random(CAMERAS, 3, cfg.image["height"], cfg.image["width"]), random(CAMERAS, 33)
    lifted = random(1, cfg.context_channels, *cells)
    stack = random(1, (cfg.history["frames"] + 1) * cfg.context_channels, *cells).relu_()

    def head(_: int) -> object:
        fused = model.history_keyframe_cat_conv(stack)
        return model.pts_bbox_head(model.encode_bev(fused))

    return {
        "image_encoder": lambda _: model.encode_images(images, cameras),
        "bev_embed": lambda _: model.embed_bev(lifted),
        "head": head,
    }


SUMS = {
    "frame": ["preprocess", "stereo", "lift", "history", "decode"],
    "between": ["preprocess/pixels", "stereo", "lift", "history/direct/uint8", "decode"],
}
"""Rows that are sums: a frame as the model has it, and one of decoded images in direct mode."""

TIMED = 3  # frames of a stage in a round, after one that is not counted


@torch.inference_mode()
def time_reference(stages: dict[str, Callable[[int], object]], first: int) -> dict[str, float]:
    """The milliseconds of each stage, the median of a few frames."""
    found = {}
    for name, stage in stages.items():
        times = []
        for frame in range(first, first + TIMED + 1):
            start = time.perf_counter()
            stage(frame)
            times.append(1000 * (time.perf_counter() - start))
        found[name] = statistics.median(times[1:])
    return found


WHOLE = {
    "preprocess": "preprocess", "image_encoder": "image_encoder", "stereo": "stereo", "lift": "lift",
    "bev_embed": "bev_embed", "history": "history/recursive/float32", "head": "head", "decode": "decode",
}
"""The stages of a whole frame, and what of the reference is one; it has no 8-bit stack."""


def run_program(args: argparse.Namespace) -> dict[str, dict]:
    """What `solofusion bench` measures."""
    of = ["--model", args.model] if args.model else ["--size", args.size]
    line = [args.program, "bench", "--json", *of, "--threads", args.threads]
    done = subprocess.run([str(word) for word in line], capture_output=True, text=True)
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise command.Refused(f"{args.program} failed: {words[-1]}")
    found = json.loads(done.stdout)
    name, wanted = found["run"]["model"].partition("@")[0], load_config(CONFIGS[args.size]).name
    if args.model and name != wanted:
        raise command.Refused(f"{args.model} is a bundle of {name}, and --size {args.size} is {wanted}")
    return found


def compare(args: argparse.Namespace) -> None:
    if not os.access(args.program, os.X_OK):
        raise command.Refused(f"{args.program} is no program: run `make build`")
    torch.set_num_threads(args.threads)
    ours: list[dict[str, dict]] = []
    theirs: list[dict[str, float]] = []
    with ThreadPoolExecutor(args.threads) as pool:
        stages = whole(args.size, pool) if args.model else work(args.size, pool)
        for i in range(args.rounds):
            print(f"bench_reference: round {i + 1} of {args.rounds}", file=sys.stderr, flush=True)
            ours.append(run_program(args))
            theirs.append(time_reference(stages, 1 + i * (TIMED + 1)))
    rows = {
        name: (statistics.median(t[name] for t in theirs), statistics.median(o[name]["ms"] for o in ours))
        for name in stages
    }
    if args.model:
        rows["frame"] = sum(r[0] for r in rows.values()), statistics.median(o["frame"]["ms"] for o in ours)
    else:
        rows |= {name: tuple(sum(rows[n][i] for n in parts) for i in (0, 1)) for name, parts in SUMS.items()}
    report(args, ours[-1], rows)


def whole(size: str, pool: ThreadPoolExecutor) -> dict[str, Callable[[int], object]]:
    """All stages of a frame, by the names of `solofusion bench` of a bundle."""
    stages = work(size, pool) | networks(size)
    return {ours: stages[theirs] for ours, theirs in WHOLE.items()}


def report(args: argparse.Namespace, last: dict[str, dict], rows: dict[str, tuple[float, float]]) -> None:
    machine = last["machine"]
    print(f"{machine['processor']}, {args.threads} threads, medians of {args.rounds} rounds in turn")
    print(f"reference: PyTorch {torch.__version__}, Pillow {PIL.__version__}, NumPy {np.__version__}")
    print(f"solofusion: {machine['go']}, {machine['kernels']} kernels, {last['run']['model']}\n")
    width = max(map(len, rows))
    print(f"{'stage':{width}}  {'reference ms':>12}  {'solofusion ms':>13}  {'times as fast':>13}")
    for name, (theirs, ours) in rows.items():
        print(f"{name:{width}}  {theirs:12.2f}  {ours:13.2f}  {theirs / ours:13.2f}")
    print("\nThe reference suppresses boxes in compiled code, for which PyTorch stands in here.")
    if args.json:
        stages = {n: {"reference_ms": t, "solofusion_ms": o, "ratio": t / o} for n, (t, o) in rows.items()}
        args.json.write_text(json.dumps(stages | {"machine": machine}, indent=1) + "\n")


def main() -> int:
    parser = command.parser(__doc__)
    number = {"type": command.positive, "metavar": "N"}
    program = ROOT / "bin" / "solofusion"
    parser.add_argument("--program", type=Path, default=program, help="default: bin/solofusion")
    parser.add_argument("--size", choices=SOURCE, default="r50", help="of the model, default: r50")
    parser.add_argument("--model", metavar="BUNDLE", help="time whole frames, ours with this bundle")
    parser.add_argument("--rounds", default=5, help="default: 5", **number)
    parser.add_argument("--threads", default=os.cpu_count(), help="default: all cores", **number)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers as one object")
    return command.run(parser, compare)


if __name__ == "__main__":
    sys.exit(main())
