"""How far apart two programs' arrays of a frame are, and how far they may be."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from solofusion.config import Config
from solofusion.dataset import MEAN, STD
from torch import Tensor

from . import stages
from .frames import KeyFrame

FOLLOWING = {
    "images": 0.0, "context": 1e-4, "mono_logits": 4e-4, "stereo_features": 1e-4,
    "stereo_logits": 4e-4, "depth": 4e-4, "bev_raw": 1e-5, "bev": 1e-4, "history": 1e-5,
    "fused": 1e-4, "head": 1e-4,
}
"""Largest difference over the array's largest value, each stage given the same input;
of images, between their bytes."""

END_TO_END = {
    "images": 0.0, "context": 1e-4, "mono_logits": 4e-4, "stereo_features": 1e-4,
    "bev_raw": 3e-2, "bev": 3e-2, "history": 3e-2, "fused": 2e-2, "head": 2e-2,
}
"""The same when each program goes on from its own arrays: noise of float32 flips a few
stereo picks in a thousand and moves their depth."""

TIE = 1e-4
"""Log probabilities this close may be picked in either order, and points this close to
a cell's edge, in cells, may fall on either side."""

BOXES = {"center": 1e-3, "size": 1e-5, "yaw": 1e-4, "velocity": 1e-4, "score": 1e-5}
"""Metres, relative, radians, metres a second, absolute."""

UNMATCHED = 0.007
"""Share of both programs' boxes that end to end may lack a partner."""


@dataclass
class Row:
    """A line of the table: the worst of all frames."""

    stage: str
    bound: float
    absolute: float = 0.0
    relative: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return self.relative <= self.bound and not self.faults

    def worst(self, absolute: float, relative: float) -> None:
        """Takes in a frame; numbers that are not finite count as endless."""
        self.absolute = max(self.absolute, absolute if math.isfinite(absolute) else math.inf)
        self.relative = max(self.relative, relative if math.isfinite(relative) else math.inf)


class Comparison:
    """Rows by stage over the frames of a run."""

    def __init__(self, cfg: Config, bounds: dict[str, float]):
        self.cfg, self.bounds, self.rows = cfg, bounds, {}
        self.boxes = self.unmatched = 0

    @property
    def follows(self) -> bool:
        return self.bounds is FOLLOWING

    @property
    def passed(self) -> bool:
        return bool(self.rows) and all(row.passed for row in self.rows.values())

    def row(self, stage: str, bound: float) -> Row:
        return self.rows.setdefault(stage, Row(stage, bound))

    def frame(self, frame: KeyFrame, want: Mapping[str, Tensor], got: Mapping[str, Tensor],
              margin: Tensor | None) -> None:
        for name, array in want.items():
            stage = "head" if name.startswith("head_") else name
            where = f"{frame.scene} {frame.index} {name}"
            if stage == "stereo_samples":
                self.samples(where, array, got[name], margin)
            elif array.shape != got[name].shape:
                fault = f"{where}: {list(got[name].shape)}, want {list(array.shape)}"
                self.row(stage, 0).faults.append(fault)
            elif stage in self.bounds:
                other = got[name]
                if stage == "images":
                    array, other = as_bytes(array), as_bytes(other)
                gap = (array - other).abs()
                if stage == "bev_raw" and self.follows:
                    gap[:, stages.cells_at_edges(self.cfg, stages.frustum_cells(self.cfg, frame), TIE)] = 0
                largest = array.abs().max().clamp(min=1e-30)
                row = self.row(stage, self.bounds[stage])
                row.worst(gap.max().item(), (gap.max() / largest).item())

    def samples(self, where: str, want: Tensor, got: Tensor, margin: Tensor) -> None:
        """Given the same logits, picks are equal but for ties; end to end, their share
        that differs is shown."""
        differ = (want != got).any(1)
        row = self.row("stereo_samples", 0.0 if self.follows else 0.02)
        share = 0.0 if self.follows else differ.float().mean().item()
        row.worst((want - got).abs().max().item(), share)
        untied = int((differ & (margin > TIE)).sum()) if self.follows else 0
        if untied:
            row.faults.append(f"{where}: {untied} pixels without a tie")

    def compare_boxes(self, where: str, want: list[dict], got: list[dict]) -> None:
        if self.follows:
            self.same_boxes(where, want, got)
            return
        self.boxes += len(want) + len(got)
        self.unmatched += lonely_boxes(want, got) + lonely_boxes(got, want)
        row = self.row("boxes", UNMATCHED)
        row.absolute, row.relative = self.unmatched, self.unmatched / max(1, self.boxes)

    def same_boxes(self, where: str, want: list[dict], got: list[dict]) -> None:
        row = self.row("boxes", 1.0)
        self.boxes += len(want)
        if len(want) != len(got):
            row.faults.append(f"{where}: {len(got)} boxes, want {len(want)}")
            return
        for i, (a, b) in enumerate(zip(want, reorder(want, got), strict=True)):
            gaps = box_gaps(a, b)
            row.worst(gaps["center"], float(np.max([gaps[k] / BOXES[k] for k in BOXES])))
            if a["class"] != b["class"]:
                row.faults.append(f"{where}: box {i} is a {b['class']}, want {a['class']}")


def box_gaps(a: dict, b: dict) -> dict[str, float]:
    turn = (a["yaw"] - b["yaw"] + math.pi) % (2 * math.pi) - math.pi
    return {
        "center": math.dist(a["center"], b["center"]),
        "size": float(np.abs(np.divide(a["size"], b["size"]) - 1).max()),
        "yaw": abs(turn), "velocity": math.dist(a["velocity"], b["velocity"]),
        "score": abs(a["score"] - b["score"]),
    }


def reorder(want: list[dict], got: list[dict]) -> list[dict]:
    """got with boxes of equal score put in the order of want."""
    got, out = list(got), []
    for a in want:
        near = [b for b in got if abs(b["score"] - got[0]["score"]) <= BOXES["score"]]
        best = min(near, key=lambda b: math.dist(a["center"], b["center"]))
        got.remove(best)
        out.append(best)
    return out


def lonely_boxes(want: list[dict], got: list[dict]) -> int:
    """How many boxes of want have no box of their class within 10 cm in got."""
    lonely = 0
    for a in want:
        places = np.array([b["center"] for b in got if b["class"] == a["class"]]).reshape(-1, 3)
        lonely += not (np.linalg.norm(places - a["center"], axis=1) < 0.1).any()
    return lonely


HEADING = """| stage | max abs | max rel | bound | | end to end: abs | rel | bound | |
|---|---|---|---|---|---|---|---|---|"""


def table(following: Comparison, whole: Comparison) -> str:
    """Markdown: a line for each stage, following and end to end."""
    lines = [HEADING]
    for stage, row in following.rows.items():
        right = verdict(whole.rows[stage], whole) if stage in whole.rows else [""] * 4
        cells = verdict(row, following) + right
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(row: Row, comparison: Comparison) -> list[str]:
    relative, bound = f"{row.relative:.1e}", f"{row.bound:.0e}"
    if row.stage == "boxes" and comparison.follows:
        relative, bound = f"{comparison.boxes} boxes", "all, 1 mm"
    elif row.stage == "boxes":
        relative, bound = f"{row.relative:.2%} alone", f"{row.bound:.1%}"
    elif row.stage == "stereo_samples":
        relative = "" if comparison.follows else f"{row.relative:.2%} differ"
        bound = "but for ties" if comparison.follows else f"{row.bound:.0%}"
    word = "pass" if row.passed else "**fail** " + "; ".join(row.faults[:3])
    return [f"{row.absolute:.1e}", relative, bound, word]


def as_bytes(images: Tensor) -> Tensor:
    """Undoes the normalisation of N 3 H W."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return ((images * std + mean) * 255).round()
