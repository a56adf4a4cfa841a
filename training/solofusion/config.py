"""Numbers of a model, read from a YAML file of ``configs/``."""

import math
from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from .command import Refused

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


CONFIGS = Path(__file__).parent.parent / "configs"

KEYS = {
    "image": {"width": int, "height": int, "resize_extra": float, "crop_h": float},
    "backbone": {"block": str, "stem": int, "blocks": [int], "channels": [int]},
    "neck": {"upsample": [float], "channels": int},
    "stereo_neck": {"upsample": [float], "channels": int, "middle": int, "out": int},
    "depth": {"start": float, "step": float, "bins": int, "channels": int},
    "stereo": {"samples": int, "groups": int, "sigma_bins": float},
    "grid": {"x": [float], "y": [float], "z": [float]},
    "history": {"frames": int, "period": float, "fused_channels": int},
    "bev_encoder": {"channels": [int], "neck_upsample": [float], "neck_channels": int},
    "head": {"shared": int, "branch": int},
}
"""The keys of each section and what they hold; a list holds some of one kind."""
OPTIONAL = {"stereo", "stereo_neck"}
LENGTHS = {
    "backbone.blocks": 4, "backbone.channels": 4, "neck.upsample": 4, "stereo_neck.upsample": 4,
    "grid.x": 3, "grid.y": 3, "grid.z": 3, "bev_encoder.channels": 3, "bev_encoder.neck_upsample": 4,
}
MAY_BE_ZERO = {"image.resize_extra", "image.crop_h", "history.frames"}
BLOCKS = ("basic", "bottleneck")


def load_config(name_or_file: str) -> Config:
    """Reads a configuration by its name in ``configs/`` or from a file. Raises Refused
    with every key that is missing, unknown or of another kind."""
    path = config_file(name_or_file)
    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise Refused(f"configuration {path} is not YAML: {in_one_line(e)}") from None
    if not isinstance(sections, dict):
        raise Refused(f"configuration {path} holds no keys, want {', '.join(f.name for f in fields(Config))}")
    faults = check_config(sections)
    if faults:
        raise Refused(f"configuration {path}: {'; '.join(faults)}")
    return Config(**sections)


def names_of_configs() -> list[str]:
    return sorted(p.stem for p in CONFIGS.glob("*.yaml"))


def config_file(name_or_file: str) -> Path:
    if name_or_file in names_of_configs():
        return CONFIGS / f"{name_or_file}.yaml"
    path = Path(name_or_file)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        names = ", ".join(names_of_configs())
        raise Refused(f"configuration {path} {what}: want a YAML file, or one of {names}")
    return path


def in_one_line(e: Exception) -> str:
    mark = getattr(e, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return where + (getattr(e, "problem", None) or str(e).splitlines()[0])


def check_config(sections: dict) -> list[str]:
    """What is wrong with a configuration, each with its key."""
    wanted = [f.name for f in fields(Config)]
    faults = [f"{k} is missing" for k in wanted if k not in sections and k not in OPTIONAL]
    faults += [f"{k} is unknown" for k in sections if k not in wanted]
    for k in OPTIONAL:
        sections.setdefault(k, None)
    if not is_kind(sections.get("name", ""), str):
        faults.append(f"name is {sections['name']!r}, want a word")
    cameras = sections.get("cameras", ["any"])
    if not is_kind(cameras, [str]) or not cameras or len(set(cameras)) < len(cameras):
        faults.append(f"cameras is {cameras!r}, want names, each once")
    if "context_channels" in sections:
        faults += check_value("context_channels", sections["context_channels"], int)
    for section, keys in KEYS.items():
        if section in sections and not (section in OPTIONAL and sections[section] is None):
            faults += check_section(section, sections[section], keys)
    return faults or check_sense(sections)


def check_section(section: str, values: object, keys: dict) -> list[str]:
    if not isinstance(values, dict):
        return [f"{section} is {values!r}, want the keys {', '.join(keys)}"]
    faults = [f"{section}.{k} is missing" for k in keys if k not in values]
    faults += [f"{section}.{k} is unknown" for k in values if k not in keys]
    for k in keys.keys() & values.keys():
        faults += check_value(f"{section}.{k}", values[k], keys[k])
    return faults


def check_value(key: str, value: object, kind: type | list) -> list[str]:
    if not is_kind(value, kind):
        return [f"{key} is {value!r}, want {named(kind)}"]
    if isinstance(value, list) and len(value) != LENGTHS.get(key, len(value)):
        return [f"{key} has {len(value)} numbers, want {LENGTHS[key]}"]
    if key.startswith("grid.") or key == "depth.start":
        return []
    for v in value if isinstance(value, list) else [value]:
        if not isinstance(v, str) and (v < 0 or v == 0 and key not in MAY_BE_ZERO):
            return [f"{key} is {value!r}, want positive numbers"]
    return []


def is_kind(value: object, kind: type | list) -> bool:
    if isinstance(kind, list):
        return isinstance(value, list) and all(is_kind(v, kind[0]) for v in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, kind) and not isinstance(value, bool)


def named(kind: type | list) -> str:
    if isinstance(kind, list):
        return f"a list of {named(kind[0])[2:]}s"
    return {int: "a whole number", float: "a number", str: "a word"}[kind]


def check_sense(sections: dict) -> list[str]:
    """What keys say that are right on their own."""
    faults = []
    if sections["backbone"]["block"] not in BLOCKS:
        faults.append(f"backbone.block is {sections['backbone']['block']}, want {' or '.join(BLOCKS)}")
    if (sections["stereo"] is None) != (sections["stereo_neck"] is None):
        faults.append("stereo and stereo_neck: one is null, want both or neither")
    for axis, (lo, hi, step) in sections["grid"].items():
        cells = (hi - lo) / step if step > 0 else 0
        if cells < 1 or abs(cells - round(cells)) > 1e-6 * cells:
            faults.append(f"grid.{axis} is [{lo}, {hi}, {step}], want lower, upper and a size of whole cells")
    for side in ("width", "height"):
        if sections["image"][side] % 32:
            faults.append(f"image.{side} is {sections['image'][side]}, want a multiple of 32")
    return faults
