"""nuscenes-devkit as the referee: its metric files held against those of `solofusion eval`."""

from __future__ import annotations

import json
import math
from pathlib import Path

TOLERANCE = 1e-9
FILES = ("metrics_summary.json", "metrics_details.json")


def read_metrics(file: Path) -> dict[str, object]:
    """The content of a metrics file, without the time that the evaluation took."""
    metrics = json.loads(file.read_text())
    metrics.pop("eval_time", None)
    return metrics


def metric_differences(ours: Path, theirs: Path) -> list[str]:
    """The places where the metric files of two folders differ."""
    return [
        difference
        for name in FILES
        for difference in differences(read_metrics(ours / name), read_metrics(theirs / name), name)
    ]


def differences(ours: object, theirs: object, where: str) -> list[str]:
    """The places where two JSON values differ by more than the tolerance, keys' order included."""
    if isinstance(theirs, dict):
        if not isinstance(ours, dict) or list(ours) != list(theirs):
            return [f"{where}: keys {ours} and {theirs}"]
        return [d for key in theirs for d in differences(ours[key], theirs[key], f"{where} {key}")]
    if isinstance(theirs, list):
        if not isinstance(ours, list) or len(ours) != len(theirs):
            return [f"{where}: lengths differ"]
        return [d for i in range(len(theirs)) for d in differences(ours[i], theirs[i], f"{where}[{i}]")]
    if isinstance(theirs, float) and isinstance(ours, float):
        same = math.isnan(ours) and math.isnan(theirs) or ours == theirs or abs(ours - theirs) <= TOLERANCE
    else:
        same = type(ours) is type(theirs) and ours == theirs
    return [] if same else [f"{where}: {ours} and {theirs}"]
