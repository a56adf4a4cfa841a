"""Whether weights are a configuration's: names, shapes, types, values and constants."""

import math

import torch
from torch import Tensor

from .checkpoint import Weights
from .command import Refused
from .config import Config, load_config, names_of_configs
from .model import SOLOFusion, view_constants

LISTED = 20
"""Faults that are printed; the rest is counted."""
CONSTANT = 1e-4
"""How far a constant of a checkpoint may be from the configuration's, relative to the
largest, beside what the checkpoint's precision rounds away."""
VIEW = "img_view_transformer."

SET_BY = [
    ("img_backbone.conv1", "backbone.stem"), ("img_backbone", "backbone"),
    ("img_neck", "neck, backbone.channels"),
    ("stereo_neck", "stereo_neck, backbone.channels"), (VIEW + "frustum", "image, depth, neck.upsample"),
    (VIEW + "log_inv_gaussians", "depth.bins"), (VIEW + "bin_centers", "depth.bins"),
    (VIEW + "similarity_net", "stereo"), (VIEW + "featnet", "context_channels, neck"),
    (VIEW + "depthnet", "depth.bins, depth.channels"), (VIEW, "depth.channels, neck"),
    ("history_keyframe", "history, context_channels"),
    ("img_bev_encoder", "bev_encoder, history.fused_channels"),
    ("pts_bbox_head", "head, bev_encoder.neck_channels"), ("", "context_channels"),
]
"""The keys of the configuration that shape the tensors of a name, first match."""
OF = {
    "dx": "grid.x, grid.y, grid.z", "bx": "grid.x, grid.y, grid.z", "nx": "grid.x, grid.y, grid.z",
    "frustum": "image and depth", "log_inv_gaussians": "stereo.sigma_bins and depth.bins",
    "bin_centers": "depth.start and depth.step",
}
"""The keys of the configuration behind each constant."""


def outline(cfg: Config) -> SOLOFusion:
    """The configuration's model without values."""
    try:
        with torch.device("meta"):
            return SOLOFusion(cfg)
    except (RuntimeError, ValueError, TypeError, ZeroDivisionError, OverflowError) as e:
        raise Refused(f"configuration {cfg.name}: its numbers make no model: {e}") from None


def fit(cfg: Config, weights: Weights, strays: Weights | None = None) -> SOLOFusion:
    """The configuration's model with these weights, in evaluation mode. Raises Refused
    with every name that is unknown (all strays are), missing or misshapen, and every
    tensor whose values cannot be. Counters of batches may be missing: nothing uses them."""
    want = outline(cfg).state_dict()
    missing = [n for n in want if n not in weights and not n.endswith("num_batches_tracked")]
    faults = [
        listing("unknown", sorted([*(strays or {}), *(weights.keys() - want.keys())])),
        listing("missing", sorted(missing)),
        listing("misshapen", [
            f"{n} is {shape(weights[n])}, want {shape(want[n])} ({set_by(n)})"
            for n in want if n in weights and weights[n].shape != want[n].shape
        ]),
    ]
    if any(faults):
        parts = [f"the checkpoint does not fit {cfg.name}", *faults, others(weights | (strays or {}))]
        raise Refused("\n".join(filter(None, parts)))
    check_values(weights, want)
    check_constants(cfg, weights)
    model = SOLOFusion(cfg).eval().requires_grad_(False)
    model.load_state_dict(
        {**model.state_dict(), **{n: t.to(want[n].dtype) for n, t in weights.items()}}
    )
    return model


def set_by(name: str) -> str:
    return next(keys for start, keys in SET_BY if name.startswith(start))


def others(weights: Weights) -> str:
    """The configurations of configs/ whose names and shapes these are."""
    fits = []
    for name in names_of_configs():
        want = outline(load_config(name)).state_dict()
        shapes = {n: t.shape for n, t in want.items() if not n.endswith("num_batches_tracked")}
        if all(n in weights and weights[n].shape == s for n, s in shapes.items()):
            fits.append(name)
    return f"it fits --config {' or '.join(fits)}" if fits else ""


def check_values(weights: Weights, want: Weights) -> None:
    kinds = [f"{n} is {kind}" for n, t in weights.items() if (kind := odd_kind(t, want[n]))]
    if kinds:
        raise Refused(listing("not plain tensors of numbers, which a bundle needs", kinds))
    values = {n: t.float() for n, t in weights.items() if t.is_floating_point()}
    faults = [
        listing("not finite", [n for n, t in values.items() if not t.isfinite().all()]),
        listing("negative variances", [
            n for n, t in values.items() if n.endswith("running_var") and (t < 0).any()
        ]),
    ]
    if any(faults):
        raise Refused("\n".join(["the checkpoint's values are no model's", *filter(None, faults)]))


def odd_kind(t: Tensor, want: Tensor) -> str:
    """What a tensor is if its values cannot be taken as they are."""
    if t.is_quantized:
        return f"quantised ({str(t.dtype).removeprefix('torch.')})"
    if t.layout != torch.strided:
        return f"sparse ({str(t.layout).removeprefix('torch.')})"
    if t.is_meta:
        return "without values"
    if t.is_floating_point() != want.is_floating_point():
        return f"of {str(t.dtype).removeprefix('torch.')}"
    return ""


def check_constants(cfg: Config, weights: Weights) -> None:
    """Compares what the checkpoint keeps of its grid, depth and image with the
    configuration, both at the checkpoint's precision."""
    faults = []
    for name, value in view_constants(cfg).items():
        got = weights[VIEW + name]
        gap = (value.to(got.dtype).float() - got.float()).abs()
        bound = CONSTANT * value.abs().max() + torch.finfo(got.dtype).eps * value.abs()
        if (gap > bound).any():
            faults.append(name)
    if faults:
        what = differences(cfg, weights, faults)
        raise Refused(f"the checkpoint was trained with other numbers than {cfg.name}: {what}")


def differences(cfg: Config, weights: Weights, faults: list[str]) -> str:
    """The keys of the configuration whose values the constants contradict, with both."""
    trained = trained_with(cfg, weights)
    ours = {f"grid.{a}": cfg.grid[a] for a in "xyz"} | {
        "image.width": cfg.image["width"], "image.height": cfg.image["height"],
        "depth.start": cfg.depth["start"], "depth.step": cfg.depth["step"],
    }
    if cfg.stereo:
        ours["stereo.sigma_bins"] = cfg.stereo["sigma_bins"]
    found = [
        f"{key} is {short(ours[key])}, the checkpoint's {short(trained[key])}"
        for key in ours if not close(trained[key], ours[key])
    ]
    return "; ".join(found) or "; ".join(f"{VIEW}{n} is not what {OF[n]} give" for n in faults)


def trained_with(cfg: Config, weights: Weights) -> dict[str, float | list[float]]:
    """The configuration's numbers as the constants of a checkpoint give them."""
    dx, bx, nx, frustum = (weights[VIEW + n].double() for n in ("dx", "bx", "nx", "frustum"))
    found = {
        f"grid.{a}": [lo, lo + n * d, d]
        for a, lo, n, d in zip("xyz", (bx - dx / 2).tolist(), nx.tolist(), dx.tolist(), strict=True)
    }
    depth = frustum[:, 0, 0, 2].tolist()
    found |= {
        "image.width": frustum[..., 0].max().item() + 1, "image.height": frustum[..., 1].max().item() + 1,
        "depth.start": depth[0], "depth.step": (depth[-1] - depth[0]) / max(1, len(depth) - 1),
    }
    if cfg.stereo:
        near = 1 + 1e-5 - math.exp(weights[VIEW + "log_inv_gaussians"][0, 1].item())
        found["stereo.sigma_bins"] = math.sqrt(-0.5 / math.log(near)) if 0 < near < 1 else math.nan
    return found


def close(a: float | list[float], b: float | list[float]) -> bool:
    return torch.allclose(torch.tensor(a).double(), torch.tensor(b).double(), rtol=2e-3, atol=2e-3)


def short(value: float | list[float]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(short, value))}]"
    return f"{value:.4g}"


def shape(t: Tensor) -> str:
    return "x".join(map(str, t.shape)) or "scalar"


def listing(title: str, names: list[str]) -> str:
    if not names:
        return ""
    shown = [f"  {n}" for n in names[:LISTED]]
    if len(names) > LISTED:
        shown.append(f"  and {len(names) - LISTED} more")
    return "\n".join([f"{title} ({len(names)}):", *shown])
