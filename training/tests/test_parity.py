"""The small table of `make parity`, and that it can fail."""

import numpy as np
import pytest
import torch
from program import PROGRAM
from reference import parity, stages
from reference.compare import END_TO_END, FOLLOWING, Comparison
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
    ("bev", lambda x: torch.where(x == x.max(), torch.nan, x)),
])
def test_a_fault_shows_at_its_stage_first(shop: parity.Workshop, stage: str, change) -> None:
    case = CASES[0]
    following, _ = parity.compare(shop, case, shop.data(case.data), damage={stage: change})
    failed = [r.stage for r in following.rows.values() if not r.passed]
    assert failed[0] == stage.split("_0_")[0]


def box(x: float, **changes) -> dict:
    return {
        "class": "car", "score": 0.5, "center": [x, 2.0, 0.5], "size": [1.9, 4.6, 1.7], "yaw": 3.1,
        "velocity": [1.0, 0.0],
    } | changes


@pytest.mark.parametrize("change", [
    {"class": "bus"}, {"score": 0.51}, {"center": [0.002, 2.0, 0.5]}, {"size": [1.9, 4.61, 1.7]},
    {"yaw": -3.1}, {"velocity": [1.0, 0.1]}, {"velocity": [1.0, np.nan]},
])
def test_boxes_that_differ_fail(change: dict) -> None:
    comparison = Comparison(load_config("tiny"), FOLLOWING)
    comparison.compare_boxes("here", [box(0.0), box(9.0)], [box(0.0), box(9.0)])
    assert comparison.passed
    comparison.compare_boxes("here", [box(0.0), box(9.0)], [box(0.0, **change), box(9.0)])
    assert not comparison.passed


def test_boxes_of_either_side_may_be_alone() -> None:
    comparison = Comparison(load_config("tiny"), END_TO_END)
    comparison.compare_boxes("here", [box(0.0)], [box(0.01), box(9.0)])
    comparison.compare_boxes("there", [box(0.0), box(9.0)], [box(0.0)])
    assert (comparison.boxes, comparison.unmatched) == (6, 2)


def test_nothing_compared_is_no_pass() -> None:
    assert not Comparison(load_config("tiny"), FOLLOWING).passed


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
