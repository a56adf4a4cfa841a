"""Losses, as the reference's: gaussian focal, L1 at the objects' cells, cross entropy of depth."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import BRANCHES, CLASSES
from .dataset import NO_DEPTH, UNKNOWN, Frame
from .model import CenterHead
from .targets import Targets

OBJECT_WEIGHT = 3.0
"""Of a pixel on an object against others, in the loss of depth."""


def depth_loss(logits: Tensor, frame: Frame) -> Tensor:
    """Mean cross entropy of logits N D h w over the pixels of known depth."""
    loss = F.cross_entropy(
        logits.float(), frame.depth_bins.long(), ignore_index=NO_DEPTH, reduction="none"
    )
    weight = torch.where(frame.objects >= 0, OBJECT_WEIGHT, 1.0)
    return (loss * weight).sum() / (weight * (frame.depth_bins != NO_DEPTH)).sum().clamp(min=1)


PIXEL_OUTPUTS = len(CLASSES) + 1 + 8
"""Classes and background; offset to the centre 3, heading 2, log size 3."""

BACKGROUND_WEIGHT = 0.3


def pixel_loss(output: Tensor, frame: Frame) -> dict[str, Tensor]:
    """What a context pixel should tell of the object that it shows: its class, and
    seen along the horizontal ray from the camera (radial, lateral, up) where its
    centre is, how it heads and how large it is. output is N PIXEL_OUTPUTS h w."""
    rows = output.float().permute(0, 2, 3, 1)
    objects = frame.objects.long()
    shown, known = objects >= 0, objects != UNKNOWN
    label = torch.full_like(objects, len(CLASSES))
    label[shown] = frame.labels[objects[shown]]
    weight = torch.ones(len(CLASSES) + 1)
    weight[-1] = BACKGROUND_WEIGHT
    kind = rows.sum() * 0  # of nothing known
    if known.any():
        kind = F.cross_entropy(rows[known][:, : len(CLASSES) + 1], label[known], weight)
    boxes, points = frame.boxes[objects[shown]], frame.points[shown]
    origin = frame.lidar_from_camera[:, None, None, :2, 3].float().expand(*objects.shape, 2)[shown]
    ray = F.normalize(points[:, :2] - origin, dim=1)

    def turned(x: Tensor, y: Tensor) -> list[Tensor]:
        return [x * ray[:, 0] + y * ray[:, 1], y * ray[:, 0] - x * ray[:, 1]]

    gap = boxes[:, :3] - points
    want = torch.stack([
        *turned(gap[:, 0], gap[:, 1]), gap[:, 2],
        *turned(boxes[:, 6].cos(), boxes[:, 6].sin()), *boxes[:, 3:6].log().T,
    ], 1)
    got = rows[shown][:, len(CLASSES) + 1 :]
    return {"kind": kind, "shape": (got - want).abs().mean() if len(want) else got.sum()}


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
    losses = dict.fromkeys(["heatmap", *BRANCHES], torch.zeros(()))
    batch = torch.cat([torch.full((len(t.place),), b) for b, t in enumerate(targets)])
    patches = patches_at(x, batch, torch.cat([t.place for t in targets]))
    task = torch.cat([t.task for t in targets])
    code = torch.cat([t.code for t in targets])
    for i, branches in enumerate(head.task_heads):
        logits = branches["heatmap"](x)
        peaks = torch.stack([t.heatmaps[i] for t in targets])
        losses["heatmap"] = losses["heatmap"] + focal_loss(logits, peaks)
        start = 0
        for name, size in BRANCHES.items():
            want = code[:, start:start + size]
            start += size
            if name == "vel" and not velocity:
                continue
            got = valid_conv(branches[name], patches)
            use = (task == i)[:, None] & want.isfinite()
            gap = (got - want.nan_to_num(0)).abs() * use
            loss = gap.sum() / (task == i).sum().clamp(min=1)
            losses[name] = losses[name] + loss
    return losses


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
