"""The rig that a model knows: the frame that it works in and the cameras of its training.

A bundle's manifest has both (docs/model.md, ``frame`` and ``seen``), so that the service
detects in that frame on any vehicle, and places images of other cameras where one of
training's could have taken them. What is said here of the reference holds for every
converted checkpoint.
"""

import math
from collections.abc import Iterable

import numpy as np

SOURCE = (1600, 900)
"""Pixels of the images that the camera numbers of training stand for."""

CAMERA_NUMBERS = (
    "fx", "skew", "cx", "fy", "cy",
    "right_x", "down_x", "forward_x", "right_y", "down_y", "forward_y", "right_z", "down_z",
    "forward_z", "x", "y", "z", "horizon",
)

REFERENCE_FRAME = {
    "translation": [0.94, 0.0, 1.84],
    "rotation": [math.sqrt(0.5), 0.0, 0.0, -math.sqrt(0.5)],
    "own_lidar": {"metres": 0.1, "degrees": 4.0},
}
"""LIDAR_TOP of nuScenes' vehicles, which is mounted a little otherwise on each."""

REFERENCE_SEEN = {
    "fx": [[780.0, 840.0], [1230.0, 1290.0]],
    "fy": [[780.0, 840.0], [1230.0, 1290.0]],
    "skew": [[0.0, 0.0]],
    "cx": [[770.0, 880.0]],
    "cy": [[430.0, 520.0]],
    "right_z": [[-0.1, 0.1]],
    "down_z": [[-1.0, -0.99]],
    "forward_z": [[-0.1, 0.1]],
    "x": [[-1.6, 1.6]],
    "y": [[-2.0, 2.0]],
    "z": [[-0.6, 0.0]],
    "horizon": [[410.0, 540.0]],
}
"""The cameras of nuScenes' vehicles with a margin, since a checkpoint does not record
them; places with the motion of 40 ms at 30 m/s."""

APART = 0.05
"""Focal lengths that differ by more than this share are of different kinds of cameras."""

ROUNDING = 1e-6
"""Of a number that was scaled."""


def pose(row: dict) -> np.ndarray:
    """4 x 4 matrix of a table row's rotation (w x y z) and translation."""
    w, x, y, z = np.array(row["rotation"]) / np.linalg.norm(row["rotation"])
    m = np.eye(4)
    m[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    m[:3, 3] = row["translation"]
    return m


def degrees_between(a: np.ndarray, b: np.ndarray) -> float:
    """The angle of the rotation between two poses."""
    cos = (np.trace(a[:3, :3].T @ b[:3, :3]) - 1) / 2
    return math.degrees(math.acos(np.clip(cos, -1, 1)))


def ego_from_model(frame: dict, lidar: dict | None) -> np.ndarray:
    """Where the model's frame is on a vehicle with that row for its lidar, or none: the
    lidar's if training had the frames of lidars that are mounted so."""
    own = pose(frame)
    limit = frame.get("own_lidar")
    if lidar is None or limit is None:
        return own
    mount = pose(lidar)
    near = np.linalg.norm(mount[:3, 3] - own[:3, 3]) <= limit["metres"]
    return mount if near and degrees_between(own, mount) <= limit["degrees"] else own


def frame_of(mounts: Iterable[dict]) -> dict:
    """The frame of training on vehicles whose lidars are mounted so: the one mount, or
    the middle one and how far the others are from it."""
    rows = {(tuple(m["translation"]), tuple(m["rotation"])) for m in mounts}
    rows = [{"translation": list(t), "rotation": list(q)} for t, q in sorted(rows)]
    if len(rows) == 1:
        return rows[0]
    poses = [pose(r) for r in rows]
    middle = np.mean([p[:3, 3] for p in poses], 0)
    nearest = min(range(len(rows)), key=lambda i: np.linalg.norm(poses[i][:3, 3] - middle))
    apart = max(np.linalg.norm(p[:3, 3] - poses[nearest][:3, 3]) for p in poses)
    turned = max(degrees_between(p, poses[nearest]) for p in poses)
    return {**rows[nearest], "own_lidar": {
        "metres": math.ceil(100 * apart) / 100, "degrees": math.ceil(10 * turned) / 10,
    }}


def horizon(k: np.ndarray, base_from_camera: np.ndarray) -> float:
    """The row of the horizon straight ahead of a camera, NaN if it looks up or down."""
    ahead = base_from_camera[:3, 2]
    if abs(ahead[2]) > math.sin(math.radians(60)):
        return math.nan
    at = k @ base_from_camera[:3, :3].T @ [ahead[0], ahead[1], 0]
    return at[1] / at[2]


def camera_numbers(k: np.ndarray, model_from_camera: np.ndarray, row: float) -> list[float]:
    """In the order of CAMERA_NUMBERS; row is the horizon's."""
    k = [k[0, 0], k[0, 1], k[0, 2], k[1, 1], k[1, 2]]
    return [*k, *model_from_camera[:3, :3].ravel(), *model_from_camera[:3, 3], row]


def seen_of(numbers: np.ndarray) -> dict:
    """The spans of camera numbers, ... x 18, rounded outwards to six digits."""
    columns = zip(CAMERA_NUMBERS, numbers.reshape(-1, len(CAMERA_NUMBERS)).T, strict=True)
    return {name: spans(column, name in ("fx", "fy")) for name, column in columns}


def spans(values: np.ndarray, kinds: bool) -> list[list[float]]:
    values = np.unique(values[np.isfinite(values)])
    cuts = np.flatnonzero(np.diff(values) > APART * values[:-1]) + 1 if kinds else []
    return [[outwards(part[0], -1), outwards(part[-1], 1)] for part in np.split(values, cuts)]


def outwards(x: float, side: int) -> float:
    """x to six digits, not towards the other values."""
    if x == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(x))) - 5)
    whole = math.ceil(x / unit) if side > 0 else math.floor(x / unit)
    return float(f"{whole * unit:.6g}")


def place(size: tuple[int, int], k: np.ndarray, base_from_camera: np.ndarray, seen: dict
          ) -> tuple[float, float, float]:
    """Scale, left and top of an image on the canvas of SOURCE pixels: filling its width,
    or its height, or pixel for pixel, whichever first has a focal length of training, or
    else resized to the nearest one; in the middle or at a side, on the lower or the upper
    edge; moved to where training had the principal point's column and the horizon."""
    natural, focal = SOURCE[0] / size[0], k[0, 0]
    fits = [s for s in (natural, SOURCE[1] / size[1], 1.0) if shift(seen.get("fx"), s * focal) == 0]
    scale = fits[0] if fits else nearest(seen["fx"], natural * focal) / focal
    wide, high = SOURCE[0] - scale * size[0], SOURCE[1] - scale * size[1]
    if scale == natural:
        wide, high = 0.0, SOURCE[1] - size[1] * SOURCE[0] / size[0]
    column, center = scale * k[0, 2], scale * k[1, 2]
    row = scale * horizon(k, base_from_camera)
    left = first(seen.get("cx"), column, wide / 2, 0.0, wide)
    left += shift(seen.get("cx"), column + left)
    if math.isfinite(row):
        top = first(seen.get("horizon"), row, high, 0.0)
    else:
        top = first(seen.get("cy"), center, high, 0.0)
    return scale, left, top + rows(center + top, row + top, seen)


def first(seen: list | None, x: float, *offsets: float) -> float:
    """The first offset that takes x to a number seen, or the first of all."""
    return next((by for by in offsets if shift(seen, x + by) == 0), offsets[0])


def rows(center: float, horizon_row: float, seen: dict) -> float:
    """By how much an image moves for its horizon and its principal point's row."""
    if not math.isfinite(horizon_row):
        return shift(seen.get("cy"), center)
    least = shift(seen.get("horizon"), horizon_row)
    both = least + shift(seen.get("cy"), center + least)
    return least if shift(seen.get("horizon"), horizon_row + both) else both


def shift(seen: list | None, x: float) -> float:
    """By how much x must move to be a number that was seen, up to rounding."""
    by = nearest(seen, x) - x
    return by if abs(by) > ROUNDING * max(1.0, abs(x)) else 0.0


def nearest(seen: list | None, x: float) -> float:
    """The number in the spans that is nearest to x; x if nothing is known."""
    return min((max(a, min(x, b)) for a, b in seen), key=lambda at: abs(at - x)) if seen else x


def on_canvas(k: np.ndarray, placing: tuple[float, float, float]) -> np.ndarray:
    """The equivalent camera's intrinsics."""
    scale, left, top = placing
    return np.array([[scale, 0, left], [0, scale, top], [0, 0, 1]]) @ k
