"""Where the depth of pixels comes from: images that were rendered, or a lidar's points."""

from pathlib import Path

import numpy as np
from PIL import Image

from .command import Refused
from .config import Config

RENDERED, LIDAR = "rendered", "from lidar"
UNITS = 256
"""Of a depth image, in a metre."""
RECORD = 5
"""float32 numbers of a point in .pcd.bin: x, y, z, intensity and ring."""
NEAREST = 1.0
"""Metres; nearer points are the vehicle's own."""


def rendered_file(root: Path, camera: str, row: dict) -> Path:
    return root / "depth" / camera / (Path(row["filename"]).stem + ".png")


def rendered(root: Path, camera: str, row: dict) -> np.ndarray:
    """H W in UNITS, 0 where nothing is seen."""
    return np.asarray(Image.open(rendered_file(root, camera, row)))


def lidar_points(path: Path) -> np.ndarray:
    """N 3 float64, in the lidar's frame."""
    data = path.read_bytes()
    if len(data) % (4 * RECORD) or not data:
        raise Refused(f"{path} has {len(data)} bytes, want records of {RECORD} float32 numbers")
    points = np.frombuffer(data, "<f4").reshape(-1, RECORD)[:, :3].astype(np.float64)
    return points[np.isfinite(points).all(1)]


def of_points(
    cfg: Config, points: np.ndarray, camera_from_lidar: np.ndarray, pixel_from_camera: np.ndarray
) -> list[np.ndarray]:
    """Depth images at network size, as rendered ones: of each pixel the nearest point
    that falls into it, 0 where none does. Points are N 3, the matrices C 4 4 and C 3 3."""
    height, width = cfg.image["height"], cfg.image["width"]
    images = []
    for rig, pixels in zip(camera_from_lidar, pixel_from_camera, strict=True):
        seen = points @ rig[:3, :3].T + rig[:3, 3]
        seen = seen[seen[:, 2] > NEAREST]
        uv = (seen / seen[:, 2:]) @ pixels.T
        u, v = np.floor(uv[:, :2] + 0.5).astype(np.int64).T
        inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
        image = np.full((height, width), np.inf)
        np.minimum.at(image, (v[inside], u[inside]), seen[inside, 2])
        units = np.where(np.isfinite(image), np.minimum(image * UNITS, np.iinfo(np.uint16).max), 0)
        images.append(units.astype(np.uint16))
    return images
