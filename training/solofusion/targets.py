"""What the head should say: heat maps and regressions at the objects' cells."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .config import CLASSES, TASKS, Config

MIN_RADIUS = 2
OVERLAP = 0.1


@dataclass
class Targets:
    """Of one frame. Objects are in no order; ``place`` is their cell (row, column)."""

    heatmaps: list[Tensor]  # per task, classes Y X in [0, 1]
    place: Tensor  # M 2
    task: Tensor  # M
    code: Tensor  # M x 10: reg 2, height 1, dim 3, rot 2, vel 2; NaN where unknown


def half_turn(boxes: Tensor) -> Tensor:
    """Turns boxes (x y z w l h yaw vx vy) by half a circle about the lidar's z."""
    boxes = boxes.clone()
    boxes[:, [0, 1, 7, 8]] *= -1
    boxes[:, 6] += torch.pi
    return boxes


def gaussian_radius(length: Tensor, width: Tensor, overlap: float) -> Tensor:
    """The largest shift of a box's corners that keeps the overlap (CornerNet)."""
    roots = []
    for a, b, c in (
        (1.0, length + width, width * length * (1 - overlap) / (1 + overlap)),
        (4.0, 2 * (length + width), (1 - overlap) * width * length),
        (4 * overlap, -2 * overlap * (length + width), (overlap - 1) * width * length),
    ):
        root = (b * b - 4 * a * c).sqrt()
        roots.append((b + root) / 2)
    return torch.stack(roots).min(0).values


def make_targets(cfg: Config, boxes: Tensor, labels: Tensor) -> Targets:
    rows, columns = cfg.cells
    lo_x, _, step = cfg.grid["x"]
    lo_y = cfg.grid["y"][0]
    x, y = (boxes[:, 0] - lo_x) / step, (boxes[:, 1] - lo_y) / step
    keep = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
    boxes, labels, x, y = boxes[keep], labels[keep], x[keep], y[keep]
    place = torch.stack([y, x], 1).long()
    yaw = -boxes[:, 6] - torch.pi / 2  # mmdet3d's convention before 1.0
    code = torch.stack([
        x - place[:, 1], y - place[:, 0], boxes[:, 2], *boxes[:, 3:6].log().T,
        yaw.sin(), yaw.cos(), boxes[:, 7], boxes[:, 8],
    ], 1)
    radius = gaussian_radius(boxes[:, 4] / step, boxes[:, 3] / step, OVERLAP)
    radius = radius.nan_to_num(MIN_RADIUS).clamp(min=MIN_RADIUS).floor()
    heatmaps, tasks = [], torch.zeros(len(labels), dtype=torch.long)
    for t, classes in enumerate(TASKS):
        maps = torch.zeros(len(classes), rows, columns)
        for c, name in enumerate(classes):
            for i in (labels == CLASSES.index(name)).nonzero().flatten().tolist():
                tasks[i] = t
                draw_peak(maps[c], *place[i].tolist(), int(radius[i]))
        heatmaps.append(maps)
    return Targets(heatmaps, place, tasks, code)


def draw_peak(heatmap: Tensor, row: int, column: int, radius: int) -> None:
    """Raises a Y x X map to a Gaussian around a cell, over a square of the radius."""
    reach = torch.arange(-radius, radius + 1)
    gap = reach[:, None] ** 2 + reach[None, :] ** 2
    blob = torch.exp(-gap / (2 * ((2 * radius + 1) / 6) ** 2))
    top, left = max(0, row - radius), max(0, column - radius)
    window = heatmap[top : row + radius + 1, left : column + radius + 1]
    y, x = top - row + radius, left - column + radius
    torch.maximum(window, blob[y : y + window.shape[0], x : x + window.shape[1]], out=window)
