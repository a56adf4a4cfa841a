"""Opens a data set of `solofusion synth` with nuscenes-devkit and uses all of it:
tables, images, boxes in every camera, velocities, attributes, point clouds.

Needs bin/solofusion (`make build`).
"""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from nuscenes.eval.common.utils import quaternion_yaw
from nuscenes.eval.detection.utils import (
    category_to_detection_name,
    detection_name_to_rel_attributes,
)
from nuscenes.utils.data_classes import LidarPointCloud
from nuscenes.utils.geometry_utils import BoxVisibility, points_in_box, view_points
from PIL import Image
from program import PROGRAM

from nuscenes import NuScenes

CAMERAS = [
    "CAM_FRONT_LEFT",
    "CAM_FRONT",
    "CAM_FRONT_RIGHT",
    "CAM_BACK_LEFT",
    "CAM_BACK",
    "CAM_BACK_RIGHT",
]


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> NuScenes:
    out = tmp_path_factory.mktemp("synth")
    options = ["--seed", "11", "--drives", "2", "--frames", "4", "--rate", "4"]
    subprocess.run([str(PROGRAM), "synth", "--out", str(out), *options], check=True)
    return NuScenes(version="v1.0-synth", dataroot=str(out), verbose=False)


def test_samples_follow_each_other(drives: NuScenes) -> None:
    for scene in drives.scene:
        token, count = scene["first_sample_token"], 0
        while token:
            sample = drives.get("sample", token)
            assert set(sample["data"]) == {*CAMERAS, "LIDAR_TOP"}
            token, count = sample["next"], count + 1
        assert count == scene["nbr_samples"] == 4


def test_images_show_their_boxes(drives: NuScenes) -> None:
    shown = 0
    for sample in drives.sample:
        for camera in CAMERAS:
            path, boxes, intrinsics = drives.get_sample_data(
                sample["data"][camera], box_vis_level=BoxVisibility.ANY
            )
            assert Image.open(path).size == (1600, 900)
            for box in boxes:
                corners = view_points(box.corners(), intrinsics, normalize=True)
                assert np.isfinite(corners).all()
                shown += drives.get("sample_annotation", box.token)["num_lidar_pts"] > 0
    assert shown > 100


def test_velocities_lie_along_the_heading(drives: NuScenes) -> None:
    moving = 0
    for annotation in drives.sample_annotation:
        velocity = drives.box_velocity(annotation["token"])[:2]
        speed = float(np.linalg.norm(velocity))
        if not np.isfinite(speed):
            continue
        assert speed < 14.5
        if speed > 1:
            yaw = quaternion_yaw(drives.get_box(annotation["token"]).orientation)
            along = float(velocity @ [np.cos(yaw), np.sin(yaw)]) / speed
            assert along > 0.95, annotation
            moving += 1
    assert moving > 20


def test_attributes_suit_their_classes(drives: NuScenes) -> None:
    classes = set()
    for annotation in drives.sample_annotation:
        name = category_to_detection_name(annotation["category_name"])
        classes.add(name)
        names = [drives.get("attribute", t)["name"] for t in annotation["attribute_tokens"]]
        allowed = detection_name_to_rel_attributes(name)
        assert len(names) == (1 if allowed else 0)
        assert set(names) <= set(allowed)
    assert len(classes) == 10


def test_lidar_points_lie_on_objects(drives: NuScenes) -> None:
    inside = 0
    for sample in drives.sample:
        path, boxes, _ = drives.get_sample_data(sample["data"]["LIDAR_TOP"])
        points = LidarPointCloud.from_file(path).points[:3]
        assert points.shape[1] > 1000
        # The street lies the lidar's height below it.
        assert abs(np.median(np.sort(points[2])[: points.shape[1] // 5]) + 1.84) < 0.2
        inside += sum(int(points_in_box(box, points).sum()) for box in boxes)
    assert inside > 1000
