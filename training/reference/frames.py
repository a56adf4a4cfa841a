"""Key frames of a nuScenes-format folder, prepared as the model takes them
(model spec, sections 1 and 2; for images and mounts that are none of training's,
docs/model.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from solofusion.config import Config
from solofusion.dataset import Tables, augmentation
from solofusion.rig import (
    REFERENCE_FRAME,
    REFERENCE_SEEN,
    SOURCE,
    ego_from_model,
    on_canvas,
    place,
    pose,
)
from torch import Tensor


@dataclass
class KeyFrame:
    """The cameras whose image is there, in the model's order. Matrices are float64."""

    scene: str
    index: int  # in its scene
    images: Tensor  # N H W 3 uint8, RGB
    intrinsics: Tensor  # N 3 3, in canvas pixels
    augment: Tensor  # N 3 3: canvas pixels to network pixels
    global_from_camera: Tensor  # N 4 4, at the image's time
    global_from_lidar: Tensor  # 4 4, the model's frame at the key frame's time

    @property
    def lidar_from_camera(self) -> Tensor:
        return torch.linalg.inv(self.global_from_lidar) @ self.global_from_camera

    @property
    def camera_numbers(self) -> Tensor:
        """N 33: intrinsics, A's scale, A's shift, camera to the model's frame."""
        scale, shift = self.augment.clone(), torch.zeros(len(self.augment), 3).double()
        scale[:, :2, 2] = 0
        shift[:, :2] = self.augment[:, :2, 2]
        rig = self.lidar_from_camera
        parts = [self.intrinsics, scale, shift, rig[:, :3, :3], rig[:, :3, 3]]
        return torch.cat([p.flatten(1) for p in parts], 1).float()


def network_image(cfg: Config, path: Path, calibration: dict
                  ) -> tuple[np.ndarray, np.ndarray, list]:
    """The image on the canvas, resized and cropped; the intrinsics; the rows of A."""
    image = Image.open(path).convert("RGB")
    k = np.array(calibration["camera_intrinsic"])
    placing = place(image.size, k, pose(calibration), REFERENCE_SEEN)
    scale, size, left, top = augmentation(cfg)
    net = cfg.image["width"], cfg.image["height"]
    if placing == (1.0, 0.0, 0.0):
        window = (left, top, left + net[0], top + net[1])
        pixels = np.asarray(image.resize(size).crop(window))
    else:
        pixels = resampled(np.asarray(image), placing, size, (left, top), net)
    return pixels, on_canvas(k, placing), [[scale, 0, -left], [0, scale, -top], [0, 0, 1]]


def resampled(image: np.ndarray, placing: tuple, size: tuple, corner: tuple, net: tuple
              ) -> np.ndarray:
    """What the network sees of an image on the canvas, which is resized to that size."""
    scale, left, top = placing
    steps = [SOURCE[i] / size[i] / scale for i in (0, 1)]
    starts = [-left / scale, -top / scale]
    columns, rows = (
        taps(starts[i], steps[i], image.shape[1 - i], corner[i], net[i]) for i in (0, 1)
    )
    half, shift = 1 << 21, 22
    across = np.einsum("cx,yxk->yck", columns, image.astype(np.int64))
    across = np.clip(across + half >> shift, 0, 255)
    both = np.einsum("ry,yck->rck", rows, across)
    return np.clip(both + half >> shift, 0, 255).astype(np.uint8)


def taps(start: float, step: float, length: int, first: int, n: int) -> np.ndarray:
    """n x length: Pillow's bicubic coefficients in its fixed point, of output pixels that
    cover start + [i, i + 1] step of the input from i = first on; zero if an output's
    middle is outside."""
    widen = max(step, 1.0)
    weights = np.zeros((n, length), np.int64)
    for row, i in zip(weights, range(first, first + n), strict=True):
        center = start + (i + 0.5) * step
        if not 0 <= center < length:
            continue
        low = max(int(center - 2 * widen + 0.5), 0)
        high = min(int(center + 2 * widen + 0.5), length)
        w = bicubic((np.arange(low, high) - center + 0.5) / widen)
        w /= w.sum()
        row[low:high] = np.trunc(w * (1 << 22) + np.copysign(0.5, w))
    return weights


def bicubic(x: np.ndarray) -> np.ndarray:
    """Keys' cubic convolution with a = -0.5."""
    x = abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * -0.5
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def read_frames(cfg: Config, root: Path, version: str) -> Iterator[KeyFrame]:
    """All key frames that have an image, scene by scene."""
    tables = Tables(root, version)
    for scene in tables.scene.values():
        for index, sample in enumerate(tables.samples(scene)):
            frame = read_frame(cfg, tables, scene["name"], index, sample["token"])
            if frame is not None:
                yield frame


def read_frame(cfg: Config, tables: Tables, scene: str, index: int, sample: str
               ) -> KeyFrame | None:
    data = tables.data_of[sample]
    cameras = [n for n, row in data.items() if tables_camera(tables, row)]
    known = [n for n in cfg.cameras if n in cameras]
    rows = [data[n] for n in [*known, *(n for n in cameras if n not in known)]]
    rows = [r for r in rows if (tables.root / r["filename"]).exists()]
    if not rows:
        return None
    calibrations = [tables.calibrated_sensor[r["calibrated_sensor_token"]] for r in rows]
    pixels, intrinsics, augment = zip(*(
        network_image(cfg, tables.root / r["filename"], c)
        for r, c in zip(rows, calibrations, strict=True)
    ), strict=True)
    poses = [
        pose(tables.ego_pose[r["ego_pose_token"]]) @ pose(c)
        for r, c in zip(rows, calibrations, strict=True)
    ]
    key = data["LIDAR_TOP"]
    ego = pose(tables.ego_pose[key["ego_pose_token"]])
    mount = tables.calibrated_sensor[key["calibrated_sensor_token"]]
    return KeyFrame(
        scene, index, torch.from_numpy(np.array(pixels)),
        torch.tensor(np.array(intrinsics), dtype=torch.float64),
        torch.tensor(augment, dtype=torch.float64),
        torch.from_numpy(np.array(poses)),
        torch.from_numpy(ego @ ego_from_model(REFERENCE_FRAME, mount)),
    )


def tables_camera(tables: Tables, row: dict) -> bool:
    calibration = tables.calibrated_sensor[row["calibrated_sensor_token"]]
    return tables.sensor[calibration["sensor_token"]]["modality"] == "camera"
