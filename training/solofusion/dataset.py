"""nuScenes-format folders, cached after preprocessing (``python -m solofusion.prepare``).

A cache is ``images.npy`` (F N H W 3, uint8 RGB at network size, memory mapped) and
``frames.pt``: a list of what else is known of each key frame. Images that are at
network size already are taken as they are: `synth --window` renders a window of what a
camera of 1600 x 900 pixels sees. Others are placed on a canvas of that size, resized and
cropped as the service's are, and their intrinsics are the canvas's.
"""

import json
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .config import CLASSES, Config
from .rig import SOURCE, camera_numbers, horizon, on_canvas, place, pose

CATEGORIES = {
    "vehicle.car": "car", "vehicle.truck": "truck", "vehicle.construction": "construction_vehicle",
    "vehicle.bus.rigid": "bus", "vehicle.bus.bendy": "bus", "vehicle.trailer": "trailer",
    "movable_object.barrier": "barrier", "vehicle.motorcycle": "motorcycle",
    "vehicle.bicycle": "bicycle", "human.pedestrian.adult": "pedestrian",
    "human.pedestrian.child": "pedestrian", "human.pedestrian.construction_worker": "pedestrian",
    "human.pedestrian.police_officer": "pedestrian", "movable_object.trafficcone": "traffic_cone",
}
NO_DEPTH = NO_OBJECT = 255
MARGIN = 0.1
"""Metres by which a box is larger when points are put into it."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass
class Frame:
    """One key frame without its images. Matrices are float64, cameras in the
    configuration's order."""

    scene: str
    token: str
    first: bool  # of its scene
    intrinsics: Tensor  # N 3 3
    augment: Tensor  # N 3 3
    global_from_camera: Tensor  # N 4 4, at the camera's capture time
    global_from_lidar: Tensor  # 4 4, at the key frame's time
    boxes: Tensor  # M x (x y z w l h yaw vx vy), lidar frame, yaw from x about z
    labels: Tensor  # M
    lidar: dict  # its row of calibrated_sensor
    # What is nearest under each coarse pixel; None where depth was not rendered.
    depth_bins: Tensor | None = None  # N h w uint8, NO_DEPTH where unknown
    points: Tensor | None = None  # N h w 3 float32, lidar frame
    objects: Tensor | None = None  # N h w uint8, index into boxes, NO_OBJECT where none

    @property
    def lidar_from_camera(self) -> Tensor:
        return torch.linalg.inv(self.global_from_lidar) @ self.global_from_camera

    @property
    def camera_numbers(self) -> Tensor:
        """The 33 numbers of model spec, section 2: N x 33 float32."""
        shift = torch.cat([self.augment[:, :2, 2], torch.zeros(len(self.augment), 1)], 1)
        scale = self.augment.clone()
        scale[:, :2, 2] = 0
        rig = self.lidar_from_camera
        parts = [self.intrinsics, scale, shift, rig[:, :3, :3], rig[:, :3, 3]]
        return torch.cat([p.reshape(len(p), -1) for p in parts], 1).float()

    @property
    def named_numbers(self) -> np.ndarray:
        """N x 18, those of the cameras in the order of rig.CAMERA_NUMBERS."""
        base = pose(self.lidar) @ self.lidar_from_camera.numpy()
        rows = zip(self.intrinsics.numpy(), self.lidar_from_camera.numpy(), base, strict=True)
        return np.array([camera_numbers(k, own, horizon(k, to_base)) for k, own, to_base in rows])


def augmentation(cfg: Config) -> tuple[float, tuple[int, int], int, int]:
    """Scale, resized size, left and top of the crop of the canvas (model spec, section 1)."""
    image, (width, height) = cfg.image, SOURCE
    scale = image["width"] / width + image["resize_extra"]
    w, h = int(width * scale), int(height * scale)
    left = int(max(0, w - image["width"]) / 2)
    top = int((1 - image["crop_h"]) * h) - image["height"]
    return scale, (w, h), left, top


def behind_window(intrinsics: np.ndarray, scale: float, left: int, top: int) -> np.ndarray:
    """The intrinsics of the whole image, from those of a window that shows it scaled and cropped."""
    k = intrinsics.copy()
    k[:2, :2] /= scale
    k[:2, 2] = (k[:2, 2] + 0.5 + (left, top)) / scale - 0.5
    return k


def network_image(cfg: Config, path: Path, row: dict) -> np.ndarray:
    """H W 3 uint8 at network size, of a row of sample_data."""
    size = cfg.image["width"], cfg.image["height"]
    image = Image.open(path).convert("RGB")
    if image.size != (row["width"], row["height"]):
        raise ValueError(
            f"{path}: image of {image.width} x {image.height}, "
            f"its table says {row['width']} x {row['height']}"
        )
    if image.size == size:
        return np.asarray(image)
    _, resized, left, top = augmentation(cfg)
    if image.size != SOURCE:
        resized = resized[0], round(image.height * resized[0] / image.width)
        top += resized[1] - augmentation(cfg)[1][1]
    image = image.resize(resized).crop((left, top, left + size[0], top + size[1]))
    return np.asarray(image)


class Tables:
    """The v1.0 tables that training needs, by token."""

    def __init__(self, root: Path, version: str):
        self.root = root
        names = ["scene", "sample", "sample_data", "ego_pose", "calibrated_sensor", "sensor",
                 "sample_annotation", "instance", "category"]
        for name in names:
            rows = json.loads((root / version / f"{name}.json").read_text())
            setattr(self, name, {r["token"]: r for r in rows})
        self.data_of = defaultdict(dict)
        for row in self.sample_data.values():
            sensor = self.sensor[self.calibrated_sensor[row["calibrated_sensor_token"]]["sensor_token"]]
            if row["is_key_frame"]:
                self.data_of[row["sample_token"]][sensor["channel"]] = row
        self.boxes_of = defaultdict(list)
        for row in self.sample_annotation.values():
            self.boxes_of[row["sample_token"]].append(row)

    def samples(self, scene: dict):
        token = scene["first_sample_token"]
        while token:
            yield self.sample[token]
            token = self.sample[token]["next"]

    def class_of(self, annotation: dict) -> int:
        instance = self.instance[annotation["instance_token"]]
        name = CATEGORIES.get(self.category[instance["category_token"]]["name"])
        return -1 if name is None else CLASSES.index(name)

    def velocity(self, row: dict) -> np.ndarray:
        """Global metres a second from neighbouring annotations, NaN where unknown."""
        rows = [self.sample_annotation.get(row["prev"], row), self.sample_annotation.get(row["next"], row)]
        times = [self.sample[r["sample_token"]]["timestamp"] * 1e-6 for r in rows]
        limit = 1.5 * (2 if rows[0] is not row and rows[1] is not row else 1)
        if times[0] == times[1] or times[1] - times[0] > limit:
            return np.full(3, np.nan)
        ends = [np.array(r["translation"]) for r in rows]
        return (ends[1] - ends[0]) / (times[1] - times[0])


def read_frame(cfg: Config, tables: Tables, scene: dict, sample: dict) -> Frame:
    data = tables.data_of[sample["token"]]
    calibration = tables.calibrated_sensor
    intrinsics, augment, cameras = [], [], []
    for name in cfg.cameras:
        row = data[name]
        sensor = calibration[row["calibrated_sensor_token"]]
        k = np.array(sensor["camera_intrinsic"])
        scale, _, left, top = augmentation(cfg)
        size = row["width"], row["height"]
        if size == (cfg.image["width"], cfg.image["height"]):
            k = behind_window(k, scale, left, top)
        else:
            k = on_canvas(k, place(size, k, np.eye(4), {}))
        intrinsics.append(k)
        augment.append([[scale, 0, -left], [0, scale, -top], [0, 0, 1]])
        cameras.append(pose(tables.ego_pose[row["ego_pose_token"]]) @ pose(sensor))
    key = data["LIDAR_TOP"]
    lidar = pose(tables.ego_pose[key["ego_pose_token"]])
    lidar = lidar @ pose(calibration[key["calibrated_sensor_token"]])
    boxes, labels = read_boxes(tables, sample["token"], np.linalg.inv(lidar))
    frame = Frame(
        scene["name"], sample["token"], not sample["prev"],
        torch.tensor(np.array(intrinsics)), torch.tensor(augment, dtype=torch.float64),
        torch.tensor(np.array(cameras)), torch.tensor(lidar), boxes, labels,
        {n: calibration[key["calibrated_sensor_token"]][n] for n in ("translation", "rotation")},
    )
    files = [depth_file(tables.root, c, data[c]["filename"]) for c in cfg.cameras]
    if all(f.exists() for f in files):
        add_pixels(cfg, frame, [np.asarray(Image.open(f)) for f in files])
    return frame


def depth_file(root: Path, camera: str, image: str) -> Path:
    return root / "depth" / camera / (Path(image).stem + ".png")


def add_pixels(cfg: Config, frame: Frame, depths: list[np.ndarray]) -> None:
    """Fills in what is nearest under each coarse pixel from depth images in 1/256 m."""
    h, w = cfg.coarse_size
    stride = cfg.stride
    metres = np.array(depths).astype(np.float32) / 256
    metres[metres == 0] = np.inf
    blocks = metres.reshape(-1, h, stride, w, stride).transpose(0, 1, 3, 2, 4).reshape(-1, h, w, stride**2)
    best = blocks.argmin(-1)
    nearest = np.take_along_axis(blocks, best[..., None], -1)[..., 0]
    v = np.arange(h)[:, None] * stride + best // stride
    u = np.arange(w) * stride + best % stride
    depth = torch.from_numpy(np.where(np.isfinite(nearest), nearest, 0)).double()
    uv = torch.stack([torch.from_numpy(u).double(), torch.from_numpy(v).double(), torch.ones_like(depth)], -1)
    back = torch.linalg.inv(frame.intrinsics) @ torch.linalg.inv(frame.augment)
    points = torch.einsum("nij,nhwj->nhwi", back, uv) * depth[..., None]
    rig = frame.lidar_from_camera
    points = torch.einsum("nij,nhwj->nhwi", rig[:, :3, :3], points) + rig[:, None, None, :3, 3]
    frame.points = points.float()
    bins = ((depth - cfg.depth["start"]) / cfg.depth["step"]).floor()
    known = (bins >= 0) & (bins < cfg.depth["bins"])
    frame.depth_bins = torch.where(known, bins, NO_DEPTH).to(torch.uint8)
    frame.objects = objects_at(frame.boxes, frame.points)
    frame.objects[depth == 0] = NO_OBJECT


def objects_at(boxes: Tensor, points: Tensor) -> Tensor:
    """The box that each point is in: points ... 3, to uint8 with NO_OBJECT where none."""
    gap = points[..., None, :] - boxes[:, :3]
    cos, sin = boxes[:, 6].cos(), boxes[:, 6].sin()
    along = (gap[..., 0] * cos + gap[..., 1] * sin).abs() - boxes[:, 4] / 2
    across = (gap[..., 1] * cos - gap[..., 0] * sin).abs() - boxes[:, 3] / 2
    up = gap[..., 2].abs() - boxes[:, 5] / 2
    outside = torch.stack([along, across, up]).amax(0)
    if not len(boxes):
        return torch.full(points.shape[:-1], NO_OBJECT, dtype=torch.uint8)
    least = outside.min(-1)
    return torch.where(least.values < MARGIN, least.indices, NO_OBJECT).to(torch.uint8)


def read_boxes(tables: Tables, sample: str, lidar_from_global: np.ndarray) -> tuple[Tensor, Tensor]:
    rows, labels = [], []
    for row in tables.boxes_of[sample]:
        label = tables.class_of(row)
        if label < 0 or row["num_lidar_pts"] + row["num_radar_pts"] == 0:
            continue
        box = lidar_from_global @ pose(row)
        velocity = lidar_from_global[:3, :3] @ tables.velocity(row)
        rows.append([*box[:3, 3], *row["size"], np.arctan2(box[1, 0], box[0, 0]), *velocity[:2]])
        labels.append(label)
    return torch.tensor(rows, dtype=torch.float32).view(-1, 9), torch.tensor(labels, dtype=torch.long)


def cache_scene(job: tuple) -> tuple[list[Frame], np.ndarray]:
    cfg, tables, scene = job
    frames, images = [], []
    for sample in tables.samples(scene):
        frames.append(read_frame(cfg, tables, scene, sample))
        data = tables.data_of[sample["token"]]
        images.append([
            network_image(cfg, tables.root / data[c]["filename"], data[c]) for c in cfg.cameras
        ])
    return frames, np.array(images)


class _Worker:
    """The tables of a worker process, read once."""

    def __init__(self, cfg: Config, root: Path, version: str):
        self.cfg, self.tables = cfg, Tables(root, version)


def _start(cfg: Config, root: Path, version: str) -> None:
    global _worker
    torch.multiprocessing.set_sharing_strategy("file_system")
    _worker = _Worker(cfg, root, version)


def _cache(scene: str) -> tuple[list[Frame], np.ndarray]:
    torch.set_num_threads(1)
    return cache_scene((_worker.cfg, _worker.tables, _worker.tables.scene[scene]))


def build_cache(cfg: Config, root: Path, version: str, out: Path) -> None:
    """Writes the cache of all scenes of a data set."""
    tables = Tables(root, version)
    total = sum(s["nbr_samples"] for s in tables.scene.values())
    out.mkdir(parents=True, exist_ok=True)
    shape = (total, len(cfg.cameras), cfg.image["height"], cfg.image["width"], 3)
    images = np.lib.format.open_memmap(out / "images.npy", "w+", np.uint8, shape)
    frames = []
    with ProcessPoolExecutor(initializer=_start, initargs=(cfg, root, version)) as pool:
        for part, pixels in pool.map(_cache, list(tables.scene)):
            images[len(frames):len(frames) + len(part)] = pixels
            frames += part
    images.flush()
    torch.save(frames, out / "frames.pt")


class Dataset:
    """A cache, opened."""

    def __init__(self, cache: Path, drives: int | None = None):
        """Of the first so many drives, or of all."""
        self.frames: list[Frame] = torch.load(cache / "frames.pt", weights_only=False)
        starts = [i for i, f in enumerate(self.frames) if f.first]
        if drives is not None and drives < len(starts):
            self.frames = self.frames[: starts[drives]]
            starts = starts[:drives]
        self.images = np.load(cache / "images.npy", mmap_mode="r")
        self.starts = starts
        self.start_of = np.repeat(starts, np.diff([*starts, len(self.frames)]))

    def __len__(self) -> int:
        return len(self.frames)

    def input(self, i: int) -> Tensor:
        """N 3 H W, normalised."""
        x = torch.from_numpy(np.array(self.images[i])).permute(0, 3, 1, 2).float() / 255
        return (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
