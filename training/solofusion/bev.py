"""Lift, splat and the alignment of history (model spec, sections 4 and 5)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import Config


def splat_cells(cfg: Config, frustum: Tensor, intrinsics: Tensor, augment: Tensor,
                lidar_from_camera: Tensor) -> Tensor:
    """The bird's-eye cell of every frustum point, row * X + column, -1 outside.

    frustum D h w 3 (u, v, depth in network pixels); matrices per camera; returns
    N D h w int64.
    """
    d, h, w, _ = frustum.shape
    rows, columns = cfg.cells
    uv = torch.cat([frustum[0, ..., :2].double(), torch.ones(h, w, 1).double()], -1)
    rays = uv.view(1, h * w, 3) @ (torch.linalg.inv(intrinsics) @ torch.linalg.inv(augment)).mT
    rays = (rays @ lidar_from_camera[:, :3, :3].mT).float()
    depth = frustum[:, 0, 0, 2].view(1, d, 1)
    origin = lidar_from_camera[:, :3, 3].float()
    inside = torch.ones(len(rays), d, h * w, dtype=torch.bool)
    index = []
    for axis, name in enumerate("xyz"):
        lo, hi, step = cfg.grid[name]
        p = rays[:, None, :, axis] * depth + origin[:, axis].view(-1, 1, 1)
        i = ((p - lo) / step).trunc().long()
        inside &= (i >= 0) & (i < round((hi - lo) / step))
        index.append(i)
    cell = index[1] * columns + index[0]
    return torch.where(inside, cell, -1).view(-1, d, h, w)


def lift(cells: Tensor, depth: Tensor, context: Tensor, size: tuple[int, int],
         negligible: float = 0.0) -> Tensor:
    """Sums depth x context in every cell: cells and depth N D h w, context N C h w;
    returns C Y X. Points of at most the negligible probability are left out."""
    n, d, h, w = depth.shape
    index = ((cells >= 0) & (depth > negligible)).flatten().nonzero().squeeze(1)
    pixel = index // (d * h * w) * (h * w) + index % (h * w)
    rows = context.permute(0, 2, 3, 1).reshape(n * h * w, -1).index_select(0, pixel)
    weighted = rows * depth.flatten()[index][:, None]
    plane = weighted.new_zeros(size[0] * size[1], rows.shape[1])
    plane = plane.index_add(0, cells.flatten()[index], weighted)
    return plane.T.reshape(-1, *size)


def align(cfg: Config, planes: Tensor, was_from_now: Tensor) -> Tensor:
    """Resamples planes T C Y X from the lidar frames they were seen in to today's.

    was_from_now is T x 4 x 4. As the reference, the transform is taken at z = 1
    and a cell's index times its size is its place.
    """
    rows, columns = cfg.cells
    lo_x, _, step = cfg.grid["x"]
    lo_y = cfg.grid["y"][0]
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    ones = torch.ones(rows * columns, dtype=torch.float64)
    now = torch.stack([x.flatten() * step + lo_x, y.flatten() * step + lo_y, ones, ones], -1)
    was = now @ was_from_now.mT
    gx = (was[..., 0] - lo_x) / step / (columns - 1) * 2 - 1
    gy = (was[..., 1] - lo_y) / step / (rows - 1) * 2 - 1
    grid = torch.stack([gx, gy], -1).view(-1, rows, columns, 2).to(planes.dtype)
    return F.grid_sample(planes, grid, align_corners=True)
