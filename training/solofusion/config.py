"""Numbers of a model, read from a YAML file of ``configs/``."""

from dataclasses import dataclass
from pathlib import Path

import yaml

CLASSES = (
    "car", "truck", "construction_vehicle", "bus", "trailer",
    "barrier", "motorcycle", "bicycle", "pedestrian", "traffic_cone",
)

TASKS = (
    ("car",),
    ("truck", "construction_vehicle"),
    ("bus", "trailer"),
    ("barrier",),
    ("motorcycle", "bicycle"),
    ("pedestrian", "traffic_cone"),
)

BRANCHES = {"reg": 2, "height": 1, "dim": 3, "rot": 2, "vel": 2}
"""Regression branches of each task and their channels; ``heatmap`` has one a class."""


@dataclass(frozen=True)
class Config:
    """One model. Sections are the YAML file's; properties are derived."""

    name: str
    cameras: list[str]
    image: dict
    backbone: dict
    neck: dict
    stereo_neck: dict | None  # None with stereo, in a model without short-term fusion
    context_channels: int
    depth: dict
    stereo: dict | None
    grid: dict
    history: dict
    bev_encoder: dict
    head: dict

    @property
    def stride(self) -> int:
        """Of the coarse features, input pixels a side."""
        return round(4 / self.neck["upsample"][0])

    @property
    def remembers(self) -> bool:
        """Whether there is history: else the head sees the current frame alone."""
        return self.history["frames"] > 0

    @property
    def stereo_stride(self) -> int:
        return round(4 / self.stereo_neck["upsample"][0])

    @property
    def coarse_size(self) -> tuple[int, int]:
        return self.image["height"] // self.stride, self.image["width"] // self.stride

    @property
    def stereo_size(self) -> tuple[int, int]:
        s = self.stereo_stride
        return self.image["height"] // s, self.image["width"] // s

    @property
    def cells(self) -> tuple[int, int]:
        """Rows (y) and columns (x) of the bird's-eye grid."""
        return tuple(round((hi - lo) / step) for lo, hi, step in (self.grid["y"], self.grid["x"]))


def load_config(name_or_file: str) -> Config:
    """Reads a configuration by its name in ``configs/`` or from a file.

    Raises FileNotFoundError or TypeError (missing or unknown keys).
    """
    path = Path(name_or_file)
    if path.suffix != ".yaml":
        path = Path(__file__).parent.parent / "configs" / f"{name_or_file}.yaml"
    return Config(**yaml.safe_load(path.read_text()))
