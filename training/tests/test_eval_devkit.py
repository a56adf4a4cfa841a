"""Compares `solofusion eval` with nuscenes-devkit, number for number.

Both grade the same files: a real detector's results, and random small data sets
full of corners (ties of scores, distances on the border of a range or a
threshold, unknown velocities, bicycle racks, boxes without points, samples and classes
without boxes, sparse instances). Needs bin/solofusion (`make build`).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import math
import random
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from devkit import TOLERANCE, metric_differences
from nuscenes.eval.detection.config import config_factory
from nuscenes.eval.detection.constants import ATTRIBUTE_NAMES, DETECTION_NAMES
from nuscenes.eval.detection.evaluate import DetectionEval
from nuscenes.utils.data_classes import Box
from nuscenes.utils.splits import create_splits_scenes
from PIL import Image
from program import PROGRAM, ROOT
from pyquaternion import Quaternion
from shared import shared

from nuscenes import NuScenes

# Seeds that once failed stay, behind the first ones.
SEEDS = [*range(200), 1105]
BORDER_SEEDS = range(100)

CATEGORIES = [
    "vehicle.car",
    "vehicle.truck",
    "vehicle.bus.bendy",
    "vehicle.trailer",
    "vehicle.construction",
    "human.pedestrian.adult",
    "human.pedestrian.stroller",
    "vehicle.motorcycle",
    "vehicle.bicycle",
    "movable_object.trafficcone",
    "movable_object.barrier",
    "static_object.bicycle_rack",
]


def grade_with_devkit(dataset: Path, version: str, split: str, results: Path, out: Path) -> None:
    nusc = NuScenes(version=version, dataroot=str(dataset), verbose=False)
    config = config_factory("detection_cvpr_2019")
    DetectionEval(nusc, config, str(results), split, str(out), verbose=False).main(render_curves=False)


def grade_with_solofusion(dataset: Path, version: str, split: str, results: Path, out: Path) -> None:
    command = [PROGRAM, "eval", results, "--dataset", dataset, "--dataset-version", version]
    subprocess.run([*command, "--split", split, "--out", out], check=True, stdout=subprocess.DEVNULL)


def compare(dataset: Path, version: str, split: str, results: Path, out: Path) -> None:
    """Grades with both and holds every number of both files against each other."""
    grade_with_devkit(dataset, version, split, results, out / "devkit")
    grade_with_solofusion(dataset, version, split, results, out / "solofusion")
    assert metric_differences(out / "solofusion", out / "devkit") == []


def test_real_results(tmp_path: Path) -> None:
    dataset, results = shared("data/nuscenes"), shared("data/results/cc3dt_mini_val.json")
    compare(dataset, "v1.0-mini", "mini_val", results, tmp_path)
    summary = json.loads((tmp_path / "solofusion" / "metrics_summary.json").read_text())
    assert summary["mean_ap"] == pytest.approx(0.21830827791842303, abs=TOLERANCE)
    assert summary["nd_score"] == pytest.approx(0.2687947091853009, abs=TOLERANCE)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_corners(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    tables = random_tables(dice)
    write_dataset(tmp_path, tables)
    results = tmp_path / "results.json"
    results.write_text(json.dumps(random_results(dice, tables)))
    compare(tmp_path, "v1.0-mini", dice.choice(["mini_val", "own"]), results, tmp_path)


FMA = ctypes.CDLL(ctypes.util.find_library("m")).fma
FMA.argtypes, FMA.restype = [ctypes.c_double] * 3, ctypes.c_double


def fused_sum(a: np.ndarray, b: np.ndarray) -> float:
    """The sum of products with one rounding for each term after the first."""
    total = float(a[0]) * float(b[0])
    for x, y in zip(a[1:], b[1:], strict=True):
        total = FMA(float(x), float(y), total)
    return total


def fused_dot(a: np.ndarray, b: np.ndarray) -> np.ndarray | np.float64:
    """numpy.dot of vectors and matrices in fused sums."""
    columns = b.T if b.ndim == 2 else [b]
    rows = [[fused_sum(row, column) for column in columns] for row in np.atleast_2d(a)]
    return np.array(rows).reshape(a.shape[:-1] + b.shape[1:])[()]


@pytest.fixture
def fused_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives numpy the products of processors with AVX-512, where its BLAS fuses small ones too.

    The devkit decides ties by them. On other processors numpy rounds each product of a short
    sum, and the devkit itself grades a box on a border otherwise.
    """
    dice = random.Random(1)
    probes = [np.array([dice.random(), dice.random()]) for _ in range(100)]
    if all(float(p.dot(p)) == fused_sum(p, p) for p in probes):
        return
    dot, norm = np.dot, np.linalg.norm

    def small(*arrays: object) -> bool:
        return all(isinstance(a, np.ndarray) and a.dtype.kind in "fi" and 0 < a.size < 64 for a in arrays)

    def any_norm(x: np.ndarray, *more: object) -> np.float64:
        return np.sqrt(fused_dot(x, x)) if small(x) and x.ndim == 1 and not more else norm(x, *more)

    monkeypatch.setattr(np, "dot", lambda a, b: fused_dot(a, b) if small(a, b) else dot(a, b))
    monkeypatch.setattr(np.linalg, "norm", any_norm)


@pytest.mark.parametrize("seed", BORDER_SEEDS)
@pytest.mark.usefixtures("fused_products")
def test_random_borders(seed: int, tmp_path: Path) -> None:
    """What arithmetic decides by its last bit, and numbers at the edge of their range."""
    dice = random.Random(seed)
    tables = random_tables(dice)
    results = random_results(dice, tables)
    for annotation in list(tables["sample_annotation"]):
        add_border_boxes(dice, annotation, results["results"][annotation["sample_token"]])
    write_dataset(tmp_path, tables)
    file = tmp_path / "results.json"
    file.write_text(json.dumps(results))
    compare(tmp_path, "v1.0-mini", dice.choice(["mini_val", "own"]), file, tmp_path)


def add_border_boxes(dice: random.Random, annotation: dict, boxes: list[dict]) -> None:
    """Boxes on the border of a true one, and as near to it on several sides."""
    x, y, z = annotation["translation"]
    a, b = dice.uniform(0, 2), dice.uniform(0, 2)
    for place in ([x + a, y + b, z], [x + b, y + a, z], [x - a, y - b, z], [x + 0.3, y + 0.4, z]):
        boxes.append(random_box(dice, annotation["sample_token"], place))
    rack = Box(annotation["translation"], annotation["size"], Quaternion(annotation["rotation"]))
    corners = rack.corners()
    for _ in range(2):
        ends = dice.sample(range(8), 2)
        border = corners[:, ends].mean(axis=1) if dice.random() < 0.5 else corners[:, ends[0]]
        boxes.append(random_box(dice, annotation["sample_token"], [float(v) for v in border]))
        boxes[-1]["detection_name"] = dice.choice(["bicycle", "motorcycle"])
    for box in boxes:
        if dice.random() < 0.05:
            box["velocity"] = [dice.choice([1e200, -1e160]), 0.0]
        if dice.random() < 0.05:
            box["rotation"] = dice.choice([[1e200, 0.0, 0.0, 1e200], [0.0] * 4, [1e-200, 0.0, 0.0, 1e-200]])
        if dice.random() < 0.1:
            box["detection_score"] = dice.choice([7.0, 1e-12, 1e300])


def test_official_splits_are_the_devkits() -> None:
    source = (ROOT / "nuscenes" / "splits.go").read_text()
    table = source[source.index("var official") : source.index("func OfficialSplits")]
    entries = re.findall(r'"(\w+)":\s*\{"\w+",\s*((?:"[\d,-]+"(?:\s*\+\s*)?)+)\}', table)
    ours = {name: scenes_of("".join(re.findall(r'"([\d,-]+)"', text))) for name, text in entries}
    assert ours == {name: sorted(scenes) for name, scenes in create_splits_scenes().items()}


def scenes_of(ranges: str) -> list[str]:
    scenes = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        scenes += [f"scene-{n:04d}" for n in range(int(first), int(last or first) + 1)]
    return scenes


def random_tables(dice: random.Random) -> dict[str, list[dict]]:
    """Tables of the two mini_val scenes with up to four samples each."""
    tables: dict[str, list[dict]] = {
        "attribute": [{"token": name, "name": name, "description": ""} for name in ATTRIBUTE_NAMES],
        "category": [{"token": name, "name": name, "description": ""} for name in CATEGORIES],
        "visibility": [{"token": "1", "level": "v0-40", "description": ""}],
        "sensor": [{"token": "lidar", "channel": "LIDAR_TOP", "modality": "lidar"}],
        "calibrated_sensor": [
            {
                "token": "lidar",
                "sensor_token": "lidar",
                "translation": [0, 0, 1.8],
                "rotation": [1, 0, 0, 0],
                "camera_intrinsic": [],
            }
        ],
        "log": [{"token": "log", "logfile": "", "vehicle": "n1", "date_captured": "", "location": ""}],
        "map": [{"token": "map", "category": "", "filename": "maps/map.png", "log_tokens": ["log"]}],
        "scene": [],
        "sample": [],
        "sample_data": [],
        "ego_pose": [],
        "instance": [],
        "sample_annotation": [],
    }
    for number, name in enumerate(("scene-0103", "scene-0916")):
        add_scene(dice, tables, name, 1_500_000_000_000_000 + number * 10**9)
    return tables


def add_scene(dice: random.Random, tables: dict[str, list[dict]], scene: str, start: int) -> None:
    tokens = [f"{scene}-{i}" for i in range(dice.randint(1, 4))]
    # Gaps of 1.5 and 3 s are the borders of velocity estimates.
    times = [start]
    while len(times) < len(tokens):
        times.append(times[-1] + dice.choice([500_000, 500_001, 1_500_000, 1_500_001, 3_000_000]))
    tables["scene"].append(
        {
            "token": scene,
            "log_token": "log",
            "nbr_samples": len(tokens),
            "first_sample_token": tokens[0],
            "last_sample_token": tokens[-1],
            "name": scene,
            "description": "",
        }
    )
    for i, token in enumerate(tokens):
        prev, following = tokens[i - 1] if i else "", tokens[i + 1] if i + 1 < len(tokens) else ""
        position = [
            dice.choice([0.0, 100.0, dice.uniform(-1e3, 1e3)]),
            dice.choice([0.0, 700.5]),
            0.0,
        ]
        common = {"token": token, "timestamp": times[i], "prev": prev, "next": following}
        tables["sample"].append(common | {"scene_token": scene})
        tables["ego_pose"].append(
            {
                "token": token,
                "timestamp": times[i],
                "translation": position,
                "rotation": random_rotation(dice),
            }
        )
        tables["sample_data"].append(
            common
            | {
                "sample_token": token,
                "ego_pose_token": token,
                "calibrated_sensor_token": "lidar",
                "fileformat": "pcd",
                "is_key_frame": True,
                "height": 0,
                "width": 0,
                "filename": "none.bin",
            }
        )
    add_instance(dice, tables, f"{scene}-car", "vehicle.car", tokens[:1])  # the devkit requires one true box
    for i in range(dice.randint(0, 12)):
        seen = [t for t in tokens if dice.random() < 0.8]
        if seen:
            add_instance(dice, tables, f"{scene}-object-{i}", dice.choice(CATEGORIES), seen)


def add_instance(
    dice: random.Random, tables: dict[str, list[dict]], token: str, category: str, seen: list[str]
) -> None:
    ego = {pose["token"]: pose["translation"] for pose in tables["ego_pose"]}
    names = [f"{token}-{s}" for s in seen]
    tables["instance"].append(
        {
            "token": token,
            "category_token": category,
            "nbr_annotations": len(seen),
            "first_annotation_token": names[0],
            "last_annotation_token": names[-1],
        }
    )
    for i, sample in enumerate(seen):
        has_attribute = "cone" not in category and "barrier" not in category and dice.random() < 0.8
        tables["sample_annotation"].append(
            {
                "token": names[i],
                "sample_token": sample,
                "instance_token": token,
                "visibility_token": "1",
                "attribute_tokens": [dice.choice(ATTRIBUTE_NAMES)] if has_attribute else [],
                "translation": random_place(dice, ego[sample]),
                "size": [dice.choice([0.5, 2.0, 3.7]) for _ in range(3)],
                "rotation": random_rotation(dice),
                "prev": names[i - 1] if i else "",
                "next": names[i + 1] if i + 1 < len(names) else "",
                "num_lidar_pts": dice.choice([0, 1, 9]),
                "num_radar_pts": dice.choice([0, 0, 2]),
            }
        )


def random_place(dice: random.Random, ego: list[float]) -> list[float]:
    """A place near the vehicle, at times exactly on the border of a range."""
    x, y = dice.choice([(30.0, 0.0), (0.0, 40.0), (30.0, 40.0), (18.0, 24.0), (5.0, 5.0)])
    if dice.random() < 0.7:
        x, y = dice.uniform(-35, 35), dice.uniform(-35, 35)
    return [ego[0] + x, ego[1] + y, dice.choice([0.0, 0.5, 1.0])]


def random_rotation(dice: random.Random) -> list[float]:
    if dice.random() < 0.5:
        yaw = dice.choice([0.0, math.pi / 2, math.pi, dice.uniform(-4, 4)])
        return [math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)]
    return [dice.gauss(0, 1) for _ in range(4)]


def random_results(dice: random.Random, tables: dict[str, list[dict]]) -> dict:
    """Results with a good share of boxes on and about the true ones."""
    true_boxes: dict[str, list[dict]] = {s["token"]: [] for s in tables["sample"]}
    for annotation in tables["sample_annotation"]:
        true_boxes[annotation["sample_token"]].append(annotation)
    category = {i["token"]: i["category_token"] for i in tables["instance"]}
    tokens = list(true_boxes)
    dice.shuffle(tokens)
    results: dict[str, list[dict]] = {}
    for token in tokens:
        ego = next(p["translation"] for p in tables["ego_pose"] if p["token"] == token)
        boxes = [random_box(dice, token, random_place(dice, ego)) for _ in range(dice.randint(0, 5))]
        for annotation in true_boxes[token]:
            for _ in range(dice.randint(0, 3)):
                boxes.append(box_about(dice, annotation, category[annotation["instance_token"]]))
        dice.shuffle(boxes)
        results[token] = boxes
    if not any(results.values()):  # the devkit requires one box
        results[tokens[0]].append(random_box(dice, tokens[0], [0.0, 0.0, 0.0]))
    meta = {f"use_{key}": key == "camera" for key in ("camera", "lidar", "radar", "map", "external")}
    return {"meta": meta, "results": results}


def random_box(dice: random.Random, sample: str, place: list[float]) -> dict:
    velocity = (
        [math.nan, math.nan] if dice.random() < 0.15 else [dice.uniform(-9, 9), dice.choice([0.0, 1.5])]
    )
    box = {
        "sample_token": sample,
        "translation": place,
        "size": [dice.choice([0.5, 2.0, dice.uniform(0.1, 6)]) for _ in range(3)],
        "rotation": random_rotation(dice),
        "velocity": velocity,
        "detection_name": dice.choice(DETECTION_NAMES),
        "detection_score": dice.choice([0.0, 0.25, 0.5, 0.5, 1.0, dice.random()]),
        "attribute_name": dice.choice([*ATTRIBUTE_NAMES, ""]),
    }
    if dice.random() < 0.1:
        box["num_pts"] = dice.choice([0, 3])
    return box


def box_about(dice: random.Random, annotation: dict, category: str) -> dict:
    """A box near a true one, at times exactly at a matching distance."""
    shift = dice.choice([0.0, 0.5, 1.0, 2.0, 4.0, dice.uniform(-3, 3)])
    x, y, z = annotation["translation"]
    box = random_box(dice, annotation["sample_token"], [x + shift, y, z])
    names = {
        "adult": "pedestrian",
        "trafficcone": "traffic_cone",
        "construction": "construction_vehicle",
        "bendy": "bus",
    }
    name = names.get(category.split(".")[-1], category.split(".")[-1])
    if name in DETECTION_NAMES and dice.random() < 0.9:
        box["detection_name"] = name
    if annotation["attribute_tokens"] and dice.random() < 0.5:
        box["attribute_name"] = annotation["attribute_tokens"][0]
    return box


def write_dataset(folder: Path, tables: dict[str, list[dict]]) -> None:
    (folder / "v1.0-mini").mkdir()
    for name, rows in tables.items():
        (folder / "v1.0-mini" / f"{name}.json").write_text(json.dumps(rows))
    own = [scene["name"] for scene in tables["scene"]]
    (folder / "v1.0-mini" / "splits.json").write_text(json.dumps({"own": own}))
    (folder / "maps").mkdir()
    Image.new("L", (1, 1)).save(folder / "maps" / "map.png")
