"""nuScenes-format folders, cached after preprocessing (``python -m solofusion.prepare``).

A cache is ``images.npy`` (F N H W 3, uint8 RGB at network size, memory mapped) and
``frames.pt``: what else is known of each key frame, and what the cache was made of.
Images that are at network size already are taken as they are: `synth --window` renders
a window of what a camera of 1600 x 900 pixels sees. Others are placed on a canvas of
that size, resized and cropped as the service's are, and their intrinsics are the
canvas's. Depth is rendered (``synth --depth``), or the lidar's of the key frame where
nothing was rendered.
"""

import json
import pickle
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from . import depth
from .command import Refused
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
NO_DEPTH = NO_OBJECT = -1
UNKNOWN = -2
"""The object of a pixel of which nothing is known, as between the points of a lidar."""
FORMAT = 2
"""Of a cache; others are refused."""
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
    # What is nearest under each coarse pixel; set by add_pixels.
    depth_bins: Tensor | None = None  # N h w int16, NO_DEPTH where unknown
    points: Tensor | None = None  # N h w 3 float32, lidar frame
    objects: Tensor | None = None  # N h w int16, index into boxes, NO_OBJECT where none

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
    try:
        image = Image.open(path).convert("RGB")
    except (OSError, SyntaxError, ValueError) as e:
        raise Refused(f"{path} cannot be read as a picture: {e}") from None
    if image.size != (row["width"], row["height"]):
        raise Refused(
            f"{path} is an image of {image.width} x {image.height} pixels, "
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


def version_in(root: Path) -> str:
    """The only folder of tables in a data set's folder."""
    found = sorted(p.parent.name for p in root.glob("*/sample.json"))
    if len(found) != 1:
        what = f"tables of {', '.join(found)}: --dataset-version chooses" if found else (
            "no folder with sample.json, want the data set's folder, which has one such as v1.0-trainval")
        raise Refused(f"{root} holds {what}")
    return found[0]


def read_table(path: Path) -> list[dict]:
    if not path.exists():
        raise Refused(f"{path} does not exist: training needs this table")
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as e:
        raise Refused(f"{path} is not JSON: {e}") from None
    if not isinstance(rows, list) or not all(isinstance(r, dict) and "token" in r for r in rows):
        raise Refused(f"{path} is no table, want a list of rows with tokens")
    return rows


class Tables:
    """The v1.0 tables that training needs, by token."""

    def __init__(self, root: Path, version: str):
        self.root = root
        names = ["scene", "sample", "sample_data", "ego_pose", "calibrated_sensor", "sensor",
                 "sample_annotation", "instance", "category"]
        for name in names:
            setattr(self, name, {r["token"]: r for r in read_table(root / version / f"{name}.json")})
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


def read_frame(cfg: Config, tables: Tables, scene: dict, sample: dict, source: str) -> Frame:
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
    if source == depth.RENDERED:
        add_pixels(cfg, frame, [depth.rendered(tables.root, c, data[c]) for c in cfg.cameras])
    else:
        points = depth.lidar_points(tables.root / key["filename"])
        camera_from_lidar = np.linalg.inv(frame.lidar_from_camera.numpy())
        pixel_from_camera = (frame.augment @ frame.intrinsics).numpy()
        images = depth.of_points(cfg, points, camera_from_lidar, pixel_from_camera)
        add_pixels(cfg, frame, images, UNKNOWN)
    return frame


def add_pixels(cfg: Config, frame: Frame, depths: list[np.ndarray], elsewhere: int = NO_OBJECT) -> None:
    """Fills in what is nearest under each coarse pixel from depth images in 1/256 m.
    Elsewhere is the object of pixels without depth: NO_OBJECT for a rendered sky."""
    h, w = cfg.coarse_size
    stride = cfg.stride
    metres = np.array(depths).astype(np.float32) / 256
    metres[metres == 0] = np.inf
    blocks = metres.reshape(-1, h, stride, w, stride).transpose(0, 1, 3, 2, 4).reshape(-1, h, w, stride**2)
    best = blocks.argmin(-1)
    nearest = np.take_along_axis(blocks, best[..., None], -1)[..., 0]
    v = np.arange(h)[:, None] * stride + best // stride
    u = np.arange(w) * stride + best % stride
    away = torch.from_numpy(np.where(np.isfinite(nearest), nearest, 0)).double()
    uv = torch.stack([torch.from_numpy(u).double(), torch.from_numpy(v).double(), torch.ones_like(away)], -1)
    back = torch.linalg.inv(frame.intrinsics) @ torch.linalg.inv(frame.augment)
    points = torch.einsum("nij,nhwj->nhwi", back, uv) * away[..., None]
    rig = frame.lidar_from_camera
    points = torch.einsum("nij,nhwj->nhwi", rig[:, :3, :3], points) + rig[:, None, None, :3, 3]
    frame.points = points.float()
    bins = ((away - cfg.depth["start"]) / cfg.depth["step"]).floor()
    known = (bins >= 0) & (bins < cfg.depth["bins"])
    frame.depth_bins = torch.where(known, bins, NO_DEPTH).to(torch.int16)
    frame.objects = objects_at(frame.boxes, frame.points)
    frame.objects[away == 0] = elsewhere


def objects_at(boxes: Tensor, points: Tensor) -> Tensor:
    """The box that each point is in: points ... 3, to int16 with NO_OBJECT where none."""
    gap = points[..., None, :] - boxes[:, :3]
    cos, sin = boxes[:, 6].cos(), boxes[:, 6].sin()
    along = (gap[..., 0] * cos + gap[..., 1] * sin).abs() - boxes[:, 4] / 2
    across = (gap[..., 1] * cos - gap[..., 0] * sin).abs() - boxes[:, 3] / 2
    up = gap[..., 2].abs() - boxes[:, 5] / 2
    outside = torch.stack([along, across, up]).amax(0)
    if not len(boxes):
        return torch.full(points.shape[:-1], NO_OBJECT, dtype=torch.int16)
    least = outside.min(-1)
    return torch.where(least.values < MARGIN, least.indices, NO_OBJECT).to(torch.int16)


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


def cache_scene(cfg: Config, tables: Tables, scene: dict, source: str) -> tuple[list[Frame], np.ndarray]:
    frames, images = [], []
    for sample in tables.samples(scene):
        frames.append(read_frame(cfg, tables, scene, sample, source))
        data = tables.data_of[sample["token"]]
        images.append([
            network_image(cfg, tables.root / data[c]["filename"], data[c]) for c in cfg.cameras
        ])
    return frames, np.array(images)


class _Worker:
    """The tables of a worker process, read once."""

    def __init__(self, cfg: Config, root: Path, version: str, source: str):
        self.cfg, self.tables, self.source = cfg, Tables(root, version), source


def _start(cfg: Config, root: Path, version: str, source: str) -> None:
    global _worker
    torch.multiprocessing.set_sharing_strategy("file_system")
    _worker = _Worker(cfg, root, version, source)


def _cache(token: str) -> tuple[list[Frame], np.ndarray]:
    torch.set_num_threads(1)
    scene = _worker.tables.scene[token]
    try:
        return cache_scene(_worker.cfg, _worker.tables, scene, _worker.source)
    except KeyError as e:
        raise Refused(f"scene {scene['name']}: the tables have no {e}") from None


def files_of(cfg: Config, tables: Tables, scene: dict, source: str | None) -> Iterator[Path]:
    """The files of a scene that a cache is made of; without a source of depth, its images."""
    for sample in tables.samples(scene):
        data = tables.data_of[sample["token"]]
        for camera in cfg.cameras:
            if camera not in data:
                raise Refused(f"scene {scene['name']}, sample {sample['token']}: no key frame of {camera}")
            yield tables.root / data[camera]["filename"]
            if source == depth.RENDERED:
                yield depth.rendered_file(tables.root, camera, data[camera])
        if "LIDAR_TOP" not in data:
            raise Refused(f"scene {scene['name']}, sample {sample['token']}: no key frame of LIDAR_TOP, "
                          "in whose frame boxes are learnt")
        if source == depth.LIDAR:
            yield tables.root / data["LIDAR_TOP"]["filename"]


def complete(cfg: Config, tables: Tables, scenes: list[dict], say: Callable[[str], None]
             ) -> tuple[str, list[dict]]:
    """The source of depth, and the scenes whose files are all there. Says which are not;
    raises Refused if none is complete."""
    def first_gaps(source: str | None) -> list[Path | None]:
        files = [files_of(cfg, tables, s, source) for s in scenes]
        return [next((f for f in of_scene if not f.is_file()), None) for of_scene in files]

    absent = {}
    for source in (depth.RENDERED, depth.LIDAR):
        gaps = first_gaps(source)
        there = [s for s, gap in zip(scenes, gaps, strict=True) if gap is None]
        absent[source] = next((g for g in gaps if g), None)
        if there and absent[source]:
            say(f"{len(scenes) - len(there)} of {len(scenes)} scenes are left out, files are missing: "
                f"{absent[source]}")
        if there:
            return source, there
    if all(images := first_gaps(None)):
        raise Refused(f"no scene has all its images: {images[0]} does not exist")
    raise Refused(
        "training learns from depth, and no scene has it: neither rendered "
        f"({absent[depth.RENDERED]}; synth --depth makes it) nor from lidar ({absent[depth.LIDAR]})"
    )


def build_cache(cfg: Config, root: Path, version: str, out: Path, wanted: set[str] | None = None,
                say: Callable[[str], None] = print) -> None:
    """Writes the cache of all scenes of a data set, or of those with the wanted names."""
    tables = Tables(root, version)
    scenes = [s for s in tables.scene.values() if wanted is None or s["name"] in wanted]
    scenes = [s for s in scenes if s["first_sample_token"]]
    if not scenes:
        raise Refused(f"{root}: {version} has no scene{' of those wanted' if wanted else ''}")
    source, scenes = complete(cfg, tables, scenes, say)
    total = sum(1 for s in scenes for _ in tables.samples(s))
    out.mkdir(parents=True, exist_ok=True)
    shape = (total, len(cfg.cameras), cfg.image["height"], cfg.image["width"], 3)
    images = np.lib.format.open_memmap(out / "images.npy", "w+", np.uint8, shape)
    frames = []
    with ProcessPoolExecutor(initializer=_start, initargs=(cfg, root, version, source)) as pool:
        for part, pixels in pool.map(_cache, [s["token"] for s in scenes]):
            images[len(frames):len(frames) + len(part)] = pixels
            frames += part
    images.flush()
    data = f"{root.resolve().name} {version}: {len(scenes)} scenes, {total} key frames, depth {source}"
    content = {"format": FORMAT, "data": data, "numbers": numbers(cfg), "frames": frames,
               "interval": interval(tables, scenes)}
    torch.save(content, out / "frames.pt")
    say(f"cache: {data}")


def interval(tables: Tables, scenes: list[dict]) -> float | None:
    """Seconds between the key frames, the median; None if no scene has two."""
    times = [[s["timestamp"] * 1e-6 for s in tables.samples(scene)] for scene in scenes]
    gaps = np.concatenate([np.diff(t) for t in times])
    return float(np.median(gaps)) if len(gaps) else None


def numbers(cfg: Config) -> dict:
    """What of a configuration a cache depends on."""
    return {"cameras": list(cfg.cameras), "image": cfg.image, "depth": cfg.depth, "stride": cfg.stride}


class Dataset:
    """A cache, opened."""

    def __init__(self, cache: Path, drives: int | None = None):
        """Of the first so many drives, or of all."""
        self.cache, content = cache, read_cache(cache / "frames.pt")
        self.data, self.numbers = content["data"], content["numbers"]
        self.interval: float | None = content.get("interval")  # s; caches of before have none
        self.frames: list[Frame] = content["frames"]
        starts = [i for i, f in enumerate(self.frames) if f.first]
        if drives is not None and drives < len(starts):
            self.frames = self.frames[: starts[drives]]
            starts = starts[:drives]
            self.data += f", of which the first {drives} scenes"
        self.images = np.load(cache / "images.npy", mmap_mode="r")
        self.starts = starts
        self.start_of = np.repeat(starts, np.diff([*starts, len(self.frames)]))

    def __len__(self) -> int:
        return len(self.frames)

    def check(self, cfg: Config) -> "Dataset":
        """Itself, if it was prepared with the configuration's numbers, at its rate."""
        for key, value in numbers(cfg).items():
            if self.numbers[key] != value:
                raise Refused(f"{self.cache} was prepared with {key} {self.numbers[key]}, {cfg.name} has "
                              f"{value}: prepare it with --config {cfg.name}")
        period = cfg.history["period"]
        if self.interval is not None and not 3 / 4 <= self.interval / period <= 3 / 2:
            raise Refused(f"{self.cache} has key frames {self.interval:.2g} s apart, and {cfg.name}'s "
                          f"history.period is {period:g} s: want them the same")
        return self

    def input(self, i: int) -> Tensor:
        """N 3 H W, normalised."""
        x = torch.from_numpy(np.array(self.images[i])).permute(0, 3, 1, 2).float() / 255
        return (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def read_cache(path: Path) -> dict:
    if not path.exists():
        raise Refused(f"{path} does not exist: want a folder that solofusion.prepare made")
    try:
        content = torch.load(path, weights_only=False)
    except (RuntimeError, EOFError, AttributeError, pickle.UnpicklingError) as e:
        raise Refused(f"{path} is no cache: {e}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise Refused(f"{path} is a cache of another version of this program: prepare it again")
    return content
