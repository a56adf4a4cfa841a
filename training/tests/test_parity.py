"""The small table of `make parity`, and that it can fail."""

import numpy as np
import pytest
import torch
from program import PROGRAM
from reference import parity, stages
from reference.compare import Comparison
from reference.decode import area, clip, overlap
from solofusion.config import load_config

CASES = [
    parity.Case("tiny", "tiny", 1, "drive"),
    parity.Case("tiny, scene change", "tiny", 2, "two drives"),
    parity.Case("tiny, three cameras", "tiny", 3, "three cameras"),
    parity.Case("tiny, lost image", "tiny", 4, "lost image"),
    parity.Case("tiny, lost frame", "tiny", 5, "lost frame"),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> parity.Workshop:
    return parity.Workshop(PROGRAM, tmp_path_factory.mktemp("parity"), 5)


def faults(comparison: Comparison) -> str:
    return "; ".join(
        f"{r.stage} {r.relative:.1e} of {r.bound:.0e} {r.faults}"
        for r in comparison.rows.values() if not r.passed
    )


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_parity(shop: parity.Workshop, case: parity.Case) -> None:
    following, whole = parity.compare(shop, case, shop.data(case.data))
    assert not faults(following)
    assert not faults(whole)
    assert following.boxes > 50
    stages_seen = {"images", "stereo_samples", "depth", "bev_raw", "history", "fused", "head", "boxes"}
    assert stages_seen <= following.rows.keys()


@pytest.mark.parametrize(("stage", "change"), [
    ("depth", lambda x: x.roll(1, 1)), ("bev_raw", lambda x: x * 1.001),
    ("history", lambda x: x.roll(1, -1)), ("head_0_rot", lambda x: -x),
])
def test_a_fault_shows_at_its_stage_first(shop: parity.Workshop, stage: str, change) -> None:
    case = CASES[0]
    following, _ = parity.compare(shop, case, shop.data(case.data), damage={stage: change})
    failed = [r.stage for r in following.rows.values() if not r.passed]
    assert failed[0] == stage.split("_0_")[0]


def test_overlap_of_rectangles() -> None:
    square = np.array([[1.0, 1], [-1, 1], [-1, -1], [1, -1]])
    assert area(square) == 4
    assert overlap(square, square + [1, 0]) == pytest.approx(1 / 3)
    assert overlap(square, square + [5, 0]) == 0
    assert len(clip(square, square + [3, 0])) == 0


def test_warp_by_whole_cells() -> None:
    cfg = load_config("tiny")
    plane = torch.rand(1, 2, *cfg.cells)
    move = torch.eye(4, dtype=torch.float64)
    move[0, 3] = 2 * cfg.grid["x"][2]
    got = stages.warp(cfg, plane, move)
    assert torch.allclose(got[..., :-2], plane[..., 2:], atol=1e-6)
    assert not got[..., -2:].any()
