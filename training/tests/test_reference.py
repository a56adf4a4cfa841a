"""The PyTorch model against what the reference's own code computed, stage by stage,
each stage given the reference's input to it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from shared import shared
from solofusion import bev, stereo
from solofusion.config import TASKS, load_config
from solofusion.dataset import MEAN, STD
from solofusion.model import SOLOFusion, view_constants

RECORDS = [
    "rig/frame_000", "rig/frame_001", "rig/frame_002", "rig/frame_003",
    "mini/scene-0103/000", "mini/scene-0103/001",
]


class Record:
    """One frame of golden arrays, its predecessor and the model that made them."""

    def __init__(self, name: str):
        folder = shared("reference/tiny")
        file = folder / f"{name}.npz"
        self.arrays = np.load(file)
        self.model = SOLOFusion(load_config("tiny")).eval().requires_grad_(False)
        weights = torch.load(
            folder / name.split("/")[0] / "checkpoint.pth", weights_only=False, map_location="cpu"
        )
        self.model.load_state_dict(weights["state_dict"])
        self.before = self.arrays
        if not self["start_of_sequence"]:
            self.before = np.load(previous(file))

    def __getitem__(self, name: str) -> torch.Tensor:
        return torch.from_numpy(np.asarray(self.arrays[name]))

    def view(self, arrays: np.lib.npyio.NpzFile) -> stereo.View:
        augment = torch.eye(3, dtype=torch.float64).repeat(6, 1, 1)
        augment[:, :2, :2] = torch.from_numpy(arrays["post_rots"][0])[:, :2, :2].double()
        augment[:, :2, 2] = torch.from_numpy(arrays["post_trans"][0])[:, :2].double()
        return stereo.View(
            torch.from_numpy(arrays["stereo_feats"][0]),
            torch.from_numpy(arrays["intrins"][0]).double(),
            augment,
            torch.from_numpy(arrays["exact_cam2global"]),
        )


def previous(file: Path) -> Path:
    stem = file.stem
    number = stem.split("_")[-1]
    return file.with_name(stem.removesuffix(number) + f"{int(number) - 1:03d}.npz")


@pytest.fixture(scope="module", params=RECORDS)
def record(request: pytest.FixtureRequest) -> Record:
    return Record(request.param)


def close(name: str, got: torch.Tensor, want: torch.Tensor, bound: float) -> None:
    gap = (got - want).abs().max() / want.abs().max()
    assert gap <= bound, f"{name}: off by {gap:.2e} of its largest value, bound {bound:.0e}"


@pytest.mark.parametrize("name", ["tiny", "r50"])
def test_names_and_shapes_are_the_references(name: str) -> None:
    rows = [r.split("\t") for r in shared(f"reference/state-dict-{name}.tsv").read_text().splitlines()]
    want = {r[0]: r[1] for r in rows if not r[0].startswith("#")}
    weights = SOLOFusion(load_config(name)).state_dict()
    got = {n: "x".join(map(str, t.shape)) or "scalar" for n, t in weights.items()}
    assert len(want) == 902
    assert got == want


def test_constants(record: Record) -> None:
    for name, value in view_constants(record.model.cfg).items():
        close(name, value, getattr(record.model.img_view_transformer, name), 1e-6)


def test_image_encoder(record: Record) -> None:
    pixels = record["img_u8"].permute(0, 3, 1, 2).float() / 255
    images = (pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    parts = [record[n][0] for n in ("intrins", "post_rots", "post_trans", "rots", "trans")]
    numbers = torch.cat([p.reshape(6, -1) for p in parts], 1).float()
    context, logits, fine = record.model.encode_images(images, numbers)
    close("context", context, record["context"], 1e-4)
    close("mono_logits", logits, record["mono_depth_logits"], 4e-4)
    close("stereo_features", fine, record["stereo_feats"][0], 1e-4)


def test_stereo(record: Record) -> None:
    model, logits = record.model, record["mono_depth_logits"]
    cfg, transformer = model.cfg, model.img_view_transformer
    picks = stereo.pick_bins(logits, transformer.log_inv_gaussians, cfg.stereo["samples"])
    assert torch.equal(picks, record["k_indices"].long())
    block = cfg.stride // cfg.stereo_stride
    depth = transformer.bin_centers[picks].repeat_interleave(block, 2).repeat_interleave(block, 3)
    cost = stereo.correlate(
        record.view(record.arrays), record.view(record.before), depth, cfg.stereo_stride,
        cfg.stereo["groups"],
    )
    found = stereo.match_logits(transformer.similarity_net, cost, block)
    close("stereo_logits", found, record["stereo_logits"], 4e-4)
    spread = stereo.spread(picks, found, cfg.depth["bins"])
    close("spread", spread, record["stereo_logits_interp"], 4e-4)
    close("depth", (logits + spread).softmax(1), record["depth_prob"], 4e-4)


def test_lift(record: Record) -> None:
    model = record.model
    view = record.view(record.arrays)
    cells = bev.splat_cells(
        model.cfg, model.img_view_transformer.frustum, view.intrinsics, view.augment,
        record["exact_cam2lidar"],
    )
    plane = bev.lift(cells, record["depth_prob"], record["context"], model.cfg.cells)
    gap = (plane - record["bev_lifted"][0]).abs().amax(0) / record["bev_lifted"].abs().max()
    # Points on a cell's edge may fall on either side of it.
    assert (gap > 1e-5).float().mean() < 0.07


def test_bev_networks(record: Record) -> None:
    model = record.model
    close("bev", model.embed_bev(record["bev_lifted"]), record["bev_embedded"], 1e-5)
    stack = record["history_stack"]
    ages = stack[:, -1, 0, 0]
    fused = model.fuse(stack[None, :, :-1], ages[None])
    close("fused", fused, record["bev_fused"], 1e-5)
    maps = model.pts_bbox_head(model.encode_bev(record["bev_fused"]))
    for t in range(len(TASKS)):
        for branch, got in maps[t].items():
            close(f"head_{t}_{branch}", got, record[f"head{t}_{branch}"], 1e-4)


def test_history_warp() -> None:
    record = Record("rig/frame_001")  # the only one that holds the planes before the warp
    cfg = record.model.cfg
    planes = record["history_before_warp"].view(cfg.history["frames"], -1, *cfg.cells)
    was_from_now = record["curr_to_prev_lidar_rt"].double()
    aligned = bev.align(cfg, planes, was_from_now.expand(len(planes), 4, 4))
    close("history", aligned, record["history_stack"][1:, :-1], 1e-5)
