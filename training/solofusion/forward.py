"""One frame from images to the bird's-eye feature, networks and geometry together."""

import torch
from torch import Tensor

from . import bev, stereo
from .dataset import Frame
from .model import SOLOFusion


def view(frame: Frame, features: Tensor) -> stereo.View:
    return stereo.View(features, frame.intrinsics, frame.augment, frame.global_from_camera)


def fuse_depth(model: SOLOFusion, logits: Tensor, current: stereo.View,
               previous: stereo.View) -> Tensor:
    """The monocular logits N D h w with what stereo says added."""
    cfg, transformer = model.cfg, model.img_view_transformer
    block = cfg.stride // cfg.stereo_stride
    with torch.no_grad():
        picks = stereo.pick_bins(
            logits.float(), transformer.log_inv_gaussians, cfg.stereo["samples"]
        )
        metres = transformer.bin_centers[picks]
        fine = metres.repeat_interleave(block, 2).repeat_interleave(block, 3)
    cost = stereo.correlate(current, previous, fine, cfg.stereo_stride, cfg.stereo["groups"])
    found = stereo.match_logits(transformer.similarity_net, cost, block)
    return logits + stereo.spread(picks, found, cfg.depth["bins"])


def lift_frame(model: SOLOFusion, frame: Frame, context: Tensor, logits: Tensor,
               negligible: float = 0.0) -> Tensor:
    """Context N C h w and fused logits N D h w to the raw plane C Y X."""
    cfg = model.cfg
    cells = bev.splat_cells(
        cfg, model.img_view_transformer.frustum, frame.intrinsics, frame.augment,
        frame.lidar_from_camera,
    )
    depth = logits.float().softmax(1)
    return bev.lift(cells, depth, context.float(), cfg.cells, negligible)
