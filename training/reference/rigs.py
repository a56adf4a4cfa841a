"""Grades the default bundle on the same drives as other vehicles would have recorded them:
images of other sizes and shapes, lidars elsewhere or none, other frames of reference.

Needs drives that were rendered at full size. A report's table is replaced, its words above
it stay.

Example:
    solofusion synth --out out/held-out --seed 1000 --drives 8 --frames 10
    python -m reference.rigs out/held-out --report docs/rigs.md
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from solofusion.rig import pose

ROOT = Path(__file__).resolve().parents[2]
VERSION = "v1.0-synth"
MARK = "<!-- what follows is written by make rigs -->"
SURE = 0.3
"""Boxes with at least this score are those whose largest difference is given."""

Tables = dict[str, list[dict]]


@dataclass
class Variant:
    name: str
    tables: Callable[[Tables], None] = lambda tables: None
    image: Callable[[Image.Image], Image.Image] | None = None
    arguments: list[str] = field(default_factory=list)  # of replay
    base: str = ""  # the variant that its boxes are compared with; the first if empty
    moved: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of the global origin


def cameras(tables: Tables) -> list[dict]:
    """The calibrations of cameras."""
    return [c for c in tables["calibrated_sensor"] if c["camera_intrinsic"]]


def reshaped(name: str, scale: float, left: float, top: float, size: tuple[int, int]) -> Variant:
    """Images whose point (u, v) is where the original has it, times scale plus (left, top)."""
    def tables(t: Tables) -> None:
        for c in cameras(t):
            k = np.array([[scale, 0, left], [0, scale, top], [0, 0, 1]]) @ np.array(c["camera_intrinsic"])
            c["camera_intrinsic"] = k.tolist()
        for d in t["sample_data"]:
            if d["fileformat"] == "jpg":
                d["width"], d["height"] = size

    def image(im: Image.Image) -> Image.Image:
        if scale != 1:
            resized = round(im.width * scale), round(im.height * scale)
            im = im.resize(resized, Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC)
        return im.crop((-left, -top, size[0] - left, size[1] - top))

    return Variant(name, tables, image)


def channel(tables: Tables, name: str) -> tuple[dict, dict]:
    """The sensor of that channel and its calibration of the first drive."""
    sensor = next(s for s in tables["sensor"] if s["channel"] == name)
    return sensor, next(c for c in tables["calibrated_sensor"] if c["sensor_token"] == sensor["token"])


def at_once(tables: Tables) -> None:
    """All sensors of a sample at its time and in its pose."""
    key = {d["sample_token"]: d for d in tables["sample_data"] if "LIDAR_TOP" in d["filename"]}
    for d in tables["sample_data"]:
        d["timestamp"] = key[d["sample_token"]]["timestamp"]
        d["ego_pose_token"] = key[d["sample_token"]]["ego_pose_token"]


def without_lidar(tables: Tables) -> None:
    at_once(tables)
    tables["sample_data"] = [d for d in tables["sample_data"] if "LIDAR_TOP" not in d["filename"]]


def mounted(name: str, rotation: list[float], translation: list[float]) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        at_once(tables)
        sensor, _ = channel(tables, "LIDAR_TOP")
        sensor["channel"] = name
        for c in tables["calibrated_sensor"]:
            if c["sensor_token"] == sensor["token"]:
                c["rotation"], c["translation"] = rotation, translation
    return change


def quaternion(m: np.ndarray) -> list[float]:
    """w x y z of a rotation that is less than a half turn from another one's."""
    w = math.sqrt(max(0.0, 1 + np.trace(m))) / 2
    if w > 0.1:
        return [w, *(np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]]) / (4 * w))]
    i = int(np.argmax(np.diag(m)))
    j, k = (i + 1) % 3, (i + 2) % 3
    root = math.sqrt(max(0.0, 1 + m[i, i] - m[j, j] - m[k, k]))
    q = [0.0] * 4
    q[0], q[1 + i] = (m[k, j] - m[j, k]) / (2 * root), root / 2
    q[1 + j], q[1 + k] = (m[j, i] + m[i, j]) / (2 * root), (m[k, i] + m[i, k]) / (2 * root)
    return q


def ego_elsewhere(tables: Tables) -> None:
    """The ego frame ahead of the rear axle, above the ground and turned."""
    at_once(tables)
    old_from_new = pose({"rotation": ELSEWHERE[1], "translation": ELSEWHERE[0]})
    new_from_old = np.linalg.inv(old_from_new)
    for row, m in [(c, new_from_old @ pose(c)) for c in tables["calibrated_sensor"]] + [
        (p, pose(p) @ old_from_new) for p in tables["ego_pose"]
    ]:
        row["rotation"], row["translation"] = quaternion(m[:3, :3]), m[:3, 3].tolist()


ELSEWHERE = [1.4, 0.2, 0.5], [math.cos(0.15), 0.0, 0.0, math.sin(0.15)]


def base_of(elsewhere: tuple) -> str:
    """The argument --base for that place of the ego frame."""
    m = np.linalg.inv(pose({"rotation": elsewhere[1], "translation": elsewhere[0]}))
    return ",".join(repr(float(x)) for x in [*m[:3, 3], math.degrees(math.atan2(m[1, 0], m[0, 0]))])


MOVED = (691_000.0, 5_334_000.0, 520.0)


def far_origin(tables: Tables) -> None:
    at_once(tables)
    for row in tables["ego_pose"] + tables["sample_annotation"]:
        row["translation"] = (np.array(row["translation"]) + MOVED).tolist()


SIZES = [reshaped(f"{w} x {h}", w / 1600, 0, 0, (w, h)) for w, h in [
    (800, 450), (1280, 720), (1920, 1080), (3840, 2160),
]]
SHAPES = [
    reshaped("4:3, sides cut (1200 x 900)", 1, -200, 0, (1200, 900)),
    reshaped("4:3 at half the size (600 x 450)", 0.5, -100, 0, (600, 450)),
    reshaped("sides added (1920 x 900)", 1, 160, 0, (1920, 900)),
    reshaped("rows added above (1600 x 1200)", 1, 0, 300, (1600, 1200)),
    reshaped("rows cut above (1600 x 700)", 1, 0, -200, (1600, 700)),
    reshaped("rows cut below (1600 x 800)", 1, 0, 0, (1600, 800)),
    reshaped("cut at the left (1400 x 900)", 1, -200, 0, (1400, 900)),
    reshaped("1.3 x the focal length (1600 x 900)", 1.3, -244.8, -147.3, (1600, 900)),
]
ONE_TIME = "one time and pose for all sensors"
FRAMES = [
    Variant(ONE_TIME, at_once),
    Variant("no lidar", without_lidar, base=ONE_TIME),
    Variant("T4's LIDAR_CONCAT at the base", mounted("LIDAR_CONCAT", [1, 0, 0, 0], [0, 0, 0]), base=ONE_TIME),
    Variant("LIDAR_TOP with x forward", mounted("LIDAR_TOP", [1, 0, 0, 0], [0.94, 0, 1.84]), base=ONE_TIME),
    Variant(
        "a roof lidar elsewhere", mounted("LIDAR_TOP", [0.8, 0.05, 0, 0.6], [1.3, 0.2, 2.3]), base=ONE_TIME
    ),
    Variant("poses from an origin 5,000 km away", far_origin, base=ONE_TIME, moved=MOVED),
    Variant(
        "the ego frame elsewhere, with --base", ego_elsewhere,
        arguments=["--base=" + base_of(ELSEWHERE)], base=ONE_TIME,
    ),
]
VARIANTS = [Variant("as rendered (1600 x 900)"), *SIZES, *SHAPES, *FRAMES]


def make(variant: Variant, source: Path, folder: Path) -> None:
    """Writes the drives as the variant has them."""
    (folder / VERSION).mkdir(parents=True)
    tables = {p.stem: json.loads(p.read_text()) for p in (source / VERSION).glob("*.json")}
    variant.tables(tables)
    for name, rows in tables.items():
        (folder / VERSION / f"{name}.json").write_text(json.dumps(rows))
    if variant.image is None:
        (folder / "samples").symlink_to((source / "samples").resolve())
        return
    files = [d["filename"] for d in tables["sample_data"] if d["fileformat"] == "jpg"]
    for parent in {(folder / f).parent for f in files}:
        parent.mkdir(parents=True)
    with ProcessPoolExecutor() as pool:
        jobs = [variant.name] * len(files), [source / f for f in files], [folder / f for f in files]
        list(pool.map(reshape, *jobs))


def reshape(name: str, source: Path, target: Path) -> None:
    image = next(v for v in VARIANTS if v.name == name).image
    image(Image.open(source)).save(target, quality=95, subsampling=0)


def run(program: Path, *arguments: object) -> str:
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"rigs: solofusion {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def grade(program: Path, variant: Variant, source: Path, folder: Path) -> tuple[dict, dict]:
    """The metrics and the boxes."""
    data = folder / "data"
    make(variant, source, data)
    results = folder / "results.json"
    run(program, "replay", data, "--out", results, *variant.arguments)
    metrics = json.loads(run(
        program, "eval", results, "--dataset", data, "--dataset-version", VERSION, "--split", "all",
        "--resamples", 0, "--json", "-",
    ))
    boxes = json.loads(results.read_text())["results"]
    for of_sample in boxes.values():
        for box in of_sample:
            box["translation"] = (np.array(box["translation"]) - variant.moved).tolist()
    return metrics, boxes


def differences(want: dict, got: dict) -> tuple[float, float, float]:
    """The share of boxes within a millimetre; that of sure boxes within half a metre, and the
    largest difference of a sure box, to the nearest of its class."""
    all_gaps, sure = [], []
    for token, boxes in want.items():
        for box in boxes:
            others = [b["translation"] for b in got[token] if b["detection_name"] == box["detection_name"]]
            gap = min((math.dist(box["translation"], o) for o in others), default=math.inf)
            all_gaps.append(gap)
            if box["detection_score"] >= SURE:
                sure.append(gap)
    return np.mean(np.array(all_gaps) < 1e-3), np.mean(np.array(sure) < 0.5), max(sure)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("drives", type=Path, help="rendered at full size")
    parser.add_argument("--only", help="variants whose name holds this")
    parser.add_argument("--report", type=Path, help="write the table here as well")
    parser.add_argument("--program", type=Path, default=ROOT / "bin" / "solofusion")
    args = parser.parse_args()
    chosen = [v for v in VARIANTS if args.only is None or args.only in v.name]
    needed = {v.name for v in chosen} | {v.base for v in chosen} | {VARIANTS[0].name}
    lines = [
        "| the drives | mAP | NDS | within 1 mm | sure ones within 0.5 m | largest of a sure one |",
        "|---|---|---|---|---|---|",
    ]
    print(*lines, sep="\n", flush=True)
    boxes = {}
    for variant in (v for v in VARIANTS if v.name in needed):
        with tempfile.TemporaryDirectory(prefix="rigs-") as folder:
            metrics, boxes[variant.name] = grade(args.program, variant, args.drives, Path(folder))
        score = f"| {variant.name} | {metrics['mean_ap']:.4f} | {metrics['nd_score']:.4f} |"
        if len(boxes) == 1:
            lines.append(f"{score} | | |")
        else:
            same, near, largest = differences(boxes[variant.base or VARIANTS[0].name], boxes[variant.name])
            lines.append(f"{score} {100 * same:.1f} % | {100 * near:.1f} % | {largest:.3g} m |")
        print(lines[-1], flush=True)
    if args.report:
        words = args.report.read_text().partition(MARK)[0]
        args.report.write_text("\n".join([words + MARK, "", *lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
