"""Damages tables field by field, and holds `solofusion eval` against nuscenes-devkit.

Where the devkit gives numbers, so does `solofusion eval`, and the same ones. Where the
devkit fails, `solofusion eval` fails with a word that names the table, or gives the numbers of
the undamaged tables, or says on standard error what it has passed over.
"""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from devkit import differences, read_metrics
from nuscenes.eval.detection.config import config_factory
from nuscenes.eval.detection.evaluate import DetectionEval
from program import PROGRAM
from test_eval_devkit import random_results, random_tables, write_dataset

from nuscenes import NuScenes

Tables = dict[str, list[dict]]
Damage = Callable[[Tables], None]

SEED = 11  # of tables with three samples and more in each scene
VERSION, SPLIT = "v1.0-mini", "mini_val"

# Damages after which the devkit takes the last measurement for that of every sample.
CONFUSED = ("sample_data.token: null", "sample_data.token: another type")

TWICE = "\x00"  # marks a field that is written a second time, first with another value


def good_tables() -> tuple[Tables, dict]:
    dice = random.Random(SEED)
    tables = random_tables(dice)
    return tables, random_results(dice, tables)


def another_type(value: object) -> object:
    """A value of another type."""
    return 7 if isinstance(value, str) else "seven"


def is_token(field: str) -> bool:
    return "token" in field and field != "token" or field in ("prev", "next")


def changed(table: str, field: str, change: Callable[[dict], None], *, one: bool) -> Damage:
    """Changes the field in one row of a table, or in all."""

    def damage(tables: Tables) -> None:
        rows = [row for row in tables[table] if field in row]
        for row in rows[len(rows) // 2 :][:1] if one else rows:
            change(row)

    return damage


def changes(field: str) -> Iterator[tuple[str, Callable[[dict], None]]]:
    """The damages of one field."""

    def put(value: Callable[[object], object]) -> Callable[[dict], None]:
        return lambda row: row.update({field: value(row[field])})

    yield "absent", lambda row: row.pop(field)
    yield "null", put(lambda _: None)
    yield "another type", put(another_type)
    if is_token(field):
        yield "dangling", put(lambda value: ["gone"] if isinstance(value, list) else "gone")


def twice(field: str) -> Callable[[dict], None]:
    return lambda row: row.update({field + TWICE: row[field]})


def repeated(table: str, change: Callable[[dict], None]) -> Damage:
    """Adds a row with the token of another one."""

    def damage(tables: Tables) -> None:
        row = copy.deepcopy(tables[table][len(tables[table]) // 2])
        change(row)
        tables[table].append(row)

    return damage


def moved(row: dict) -> None:
    if "translation" in row:
        row["translation"][0] += 1


def damages() -> Iterator[tuple[str, Damage]]:
    """All damages by name."""
    tables, _ = good_tables()
    for table, rows in tables.items():
        for field in rows[0]:
            for kind, change in changes(field):
                if f"{table}.{field}: {kind}" not in CONFUSED:
                    yield f"{table}.{field}: {kind}", changed(table, field, change, one=False)
                if table in ("sample_annotation", "instance", "category", "sample"):
                    yield f"{table}.{field}: {kind} once", changed(table, field, change, one=True)
        yield f"{table}.{field}: twice", changed(table, field, twice(field), one=False)
        yield f"{table}: row repeated", repeated(table, lambda row: None)
        yield f"{table}: row repeated with a change", repeated(table, moved)
        yield f"{table}: empty", lambda tables, table=table: tables[table].clear()
    yield from special_damages()


def special_damages() -> Iterator[tuple[str, Damage]]:
    """Peculiarities of public converters."""

    def add(table: str, field: str, value: float) -> Damage:
        return changed(table, field, lambda row: row.update({field: row[field] + value}), one=False)

    def fractions(tables: Tables) -> None:
        for i, row in enumerate(tables["sample"]):
            row["timestamp"] += i * 0.375 + 0.25

    def points(lidar: float, radar: float) -> Damage:
        def damage(tables: Tables) -> None:
            for i, row in enumerate(tables["sample_annotation"]):
                if i % 2:
                    row["num_lidar_pts"], row["num_radar_pts"] = lidar, radar

        return damage

    yield "times with fractions", fractions
    yield "times as floats", add("sample", "timestamp", 0.0)
    yield "negative times", add("sample", "timestamp", -(10**16))
    yield "small times", add("sample", "timestamp", -15 * 10**14)
    yield "points not counted", points(-1, 0)
    yield "points that cancel", points(-1, 1)
    yield "points as floats", add("sample_annotation", "num_lidar_pts", 0.0)
    yield "ungraded box without size", ungraded("size", [0, 0, 0])
    yield "ungraded box without place", ungraded("translation", None)
    yield "ungraded box without attributes", ungraded("attribute_tokens", None)
    yield "ungraded box with dangling neighbours", ungraded("prev", "gone")
    yield (
        "zero rotations",
        changed("sample_annotation", "rotation", lambda row: row.update(rotation=[0, 0, 0, 0]), one=False),
    )
    yield (
        "a scene that no sample has",
        lambda tables: tables["scene"].append({**tables["scene"][0], "token": "more", "name": "more"}),
    )
    yield (
        "sweeps of no sample",
        lambda tables: tables["sample_data"].append(
            {**tables["sample_data"][0], "token": "sweep", "sample_token": "", "is_key_frame": False}
        ),
    )
    yield "numbers as tokens", numbered_tokens
    yield (
        "two key frames",
        lambda tables: tables["sample_data"].append(
            {**tables["sample_data"][0], "token": "second", "ego_pose_token": tables["ego_pose"][1]["token"]}
        ),
    )


def no_rotation(row: dict) -> None:
    row["rotation"] = [0, 0, 0, 0]


def changed_copy(table: str, **fields: object) -> Damage:
    """Adds the first row again with other fields."""
    return lambda tables: tables[table].append({**tables[table][0], **fields})


def ungraded(field: str, value: object) -> Damage:
    def damage(tables: Tables) -> None:
        category = {i["token"]: i["category_token"] for i in tables["instance"]}
        for row in tables["sample_annotation"]:
            if category[row["instance_token"]] == "human.pedestrian.stroller":
                row[field] = value

    return damage


def numbered_tokens(tables: Tables) -> None:
    """Makes the tokens of categories numbers."""
    number = {row["token"]: i for i, row in enumerate(tables["category"])}
    for row in tables["category"]:
        row["token"] = number[row["token"]]
    for row in tables["instance"]:
        row["category_token"] = number[row["category_token"]]


def written(row: dict) -> str:
    """A row's JSON, with null first for the fields that it has twice."""
    twice = [key for key in row if key.endswith(TWICE)]
    text = json.dumps({key: value for key, value in row.items() if key not in twice})
    return "{" + "".join(f'"{key[:-1]}": null, ' for key in twice) + text[1:]


def write_damaged(folder: Path, tables: Tables) -> None:
    for name, rows in tables.items():
        (folder / VERSION / f"{name}.json").write_text("[" + ", ".join(map(written, rows)) + "]")


@pytest.fixture(scope="module")
def undamaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with results.json, and both metric files of the undamaged tables."""
    folder = tmp_path_factory.mktemp("tables")
    tables, results = good_tables()
    write_dataset(folder, tables)
    (folder / "results.json").write_text(json.dumps(results))
    (folder / "undamaged.json").write_text(json.dumps(devkit_summary(folder)))
    return folder


def grade(folder: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [PROGRAM, "eval", folder / "results.json", "--dataset", folder, "--dataset-version", VERSION]
    command += ["--split", SPLIT, "--resamples", "0", "--out", out]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def devkit_summary(folder: Path) -> dict | None:
    """What the devkit's metrics_summary.json holds but for meta and time; None if it fails."""
    try:
        nusc = NuScenes(version=VERSION, dataroot=str(folder), verbose=False)
        config = config_factory("detection_cvpr_2019")
        results, out = str(folder / "results.json"), str(folder / "devkit")
        metrics, _ = DetectionEval(nusc, config, results, SPLIT, out, verbose=False).evaluate()
    except Exception:  # noqa: BLE001 whatever the devkit stumbles over
        return None
    return comparable(json.loads(json.dumps(metrics.serialize())))


def comparable(summary: dict) -> dict:
    return {key: value for key, value in summary.items() if key not in ("meta", "eval_time")}


def chosen() -> list[tuple[str, Damage]]:
    """Every field absent and null, and a quarter of the other damages; all of them if
    SOLOFUSION_ALL_DAMAGES is set."""
    every = list(damages())
    if os.environ.get("SOLOFUSION_ALL_DAMAGES"):
        return every
    plain = [d for d in every if d[0].endswith((": absent", ": null"))]
    others = [d for d in every if d not in plain]
    return plain + others[::4]


CHOSEN = chosen()


@pytest.mark.parametrize("damage", [damage for _, damage in CHOSEN], ids=[name for name, _ in CHOSEN])
def test_damaged_tables(damage: Damage, undamaged: Path, tmp_path: Path) -> None:
    tables, _ = good_tables()
    damage(tables)
    write_damaged(undamaged, tables)
    ours = grade(undamaged, tmp_path)
    assert ours.returncode in (0, 1)
    assert "panic" not in ours.stderr
    theirs = devkit_summary(undamaged)
    if theirs is None and ours.returncode == 1:
        assert "nuscenes:" in ours.stderr or "eval:" in ours.stderr
        return
    assert ours.returncode == 0, ours.stderr
    if theirs is None and "were passed over" in ours.stderr:
        return
    wanted = theirs or json.loads((undamaged / "undamaged.json").read_text())
    assert differences(comparable(read_metrics(tmp_path / "metrics_summary.json")), wanted, "summary") == []
