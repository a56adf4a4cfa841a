"""Losses, as the reference's: gaussian focal, L1 at the objects' cells, cross entropy of depth."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import BRANCHES
from .dataset import NO_DEPTH
from .model import CenterHead
from .targets import Targets

CODE_WEIGHTS = {"reg": 1.0, "height": 1.0, "dim": 1.0, "rot": 1.0, "vel": 0.2}
REGRESSION_WEIGHT = 0.25


def depth_loss(logits: Tensor, bins: Tensor) -> Tensor:
    """logits N D h w, bins N h w with NO_DEPTH where unknown."""
    return F.cross_entropy(logits.float(), bins.long(), ignore_index=NO_DEPTH)


def focal_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Gaussian focal loss summed over cells, over the number of peaks."""
    p = logits.float().sigmoid().clamp(1e-4, 1 - 1e-4)
    peak = target == 1
    positive = -p.log() * (1 - p) ** 2 * peak
    negative = -(1 - p).log() * p**2 * (1 - target) ** 4
    return (positive.sum() + negative.sum()) / peak.sum().clamp(min=1)


def head_loss(head: CenterHead, features: Tensor, targets: list[Targets],
              velocity: bool) -> dict[str, Tensor]:
    """features B C Y X before the shared conv.

    Heat maps are computed everywhere. A regression is learnt at the objects' cells
    only, so its branch runs on the 5 x 5 cells around each object of any task.
    """
    x = head.shared_conv(features)
    losses = {"heatmap": 0.0, **dict.fromkeys(BRANCHES, 0.0)}
    batch = torch.cat([torch.full((len(t.place),), b) for b, t in enumerate(targets)])
    patches = patches_at(x, batch, torch.cat([t.place for t in targets]))
    task = torch.cat([t.task for t in targets])
    code = torch.cat([t.code for t in targets])
    for i, branches in enumerate(head.task_heads):
        logits = branches["heatmap"](x)
        losses["heatmap"] += focal_loss(logits, torch.stack([t.heatmaps[i] for t in targets]))
        start = 0
        for name, size in BRANCHES.items():
            want = code[:, start:start + size]
            start += size
            if name == "vel" and not velocity:
                continue
            got = valid_conv(branches[name], patches)
            use = (task == i)[:, None] & want.isfinite()
            gap = (got - want.nan_to_num(0)).abs() * use
            losses[name] += CODE_WEIGHTS[name] * gap.sum() / (task == i).sum().clamp(min=1)
    return losses


def total(losses: dict[str, Tensor]) -> Tensor:
    return losses["heatmap"] + REGRESSION_WEIGHT * sum(losses[name] for name in BRANCHES)


def patches_at(x: Tensor, batch: Tensor, place: Tensor) -> Tensor:
    """The 5 x 5 cells around each place: P C 5 5, zero beyond the border."""
    padded = F.pad(x.float(), (2, 2, 2, 2))
    offset = torch.arange(5)
    rows = (place[:, 0, None] + offset)[:, :, None]
    columns = (place[:, 1, None] + offset)[:, None, :]
    return padded.permute(0, 2, 3, 1)[batch[:, None, None], rows, columns].permute(0, 3, 1, 2)


def valid_conv(branch: torch.nn.Sequential, patches: Tensor) -> Tensor:
    """The branch's output at the middle of each patch, P x out."""
    with torch.autocast("cpu", enabled=False):
        y = F.relu(branch[0].bn(F.conv2d(patches, branch[0].conv.weight)))
        return F.conv2d(y, branch[1].weight, branch[1].bias)[:, :, 0, 0]
