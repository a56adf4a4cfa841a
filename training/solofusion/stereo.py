"""Fine matching against the previous frame (model spec, section 3; paper, section 4.2)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def pick_bins(logits: Tensor, suppress: Tensor, samples: int) -> Tensor:
    """Chooses likely and distinct depth bins.

    logits N D h w, suppress D x D (``model.suppression``); returns N K h w bin
    indices, ascending.
    """
    log_p = logits.log_softmax(1)
    picks = []
    for _ in range(samples):
        best = log_p.argmax(1)
        picks.append(best)
        log_p = log_p + suppress[best].permute(0, 3, 1, 2)
    return torch.stack(picks, 1).sort(1).values


class View:
    """Cameras of one frame: features N S sh sw, and N x 3 x 3 or N x 4 x 4 float64
    matrices: intrinsics, image augmentation (scale and shift) and global from camera."""

    def __init__(self, features: Tensor, intrinsics: Tensor, augment: Tensor, pose: Tensor):
        self.features, self.intrinsics, self.augment, self.pose = (
            features, intrinsics, augment, pose,
        )

    def project(self, points: Tensor) -> Tensor:
        """Camera points N P 3 to network pixels and depth, N P 3."""
        p = points @ self.intrinsics.mT
        z = p[..., 2:]
        uv = torch.cat([p[..., :2] / z.clamp(min=1e-5), torch.ones_like(z)], -1)
        return torch.cat([(uv @ self.augment.mT)[..., :2], z], -1)

    def unproject(self, u: Tensor, v: Tensor, depth: Tensor) -> Tensor:
        """Network pixels and depths, each N P, to camera points N P 3."""
        uv = torch.stack([u, v, torch.ones_like(u)], -1) @ torch.linalg.inv(self.augment).mT
        return (uv * depth[..., None]) @ torch.linalg.inv(self.intrinsics).mT


def correlate(current: View, previous: View, depth: Tensor, stride: int, groups: int) -> Tensor:
    """Group-wise correlation at the given depths.

    depth is N K sh sw; stride is that of the fine features. Returns the mean over
    the previous cameras that see a point, N G K sh sw, 0 where none does.
    """
    n, k, sh, sw = depth.shape
    channels = current.features.shape[1]
    y, x = torch.meshgrid(torch.arange(sh), torch.arange(sw), indexing="ij")
    u = (stride * x + stride / 2).double().expand(n, k, sh, sw).reshape(n, -1)
    v = (stride * y + stride / 2).double().expand(n, k, sh, sw).reshape(n, -1)
    points = current.unproject(u, v, depth.double().reshape(n, -1))

    relative = torch.linalg.inv(previous.pose)[:, None] @ current.pose[None]
    rows, slots = [], []
    for m in range(len(previous.pose)):
        moved = points @ relative[m, :, :3, :3].mT + relative[m, :, None, :3, 3]
        view = View(previous.features, previous.intrinsics[m], previous.augment[m], None)
        pixel = view.project(moved)
        u2, v2, z = pixel.unbind(-1)
        seen = (z > 1e-5) & (u2 > 0) & (v2 > 0) & (u2 < stride * sw) & (v2 < stride * sh)
        index = seen.flatten().nonzero().squeeze(1)
        if len(index):
            uv = pixel.flatten(0, 1)[index, :2] / stride - 0.5
            rows.append(torch.cat([torch.full((len(index), 1), float(m)).double(), uv], 1))
            slots.append(index)
    cost = current.features.new_zeros(n * k * sh * sw, groups)
    if not rows:
        return cost.view(n, k, sh, sw, groups).permute(0, 4, 1, 2, 3)
    place, slot = torch.cat(rows), torch.cat(slots)
    sampled = sample_rows(previous.features, place)
    own = current.features.permute(0, 2, 3, 1).reshape(n * sh * sw, channels)
    cam, inside = slot // (k * sh * sw), slot % (sh * sw)
    products = sampled * own.index_select(0, cam * (sh * sw) + inside)
    cost = cost.index_add(0, slot, products.view(len(slot), groups, -1).sum(-1))
    count = torch.bincount(slot, minlength=len(cost)).clamp(min=1)
    return (cost / count[:, None]).view(n, k, sh, sw, groups).permute(0, 4, 1, 2, 3)


def sample_rows(features: Tensor, place: Tensor) -> Tensor:
    """Bilinear samples with zero padding: features M S h w, place P x (m, x, y) in
    feature pixels; returns P x S."""
    m, s, h, w = features.shape
    table = features.permute(0, 2, 3, 1).reshape(m * h * w, s)
    cam, x, y = place[:, 0].long(), place[:, 1], place[:, 2]
    x0, y0 = x.floor(), y.floor()
    fx, fy = (x - x0).float(), (y - y0).float()
    total = 0
    for dy in (0, 1):
        for dx in (0, 1):
            xi, yi = (x0 + dx).long(), (y0 + dy).long()
            inside = (xi >= 0) & (yi >= 0) & (xi < w) & (yi < h)
            weight = (fx if dx else 1 - fx) * (fy if dy else 1 - fy) * inside
            row = (cam * h + yi.clamp(0, h - 1)) * w + xi.clamp(0, w - 1)
            total = total + table.index_select(0, row) * weight[:, None]
    return total


def match_logits(similarity: nn.Module, cost: Tensor, block: int) -> Tensor:
    """Cost N G K sh sw to one logit per coarse pixel and sample, N K h w."""
    fine = similarity(cost).squeeze(1)
    return F.avg_pool2d(fine, block)


def spread(picks: Tensor, logits: Tensor, bins: int) -> Tensor:
    """Piecewise-linear interpolation over bins through the K (pick, logit) points,
    zero outside them: N K h w each, to N D h w."""
    n, k, h, w = picks.shape
    at = torch.zeros(n, bins, h, w, dtype=torch.int64)
    at.scatter_(1, picks, 1)
    segment = at.cumsum(1) - 1
    left, right = segment.clamp(0, k - 1), (segment + 1).clamp(0, k - 1)
    bin_left, bin_right = picks.gather(1, left), picks.gather(1, right)
    bin_ = torch.arange(bins).view(1, bins, 1, 1)
    f = (bin_ - bin_left) / (bin_right - bin_left).clamp(min=1)
    value = torch.lerp(logits.gather(1, left), logits.gather(1, right), f.to(logits.dtype))
    return value * ((segment >= 0) & (bin_ <= picks[:, -1:]))
