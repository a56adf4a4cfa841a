"""Grades one program on the same rendered drives at several rates: at key frames, at the
cameras' own rate, at uneven intervals. All are graded at the same key frames, those of whole
seconds, and compared with the first: differences have 95 % intervals over the drives.

Needs drives rendered with images between the key frames. With --window, as synth takes it, they
may be rendered at the network's size, which takes a small part of the time.

Example:
    solofusion synth --out out/rate --seed 1000 --drives 16 --frames 10 --rate 10 \\
        --window 352x128@0.24+16+88
    python -m reference.rate out/rate --window 352x128@0.24+16+88 --report docs/rate.md
"""

import argparse
import hashlib
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
VERSION = "v1.0-synth"
MARK = "<!-- what follows is written by reference.rate -->"
SOURCE = 1600, 900

Tables = dict[str, list[dict]]
Choice = Callable[[int, int, random.Random], list[int]]


def key_frames(sets: int, per_second: int, _: random.Random) -> list[int]:
    return list(range(0, sets, per_second // 2))


def all_sets(sets: int, _: int, __: random.Random) -> list[int]:
    return list(range(sets))


def uneven(sets: int, per_second: int, rng: random.Random) -> list[int]:
    """Two sets a second, the second one 0.3, 0.4, 0.6 or 0.7 s after the first."""
    chosen = []
    for second in range(0, sets, per_second):
        between = second + round(rng.choice([0.3, 0.4, 0.6, 0.7]) * per_second)
        chosen += [second] if between >= sets else [second, between]
    return chosen


@dataclass
class Variant:
    name: str
    choose: Choice
    arguments: list[str] = field(default_factory=list)  # of replay


VARIANTS = [
    Variant("key frames, 2 Hz", key_frames),
    Variant("all sets", all_sets),
    Variant("all sets, ages measured", all_sets, ["--time=measured"]),
    Variant("0.3 to 0.7 s", uneven),
    Variant("0.3 to 0.7 s, ages measured", uneven, ["--time=measured"]),
]


def token(*parts: object) -> str:
    return hashlib.md5("/".join(map(str, parts)).encode()).hexdigest()


@dataclass
class Drive:
    """A scene's images by set: the first of each camera, the second, and so on."""
    scene: dict
    times: np.ndarray  # of the sets, in microseconds
    images: list[list[dict]]  # rows of sample_data, for each set
    keys: dict[int, dict]  # samples by set
    lidar: dict[int, dict]  # rows of sample_data by set


def drive(tables: Tables, scene: dict) -> Drive:
    samples = [s for s in tables["sample"] if s["scene_token"] == scene["token"]]
    of_scene = {s["token"]: s for s in samples}
    rows = [d for d in tables["sample_data"] if d["sample_token"] in of_scene]
    cameras: dict[str, list[dict]] = {}
    for d in rows:
        if d["fileformat"] != "pcd":
            cameras.setdefault(d["calibrated_sensor_token"], []).append(d)
    for images in cameras.values():
        images.sort(key=lambda d: d["timestamp"])
    images = [list(one) for one in zip(*cameras.values(), strict=True)]
    at = {one[0]["sample_token"]: i for i, one in enumerate(images) if one[0]["is_key_frame"]}
    keys = {at[s["token"]]: s for s in samples}
    lidar = {at[d["sample_token"]]: d for d in rows if d["fileformat"] == "pcd"}
    times = np.interp(np.arange(len(images)), sorted(keys), [keys[i]["timestamp"] for i in sorted(keys)])
    return Drive(scene, times.round().astype(int), images, keys, lidar)


def pose_at(poses: list[dict], time: int) -> dict:
    """The pose between its neighbours, which are so near that rotations may be mixed linearly."""
    after = next((i for i, p in enumerate(poses) if p["timestamp"] >= time), len(poses) - 1)
    a, b = poses[max(0, after - 1)], poses[after]
    between = b["timestamp"] - a["timestamp"]
    share = 0.0 if between == 0 else (time - a["timestamp"]) / between
    mixed = {k: (1 - share) * np.array(a[k]) + share * np.array(b[k]) for k in ("translation", "rotation")}
    mixed["rotation"] /= np.linalg.norm(mixed["rotation"])
    return {k: v.tolist() for k, v in mixed.items()}


def rewrite(tables: Tables, choose: Choice, per_second: int) -> None:
    """Makes every chosen set a sample, and drops what is annotated."""
    by_token = {p["token"]: p for p in tables["ego_pose"]}
    samples, data = [], []
    for number, scene in enumerate(tables["scene"]):
        d = drive(tables, scene)
        used = {r["ego_pose_token"] for one in [*d.images, list(d.lidar.values())] for r in one}
        poses = sorted((by_token[t] for t in used), key=lambda p: p["timestamp"])
        own = [
            take(d, i, poses, tables, data)
            for i in choose(len(d.images), per_second, random.Random(number))
        ]
        for one, before, after in zip(own, [None, *own], [*own[1:], None], strict=False):
            one["prev"], one["next"] = (s["token"] if s else "" for s in (before, after))
        first, last = own[0]["token"], own[-1]["token"]
        scene |= {"nbr_samples": len(own), "first_sample_token": first, "last_sample_token": last}
        samples += own
    tables |= {"sample": samples, "sample_data": data, "sample_annotation": [], "instance": []}


def take(d: Drive, i: int, poses: list[dict], tables: Tables, data: list[dict]) -> dict:
    """The set's sample; adds its rows of sample_data."""
    name, time = token(d.scene["name"], i), int(d.times[i])
    sample = d.keys.get(i, {"token": name, "timestamp": time, "scene_token": d.scene["token"]})
    lidar = d.lidar.get(i)
    if lidar is None:
        lidar = next(iter(d.lidar.values())) | {"token": name, "ego_pose_token": name, "timestamp": time}
        tables["ego_pose"].append({"token": name, "timestamp": time, **pose_at(poses, time)})
    for row in [lidar, *d.images[i]]:
        data.append(row | {"sample_token": sample["token"], "is_key_frame": True, "prev": "", "next": ""})
    return dict(sample)


def place(window: str, tables: Tables, source: Path, folder: Path) -> None:
    """Puts images back to where synth's window cut them out of the whole one."""
    parts = re.fullmatch(r"(\d+)x(\d+)@([\d.]+)\+(\d+)\+(\d+)", window)
    if parts is None:
        raise SystemExit(f"rate: window {window}, want WxH@SCALE+LEFT+TOP")
    scale, left, top = float(parts[3]), int(parts[4]), int(parts[5])
    size = round(SOURCE[0] * scale), round(SOURCE[1] * scale)
    for c in tables["calibrated_sensor"]:
        if c["camera_intrinsic"]:
            c["camera_intrinsic"][0][2] += left
            c["camera_intrinsic"][1][2] += top
    for d in tables["sample_data"]:
        if d["fileformat"] == "pcd":
            continue
        whole = Image.new("RGB", size)
        whole.paste(Image.open(source / d["filename"]), (left, top))
        d["filename"] = d["filename"].rsplit(".", 1)[0] + ".png"
        d |= {"fileformat": "png", "width": size[0], "height": size[1]}
        target = folder / d["filename"]
        target.parent.mkdir(parents=True, exist_ok=True)
        whole.save(target, compress_level=1)


def make(choose: Choice, per_second: int, source: Path, folder: Path, window: str | None) -> None:
    """Writes the drives with the chosen sets as samples."""
    (folder / VERSION).mkdir(parents=True)
    tables = {p.stem: json.loads(p.read_text()) for p in (source / VERSION).glob("*.json")}
    rewrite(tables, choose, per_second)
    if window:
        place(window, tables, source, folder)
    for name in ("samples", "sweeps", "maps"):
        if not (folder / name).exists():
            (folder / name).symlink_to((source / name).resolve())
    for d in tables["sample_data"]:
        if d["fileformat"] == "pcd" and not (target := folder / d["filename"]).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to((source / d["filename"]).resolve())
    for name, rows in tables.items():
        (folder / VERSION / f"{name}.json").write_text(json.dumps(rows))


def run(program: Path, *arguments: object) -> str:
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"rate: solofusion {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def rate(tables: Tables) -> int:
    """Sets a second of the drives."""
    d = drive(tables, tables["scene"][0])
    return round(1e6 / float(np.mean(np.diff(d.times))))


def whole_seconds(tables: Tables, per_second: int) -> list[str]:
    """The key frames of whole seconds but the first."""
    found = []
    for scene in tables["scene"]:
        d = drive(tables, scene)
        found += [s["token"] for i, s in sorted(d.keys.items()) if i > 0 and i % per_second == 0]
    return found


@dataclass
class Graded:
    """What is needed to grade results at some of the key frames."""
    program: Path
    source: Path
    tokens: list[str]  # of the key frames
    samples: list[str]  # of all

    def metrics(self, results: Path, base: Path) -> dict:
        """Of the results, with their differences from the base's."""
        with tempfile.TemporaryDirectory(prefix="rate-") as folder:
            chosen = Path(folder) / "samples.json"
            chosen.write_text(json.dumps(self.tokens))
            files = [self.only_samples(f, Path(folder) / f"{i}.json") for i, f in enumerate((results, base))]
            return json.loads(run(
                self.program, "eval", files[0], "--compare", files[1], "--dataset", self.source,
                "--dataset-version", VERSION, "--split", "all", "--samples", chosen, "--json", "-",
            ))

    def only_samples(self, file: Path, to: Path) -> Path:
        """Leaves out what is of none of the drives' own samples."""
        results = json.loads(file.read_text())
        kept = {t: results["results"].get(t, []) for t in self.samples}
        to.write_text(json.dumps({"meta": results["meta"], "results": kept}))
        return to


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("drives", type=Path, help="rendered with more than two sets a second")
    parser.add_argument("--window", help="of the rendered images, if they are not whole")
    parser.add_argument("--report", type=Path, help="write the table here as well")
    parser.add_argument("--keep", type=Path, help="folder of results; those that are there are taken")
    parser.add_argument("--program", type=Path, default=ROOT / "bin" / "solofusion")
    args = parser.parse_args()
    tables = {p.stem: json.loads(p.read_text()) for p in (args.drives / VERSION).glob("*.json")}
    per_second = rate(tables)
    graded = Graded(
        args.program, args.drives, whole_seconds(tables, per_second), [s["token"] for s in tables["sample"]]
    )
    lines = [
        f"| {len(tables['scene'])} drives, {per_second} Hz | mAP | mATE | mAVE | NDS |",
        "|---|---|---|---|---|",
    ]
    print(*lines, sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="rate-") as folder:
        keep = args.keep or Path(folder)
        keep.mkdir(parents=True, exist_ok=True)
        files = [keep / f"{v.name}.json" for v in VARIANTS]
        for variant, file in zip(VARIANTS, files, strict=True):
            if not file.exists():
                detect(args, variant, per_second, file)
            lines.append(row(variant.name, graded.metrics(file, files[0]), first=file == files[0]))
            print(lines[-1], flush=True)
    if args.report:
        words = args.report.read_text().partition(MARK)[0]
        args.report.write_text("\n".join([words + MARK, "", *lines, ""]))
    return 0


def detect(args: argparse.Namespace, variant: Variant, per_second: int, to: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="rate-") as folder:
        make(variant.choose, per_second, args.drives, Path(folder) / "data", args.window)
        run(args.program, "replay", Path(folder) / "data", "--out", to, *variant.arguments)


def row(name: str, m: dict, first: bool) -> str:
    """A line of the table: the numbers, and the intervals of their differences from the first's."""
    def numbers(of: dict) -> list:
        e = of["tp_errors"]
        return [of["mean_ap"], e["trans_err"], e["vel_err"], of["nd_score"]]

    cells = [f"{x:.4f}" for x in numbers(m)]
    intervals = m["comparison"].get("intervals")
    if not first and intervals:
        both = zip(cells, numbers(intervals), strict=True)
        cells = [f"{cell} ({low:+.4f} to {high:+.4f})" for cell, (low, high) in both]
    return f"| {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
