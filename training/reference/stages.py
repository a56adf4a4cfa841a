"""The mathematics between the networks (model spec, sections 3 to 5).

Shapes: N cameras, M previous cameras, D bins, K samples, C channels; h w coarse and
sh sw stereo feature maps; Y X bird's-eye cells.
"""

import torch
import torch.nn.functional as F
from solofusion.config import Config
from torch import Tensor, nn

from .frames import KeyFrame


def homogeneous(m: Tensor) -> Tensor:
    """N 3 3 matrices as N 4 4 that leave the fourth coordinate alone."""
    out = torch.eye(4, dtype=m.dtype).repeat(len(m), 1, 1)
    out[:, :3, :3] = m
    return out


def suppressed(cfg: Config) -> Tensor:
    """P of section 3, D x D float32: what picking bin i adds to every bin."""
    bins, sigma = cfg.depth["bins"], cfg.stereo["sigma_bins"]
    reach = int(4 * sigma + 0.5)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1).double() / sigma) ** 2)
    identity = torch.eye(bins, dtype=torch.float64)
    g = F.conv1d(identity[:, None], (taps / taps.sum())[None, None], padding=reach)[:, 0]
    p = torch.log(1 - g / g.max() + 1e-5)
    p.fill_diagonal_(-1000)
    return p.float()


def pick_samples(cfg: Config, mono: Tensor) -> tuple[Tensor, Tensor]:
    """mono N D h w to the K bins of each pixel, ascending (N K h w), and how far the
    best was ahead of the second at the closest choice (N h w)."""
    log_p, penalty = mono.log_softmax(1), suppressed(cfg)
    picks, margin = [], torch.full_like(mono[:, 0], torch.inf)
    for _ in range(cfg.stereo["samples"]):
        top = log_p.topk(2, 1)
        margin = torch.minimum(margin, top.values[:, 0] - top.values[:, 1])
        best = log_p.argmax(1)
        picks.append(best)
        log_p = log_p + penalty[best].permute(0, 3, 1, 2)
    return torch.stack(picks, 1).sort(1).values, margin


def correlate(cfg: Config, samples: Tensor, now: KeyFrame, now_features: Tensor,
              past: KeyFrame, past_features: Tensor) -> Tensor:
    """The cost volume N G K sh sw for samples N K h w and features N S sh sw."""
    groups, stride = cfg.stereo["groups"], cfg.stereo_stride
    start, step = cfg.depth["start"] + cfg.depth["step"] / 2, cfg.depth["step"]
    block = cfg.stride // stride
    depth = (start + step * samples.double()).repeat_interleave(block, 2)
    depth = depth.repeat_interleave(block, 3)  # N K sh sw
    n, k, sh, sw = depth.shape

    y, x = torch.meshgrid(torch.arange(sh), torch.arange(sw), indexing="ij")
    pixel = torch.stack([stride * x + stride / 2, stride * y + stride / 2, torch.ones_like(x)], -1)
    source = pixel.double() @ torch.linalg.inv(now.augment)[:, None].mT  # N sh sw 3
    to_camera = torch.linalg.inv(now.intrinsics)
    points = (source[:, None] * depth[..., None]) @ to_camera[:, None, None].mT  # N K sh sw 3

    total = torch.zeros(n, groups, k, sh, sw)
    count = torch.zeros(n, 1, k, sh, sw)
    own = now_features.unflatten(1, (groups, -1))[:, :, :, None]  # N G S/G 1 sh sw
    for m in range(len(past.intrinsics)):
        move = torch.linalg.inv(past.global_from_camera[m]) @ now.global_from_camera  # N 4 4
        moved = points @ move[:, None, None, :3, :3].mT + move[:, None, None, None, :3, 3]
        z = moved[..., 2:]
        image = moved @ past.intrinsics[m].T
        uv = torch.cat([image[..., :2] / z.clamp(min=1e-5), torch.ones_like(z)], -1)
        uv = (uv @ past.augment[m].T)[..., :2]
        size = torch.tensor([cfg.image["width"], cfg.image["height"]]).double()
        place = 2 * uv / size - 1
        valid = ((z > 1e-5)[..., 0] & (place.abs() < 1).all(-1))[:, None].float()
        place = torch.where(valid[:, 0, ..., None] > 0, place, 2.0).flatten(1, 2)
        found = F.grid_sample(
            past_features[m : m + 1].expand(n, -1, -1, -1).double(), place, align_corners=False
        ).float()
        found = found.unflatten(1, (groups, -1)).unflatten(3, (k, sh))  # N G S/G K sh sw
        total += (found * own).sum(2) * valid
        count += valid
    return total / count.clamp(min=1)


def match(cfg: Config, similarity: nn.Module, cost: Tensor) -> Tensor:
    """The logit of every sample, N K h w: the mean over its block of stereo pixels."""
    return F.avg_pool2d(similarity(cost).squeeze(1), cfg.stride // cfg.stereo_stride)


def spread(cfg: Config, samples: Tensor, logits: Tensor) -> Tensor:
    """Interpolates the samples' logits linearly over the bins between the first and
    the last of them, N D h w."""
    bins = torch.arange(cfg.depth["bins"]).view(1, -1, 1, 1)
    out = torch.zeros(len(samples), cfg.depth["bins"], *samples.shape[2:])
    for k in range(samples.shape[1] - 1):
        left, right = samples[:, k : k + 1], samples[:, k + 1 : k + 2]
        at = (bins - left) / (right - left)
        value = logits[:, k : k + 1] * (1 - at) + logits[:, k + 1 : k + 2] * at
        out = torch.where((bins >= left) & (bins < right), value, out)
    return torch.where(bins == samples[:, -1:], logits[:, -1:], out)


def frustum_cells(cfg: Config, frame: KeyFrame) -> Tensor:
    """Every frustum point in units of cells from the grid's lower corner, N D h w 3."""
    (h, w), depth = cfg.coarse_size, cfg.depth
    u = torch.linspace(0, cfg.image["width"] - 1, w, dtype=torch.float64)
    v = torch.linspace(0, cfg.image["height"] - 1, h, dtype=torch.float64)
    d = depth["start"] + depth["step"] * torch.arange(depth["bins"], dtype=torch.float64)
    d, v, u = torch.meshgrid(d, v, u, indexing="ij")
    pixel = torch.stack([u, v, torch.ones_like(u)], -1)  # D h w 3
    undo = torch.linalg.inv(frame.intrinsics) @ torch.linalg.inv(frame.augment)
    points = (pixel @ undo[:, None, None].mT) * d[..., None]
    rig = frame.lidar_from_camera
    points = points @ rig[:, None, None, :3, :3].mT + rig[:, None, None, None, :3, 3]
    axes = torch.tensor([cfg.grid[a] for a in "xyz"], dtype=torch.float64)
    return (points - axes[:, 0]) / axes[:, 2]


def splat(cfg: Config, cells: Tensor, depth: Tensor, context: Tensor) -> Tensor:
    """Sums depth N D h w x context N C h w into the plane C Y X."""
    rows, columns = cfg.cells
    index = cells.trunc().long()  # a value in (-1, 0) belongs to cell 0
    size = torch.tensor([columns, rows, 1])
    kept = ((index >= 0) & (index < size)).all(-1)
    values = depth[..., None].double() * context.permute(0, 2, 3, 1)[:, None].double()
    plane = torch.zeros(rows * columns, context.shape[1], dtype=torch.float64)
    plane.index_add_(0, index[kept][:, 1] * columns + index[kept][:, 0], values[kept])
    return plane.T.reshape(-1, rows, columns).float()


def cells_at_edges(cfg: Config, cells: Tensor, within: float) -> Tensor:
    """Y X: whether a frustum point lies so close to a cell's edge, in cells, that
    rounding may put it on the other side."""
    rows, columns = cfg.cells
    near = (cells - cells.round()).abs() < within
    near &= cells.round() != 0  # cell 0 goes on below zero
    close = cells[near.any(-1)]
    marked = torch.zeros(rows, columns, dtype=torch.bool)
    for dx in (-within, within):
        for dy in (-within, within):
            x, y = (close[:, 0] + dx).trunc().long(), (close[:, 1] + dy).trunc().long()
            inside = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
            marked[y[inside], x[inside]] = True
    return marked


def warp(cfg: Config, planes: Tensor, past_from_now: Tensor) -> Tensor:
    """Planes T C Y X of the past lidar frame, resampled onto the current grid: a
    cell's index times its size is its place, and the transform is taken at z = 1."""
    rows, columns = cfg.cells
    corner = torch.tensor([cfg.grid["x"][0], cfg.grid["y"][0]], dtype=torch.float64)
    step = cfg.grid["x"][2]
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    now = torch.stack([x, y], -1).double() * step + corner
    now = torch.cat([now, torch.ones(rows, columns, 2).double()], -1)
    past = ((now @ past_from_now.T)[..., :2] - corner) / step
    place = 2 * past / torch.tensor([columns - 1, rows - 1]) - 1
    return F.grid_sample(
        planes.double(), place.expand(len(planes), -1, -1, -1), align_corners=True
    ).float()
