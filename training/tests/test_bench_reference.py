"""The stages that solofusion is timed against, with what the reference's own code computed
and with the oracle; then the comparison as a whole.

Needs bin/solofusion (`make build`).
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bench_reference as bench
import numpy as np
import pytest
import torch
from program import PROGRAM
from reference import stages
from reference.decode import decode
from shared import shared
from solofusion.config import TASKS, load_config
from solofusion.model import SOLOFusion

CFG = load_config("tiny")


class Record:
    """A frame of golden arrays and the model that made them."""

    def __init__(self):
        folder = shared("reference/tiny")
        self.arrays, self.before = (np.load(folder / f"rig/frame_00{i}.npz") for i in (1, 0))
        self.model = SOLOFusion(CFG).eval().requires_grad_(False)
        weights = torch.load(folder / "rig/checkpoint.pth", weights_only=False, map_location="cpu")
        self.model.load_state_dict(weights["state_dict"])

    def __getitem__(self, name: str) -> torch.Tensor:
        return torch.from_numpy(np.asarray(self.arrays[name]))


@pytest.fixture(scope="module")
def record() -> Record:
    return Record()


def close(got: torch.Tensor, want: torch.Tensor, bound: float) -> None:
    assert got.shape == want.shape
    assert (got - want).abs().max() <= bound * want.abs().max()


def test_stereo(record: Record) -> None:
    features = record["stereo_feats"][0], torch.from_numpy(record.before["stereo_feats"][0])
    now, past = (
        bench.Seen(f, record[f"{when}_global2img"][0], record[f"{when}_img_forward_aug"][0])
        for when, f in zip(("curr", "prev"), features, strict=True)
    )
    stereo = bench.Stereo(CFG, record.model.img_view_transformer.similarity_net)
    depth = stereo.run(record["mono_depth_logits"], now, past)
    off = (depth - record["depth_prob"]).abs()
    # The same float32 products in another order: points move by a hundredth of a pixel.
    assert off.mean() < 1e-5 and off.quantile(0.999) < 1e-2


def test_lift(record: Record) -> None:
    augment = torch.eye(4).repeat(6, 1, 1)
    augment[:, :3, :3] = record["post_rots"][0]
    augment[:, :3, 3] = record["post_trans"][0]
    rig = torch.eye(4).repeat(6, 1, 1)
    rig[:, :3, :3], rig[:, :3, 3] = record["rots"][0], record["trans"][0]
    plane = bench.Lift(CFG).run(record["depth_prob"], record["context"], rig, record["intrins"][0], augment)
    assert plane.shape == record["bev_lifted"][0].shape
    gap = (plane - record["bev_lifted"][0]).abs().amax(0) / record["bev_lifted"].abs().max()
    assert (gap > 1e-5).float().mean() < 0.07  # points on a cell's edge may fall on either side


def test_history(record: Record) -> None:
    history = bench.History(CFG, record.model.history_keyframe_time_conv)
    history.planes = record["history_before_warp"].view(CFG.history["frames"], -1, *CFG.cells)
    history.ages = record["history_stack"][1:, -1, 0, 0] / CFG.history["period"] - 1
    stack = history.run(record["bev_embedded"][0], record["curr_to_prev_lidar_rt"])
    close(stack, record["history_time_conv"].flatten(0, 1), 1e-4)
    assert torch.equal(history.planes[0], record["bev_embedded"][0])


def test_decode(record: Record) -> None:
    branches = ("reg", "height", "dim", "rot", "vel", "heatmap")
    tasks = [{b: record[f"head{t}_{b}"][0] for b in branches} for t in range(len(TASKS))]
    maps = {f"head_{t}_{b}": tasks[t][b].numpy() for t in range(len(TASKS)) for b in branches}
    want = decode(CFG, maps)
    found = [
        (TASKS[t][label], score, box)
        for t, (boxes, scores, labels) in enumerate(bench.Decode(CFG).run(tasks))
        for box, score, label in zip(boxes.tolist(), scores.tolist(), labels.tolist(), strict=True)
    ]
    assert [name for name, _, _ in found] == [b["class"] for b in want]
    for (_, score, box), b in zip(found, want, strict=True):
        assert score == pytest.approx(b["score"], abs=1e-6)
        assert box[:3] == pytest.approx(b["center"], abs=1e-4)


def test_geometry_is_the_oracles() -> None:
    """The ring's matrices put points where exact arithmetic does."""
    ring = bench.Ring(CFG, bench.SOURCE["tiny"])
    frame = stages.KeyFrame(
        "", 1, torch.empty(0), ring.intrinsics, ring.augment[:, [0, 1, 3]][:, :, [0, 1, 3]].double(),
        ring.global_from_camera(1), ring.global_from_lidar(1),
    )
    frame.augment[:, 2] = torch.tensor([0.0, 0.0, 1.0])
    torch.manual_seed(1)
    mono, context = torch.randn(6, 56, 8, 22), torch.randn(6, 16, 8, 22)
    cells = stages.frustum_cells(CFG, frame)
    want = stages.splat(CFG, cells, mono.softmax(1), context)
    plane = bench.Lift(CFG).run(
        mono.softmax(1), context, frame.lidar_from_camera.float(), ring.intrinsics.float(), ring.augment
    )
    off = (plane - want).abs().amax(0) > 1e-4
    # Points on a cell's edge may fall on either side.
    assert off.float().mean() < 0.05 and want.abs().max() > 0.1


def test_shapes() -> None:
    with ThreadPoolExecutor(2) as pool:
        made = {name: stage(1) for name, stage in bench.work("tiny", pool).items()}
    assert made.pop("decode")[0][0].shape[1] == 9
    assert {name: tuple(t.shape) for name, t in made.items()} == {
        "preprocess": (6, 3, 128, 352),
        "preprocess/pixels": (6, 3, 128, 352),
        "stereo": (6, 56, 8, 22),
        "lift": (16, 64, 64),
        "history": (5 * 16, 64, 64),
        "history/direct/uint8": (5 * 16, 64, 64),
        "history/recursive/float32": (5 * 16, 64, 64),
    }
    assert made["history"].dtype == torch.uint8


def test_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    file = tmp_path / "ratios.json"
    arguments = ["--size", "tiny", "--rounds", "1", "--program", str(PROGRAM), "--json", str(file)]
    monkeypatch.setattr(sys, "argv", ["bench_reference", *arguments])
    assert bench.main() == 0
    rows = json.loads(file.read_text())
    assert rows["stereo"]["ratio"] == rows["stereo"]["reference_ms"] / rows["stereo"]["solofusion_ms"]
    lines = capsys.readouterr().out.splitlines()
    table = lines[lines.index("") + 2 : -2]
    assert [line.split()[0] for line in table] == [name for name in rows if name != "machine"]
    assert table[-1].startswith("between ")


def test_whole_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ratios.json"
    arguments = ["--size", "default", "--model", "default", "--rounds", "1", "--program", str(PROGRAM)]
    monkeypatch.setattr(sys, "argv", ["bench_reference", *arguments, "--json", str(file)])
    assert bench.main() == 0
    rows = json.loads(file.read_text())
    assert list(rows) == [*bench.WHOLE, "frame", "machine"]
    stages = [rows[name]["reference_ms"] for name in bench.WHOLE]
    assert min(stages) > 0 and rows["frame"]["reference_ms"] == pytest.approx(sum(stages))


def test_a_bundle_of_another_size(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    arguments = ["--size", "tiny", "--model", "default", "--rounds", "1", "--program", str(PROGRAM)]
    monkeypatch.setattr(sys, "argv", ["bench_reference", *arguments])
    assert bench.main() == 1
    assert "default is a bundle of small, and --size tiny is tiny" in capsys.readouterr().err


def test_networks_have_the_bundles_shapes() -> None:
    with torch.inference_mode():
        made = {name: stage(1) for name, stage in bench.networks("tiny").items()}
    context, mono, fine = made["image_encoder"]
    assert (context.shape[:2], mono.shape[:2], fine.shape[0]) == ((6, 16), (6, 56), 6)
    assert made["bev_embed"].shape == (1, 16, 64, 64)
    assert len(made["head"]) == len(bench.TASKS) and made["head"][0]["heatmap"].shape[2:] == (64, 64)


def test_program_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(sys, "argv", ["bench_reference", "--program", "absent"])
    assert bench.main() == 1
    assert "absent is no program: run `make build`" in capsys.readouterr().err
