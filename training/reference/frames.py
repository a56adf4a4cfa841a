"""Key frames of a nuScenes-format folder, prepared as the model takes them
(model spec, sections 1 and 2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from solofusion.config import Config
from solofusion.dataset import Tables, augmentation, pose
from torch import Tensor


@dataclass
class KeyFrame:
    """The cameras whose image is there, in the model's order. Matrices are float64."""

    scene: str
    index: int  # in its scene
    images: Tensor  # N H W 3 uint8, RGB
    intrinsics: Tensor  # N 3 3
    augment: Tensor  # N 3 3: source pixels to network pixels
    global_from_camera: Tensor  # N 4 4, at the image's time
    global_from_lidar: Tensor  # 4 4, at the key frame's time

    @property
    def lidar_from_camera(self) -> Tensor:
        return torch.linalg.inv(self.global_from_lidar) @ self.global_from_camera

    @property
    def camera_numbers(self) -> Tensor:
        """N 33: intrinsics, A's scale, A's shift, camera to lidar."""
        scale, shift = self.augment.clone(), torch.zeros(len(self.augment), 3).double()
        scale[:, :2, 2] = 0
        shift[:, :2] = self.augment[:, :2, 2]
        rig = self.lidar_from_camera
        parts = [self.intrinsics, scale, shift, rig[:, :3, :3], rig[:, :3, 3]]
        return torch.cat([p.flatten(1) for p in parts], 1).float()


def network_image(cfg: Config, path: Path) -> tuple[np.ndarray, list]:
    """The image after Pillow's resize and crop, and the rows of A."""
    image = Image.open(path).convert("RGB")
    scale, size, left, top = augmentation(cfg, *image.size)
    window = (left, top, left + cfg.image["width"], top + cfg.image["height"])
    pixels = np.asarray(image.resize(size).crop(window))
    return pixels, [[scale, 0, -left], [0, scale, -top], [0, 0, 1]]


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
    pixels, augment = zip(
        *(network_image(cfg, tables.root / r["filename"]) for r in rows), strict=True
    )
    calibrations = [tables.calibrated_sensor[r["calibrated_sensor_token"]] for r in rows]
    poses = [
        pose(tables.ego_pose[r["ego_pose_token"]]) @ pose(c)
        for r, c in zip(rows, calibrations, strict=True)
    ]
    key = data["LIDAR_TOP"]
    lidar = pose(tables.ego_pose[key["ego_pose_token"]])
    lidar = lidar @ pose(tables.calibrated_sensor[key["calibrated_sensor_token"]])
    return KeyFrame(
        scene, index, torch.from_numpy(np.array(pixels)),
        torch.tensor([c["camera_intrinsic"] for c in calibrations], dtype=torch.float64),
        torch.tensor(augment, dtype=torch.float64),
        torch.from_numpy(np.array(poses)), torch.from_numpy(lidar),
    )


def tables_camera(tables: Tables, row: dict) -> bool:
    calibration = tables.calibrated_sensor[row["calibrated_sensor_token"]]
    return tables.sensor[calibration["sensor_token"]]["modality"] == "camera"
