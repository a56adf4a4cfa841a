"""Makes each mistake in conventions in good files and reads what `solofusion eval` says of them.

The files are a real detector's results, and the true boxes of the same recording with some
noise. The mistakes are made with nuscenes-devkit and pyquaternion, not with our own geometry.
Needs bin/solofusion (`make build`) and the recordings.
"""

from __future__ import annotations

import copy
import json
import math
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from nuscenes.eval.common.loaders import load_gt
from nuscenes.eval.detection.data_classes import DetectionBox
from program import PROGRAM
from pyquaternion import Quaternion
from shared import shared

from nuscenes import NuScenes

Mistake = Callable[["Pose", dict], None]


class Pose:
    """Where the vehicle and its lidar are in a sample, and how fast it drives."""

    def __init__(self, nusc: NuScenes, token: str) -> None:
        sample = nusc.get("sample", token)
        data = nusc.get("sample_data", sample["data"]["LIDAR_TOP"])
        ego = nusc.get("ego_pose", data["ego_pose_token"])
        lidar = nusc.get("calibrated_sensor", data["calibrated_sensor_token"])
        self.ego_turn, self.ego_place = Quaternion(ego["rotation"]), np.array(ego["translation"])
        self.lidar_turn = self.ego_turn * Quaternion(lidar["rotation"])
        self.lidar_place = self.ego_place + self.ego_turn.rotate(np.array(lidar["translation"]))
        about = [nusc.get("sample", sample[side] or token) for side in ("prev", "next")]
        first, last = (nusc.get("sample_data", s["data"]["LIDAR_TOP"]) for s in about)
        places = [np.array(nusc.get("ego_pose", d["ego_pose_token"])["translation"]) for d in (first, last)]
        self.velocity = (places[1] - places[0]) / (1e-6 * (last["timestamp"] - first["timestamp"]))


def turned(box: dict, turn: Quaternion) -> None:
    box["rotation"] = list((turn * Quaternion(box["rotation"])).elements)


def turned_velocity(box: dict, turn: Quaternion) -> None:
    box["velocity"] = list(turn.rotate(np.array([*box["velocity"], 0.0]))[:2])


def swap_size(_: Pose, box: dict) -> None:
    box["size"][0], box["size"][1] = box["size"][1], box["size"][0]


def mirror(_: Pose, box: dict) -> None:
    box["rotation"] = list(Quaternion(box["rotation"]).inverse.elements)


def lower(_: Pose, box: dict) -> None:
    box["translation"][2] -= box["size"][2] / 2


def into_ego(pose: Pose, box: dict) -> None:
    box["translation"] = list(pose.ego_turn.inverse.rotate(np.array(box["translation"]) - pose.ego_place))
    turned(box, pose.ego_turn.inverse)
    turned_velocity(box, pose.ego_turn.inverse)


def into_lidar(pose: Pose, box: dict) -> None:
    box["translation"] = list(pose.lidar_turn.inverse.rotate(np.array(box["translation"]) - pose.lidar_place))
    turned(box, pose.lidar_turn.inverse)
    turned_velocity(box, pose.lidar_turn.inverse)


def without_ego_translation(pose: Pose, box: dict) -> None:
    box["translation"] = list(np.array(box["translation"]) - pose.ego_place)


def scalar_last(_: Pose, box: dict) -> None:
    box["rotation"] = [*box["rotation"][1:], box["rotation"][0]]


def relative(pose: Pose, box: dict) -> None:
    box["velocity"] = [v - e for v, e in zip(box["velocity"], pose.velocity[:2], strict=True)]


def quarter() -> Quaternion:
    return Quaternion(axis=[0, 0, 1], angle=math.pi / 2)


MISTAKES: dict[str, Mistake] = {
    "size-swapped": swap_size,
    "yaw-quarter-turn": lambda _, box: turned(box, quarter()),
    "yaw-half-turn": lambda _, box: turned(box, quarter() * quarter()),
    "yaw-mirrored": mirror,
    "yaw-ego-frame": lambda pose, box: turned(box, pose.ego_turn.inverse),
    "yaw-lidar-frame": lambda pose, box: turned(box, pose.lidar_turn.inverse),
    "bottom-center": lower,
    "ego-frame": into_ego,
    "lidar-frame": into_lidar,
    "ego-translation": without_ego_translation,
    "rotation-xyzw": scalar_last,
    "velocity-ego-frame": lambda pose, box: turned_velocity(box, pose.ego_turn.inverse),
    "velocity-lidar-frame": lambda pose, box: turned_velocity(box, pose.lidar_turn.inverse),
    "velocity-box-frame": lambda _, box: turned_velocity(box, Quaternion(box["rotation"]).inverse),
    "velocity-relative": relative,
    "scores-equal": lambda _, box: box.update(detection_score=0.5),
}


@pytest.fixture(scope="module")
def nusc() -> NuScenes:
    return NuScenes(version="v1.0-mini", dataroot=str(shared("data/nuscenes")), verbose=False)


@pytest.fixture(scope="module")
def detected() -> dict:
    """A real detector's results. Its velocities are zero."""
    return json.loads(shared("data/results/cc3dt_mini_val.json").read_text())


@pytest.fixture(scope="module")
def noisy_truth(nusc: NuScenes) -> dict:
    dice = random.Random(1)
    results: dict[str, list[dict]] = {}
    truth = load_gt(nusc, "mini_val", DetectionBox, verbose=False)
    for token in truth.sample_tokens:
        results[token] = [noisy(dice, box) for box in truth[token]]
    return {"meta": {"use_camera": True}, "results": results}


def noisy(dice: random.Random, box: DetectionBox) -> dict:
    turn = Quaternion(axis=[0, 0, 1], angle=dice.gauss(0, 0.15))
    return {
        "sample_token": box.sample_token,
        "translation": [x + dice.gauss(0, 0.3) for x in box.translation],
        "size": [x * dice.uniform(0.85, 1.15) for x in box.size],
        "rotation": list((turn * Quaternion(box.rotation)).elements),
        "velocity": [v + dice.gauss(0, 0.2) for v in box.velocity],
        "detection_name": box.detection_name,
        "detection_score": dice.random(),
        "attribute_name": box.attribute_name,
    }


def hints(results: dict, folder: Path) -> list[str]:
    """The names of the hints that `solofusion eval` prints."""
    file = folder / "results.json"
    file.write_text(json.dumps(results))
    command = [PROGRAM, "eval", file, "--dataset", shared("data/nuscenes")]
    command += ["--dataset-version", "v1.0-mini", "--split", "mini_val", "--resamples", "0"]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return [line.split(": ")[1] for line in words.splitlines() if line.startswith("hint: ")]


def with_mistake(nusc: NuScenes, good: dict, mistake: Mistake) -> dict:
    bad = copy.deepcopy(good)
    for token, boxes in bad["results"].items():
        pose = Pose(nusc, token)
        for box in boxes:
            mistake(pose, box)
    return bad


def test_good_files_have_no_hint(detected: dict, noisy_truth: dict, tmp_path: Path) -> None:
    assert hints(detected, tmp_path) == []
    assert hints(noisy_truth, tmp_path) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_in_the_truth(name: str, nusc: NuScenes, noisy_truth: dict, tmp_path: Path) -> None:
    assert hints(with_mistake(nusc, noisy_truth, MISTAKES[name]), tmp_path) == [name]


@pytest.mark.parametrize("name", [name for name in MISTAKES if "velocity" not in name])
def test_mistakes_in_real_results(name: str, nusc: NuScenes, detected: dict, tmp_path: Path) -> None:
    assert hints(with_mistake(nusc, detected, MISTAKES[name]), tmp_path) == [name]
