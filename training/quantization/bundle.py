"""Bundles with other graphs, and what two of them find differently."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import yaml

SURE, NEAR = 0.3, 0.5  # score, metres: as quant counts a loss
Boxes = dict[str, list[dict]]  # by sample


class Bundle:
    def __init__(self, folder: Path):
        self.folder = folder
        self.manifest = yaml.safe_load((folder / "model.yaml").read_text())

    @property
    def eight(self) -> dict:
        return self.manifest["graphs"]["cpu"]

    def file(self, graph: str) -> Path:
        """Of a graph in 8 bits."""
        return self.folder / self.eight["files"][f"{graph}.onnx"]

    @property
    def scales(self) -> np.ndarray:
        """Of the head's input."""
        given = self.eight["input"]
        return np.array(given.get("scales") or [given["scale"]], np.float32)

    def write(self, out: Path, changed: dict[str, bytes]) -> None:
        """Copies the bundle with files changed."""
        shutil.copytree(self.folder, out, dirs_exist_ok=True)
        for name, content in changed.items():
            (out / name).write_bytes(content)
            self.manifest["files"][name] = hashlib.sha256(content).hexdigest()
        (out / "model.yaml").write_text(yaml.safe_dump(self.manifest, sort_keys=False))


def read_boxes(results: Path) -> Boxes:
    return json.loads(results.read_text())["results"]


def scenes(dataset: Path, version: str) -> dict[str, str]:
    """Scene by sample."""
    table = json.loads((dataset / version / "sample.json").read_text())
    return {row["token"]: row["scene_token"] for row in table}


def lost(float_: Boxes, eight: Boxes, scene_of: dict[str, str]) -> dict[str, tuple[int, int]]:
    """By scene: sure boxes of the float32 bundle, and those without one of their class near."""
    counts: dict[str, tuple[int, int]] = {}
    for sample, boxes in float_.items():
        sure = [b for b in boxes if b["detection_score"] >= SURE]
        gone = sum(not near(b, eight[sample]) for b in sure)
        boxes_before, gone_before = counts.get(scene_of[sample], (0, 0))
        counts[scene_of[sample]] = boxes_before + len(sure), gone_before + gone
    return counts


def near(box: dict, others: list[dict]) -> bool:
    x, y = box["translation"][:2]
    return any(
        o["detection_name"] == box["detection_name"]
        and (o["translation"][0] - x) ** 2 + (o["translation"][1] - y) ** 2 <= NEAR**2
        for o in others
    )


def difference(a: dict[str, tuple[int, int]], b: dict[str, tuple[int, int]], draws: int = 1000
               ) -> tuple[float, float, float]:
    """How much more of the boxes b loses than a, with its paired 95 % interval over scenes."""
    names = sorted(a)
    rows = np.array([[a[n][0], a[n][1], b[n][1]] for n in names], float)
    picks = np.random.default_rng(1).integers(len(names), size=(draws, len(names)))
    sums = rows[picks].sum(1)
    drawn = (sums[:, 2] - sums[:, 1]) / sums[:, 0]
    whole = rows.sum(0)
    return (whole[2] - whole[1]) / whole[0], *np.percentile(drawn, [2.5, 97.5])
