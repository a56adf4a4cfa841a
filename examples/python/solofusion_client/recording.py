"""A drive in nuScenes format as what a vehicle would publish.

Only the standard library is needed: the tables are JSON files.
"""

import json
import pathlib
from dataclasses import dataclass, field

from .messages import RigCalibration, Transform, transform

TABLES = ("scene", "sample", "sample_data", "ego_pose", "calibrated_sensor", "sensor")


@dataclass
class Image:
    """One camera's image of a set. The pose is the vehicle's at the capture."""

    time_us: int
    pose: Transform
    path: pathlib.Path

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()


@dataclass
class Set:
    """The key frame of a sample: an image of each camera, and the pose at its time."""

    token: str
    time_us: int
    pose: Transform
    images: dict[str, Image] = field(default_factory=dict)


class Recording:
    """A scene: its calibration and its sets."""

    def __init__(self, root, version=None, scene=0, rig="car"):
        self.root = pathlib.Path(root)
        version = version or next(p.parent.name for p in sorted(self.root.glob("*/sample_data.json")))
        self.tables = {name: self._table(version, name) for name in TABLES}
        self.rig = RigCalibration(name=rig)
        first = list(self.tables["scene"].values())[scene]["first_sample_token"]
        self.sets = [self._set(sample) for sample in self._chain("sample", first)]
        self._calibrate(first)

    def _table(self, version, name):
        """A table's rows by their tokens, in the order of the file."""
        rows = json.loads((self.root / version / f"{name}.json").read_text())
        return {row["token"]: row for row in rows}

    def _chain(self, table, token):
        while token:
            row = self.tables[table][token]
            yield row
            token = row["next"]

    def _pose(self, row) -> Transform:
        pose = self.tables["ego_pose"][row["ego_pose_token"]]
        return transform(pose["rotation"], pose["translation"])

    def _sensor(self, row):
        sensor = self.tables["calibrated_sensor"][row["calibrated_sensor_token"]]
        return sensor, self.tables["sensor"][sensor["sensor_token"]]

    def _key_frames(self, sample_token):
        """The key frames of a sample as (channel, row, calibration), cameras and the lidar."""
        for row in self.tables["sample_data"].values():
            if row["sample_token"] == sample_token and row["is_key_frame"]:
                calibration, sensor = self._sensor(row)
                yield sensor["channel"], row, calibration

    def _set(self, sample) -> Set:
        made = Set(sample["token"], sample["timestamp"], Transform())
        for channel, row, calibration in self._key_frames(sample["token"]):
            if channel == "LIDAR_TOP":
                made.time_us, made.pose = row["timestamp"], self._pose(row)
            elif calibration["camera_intrinsic"]:
                made.images[channel] = Image(row["timestamp"], self._pose(row), self.root / row["filename"])
        return made

    def _calibrate(self, sample_token):
        for channel, row, calibration in self._key_frames(sample_token):
            placed = transform(calibration["rotation"], calibration["translation"])
            if channel == "LIDAR_TOP":
                self.rig.ego_from_lidar.CopyFrom(placed)
            elif calibration["camera_intrinsic"]:
                camera = self.rig.cameras.add(name=channel, width=row["width"], height=row["height"])
                camera.intrinsics.extend(
                    number for line in calibration["camera_intrinsic"] for number in line
                )
                camera.ego_from_camera.CopyFrom(placed)
        self.rig.cameras.sort(key=lambda camera: camera.name)

    def images(self, camera):
        """All images of a camera, those between the key frames too, in order of time."""
        for row in sorted(self.tables["sample_data"].values(), key=lambda row: row["timestamp"]):
            if self._sensor(row)[1]["channel"] == camera:
                yield Image(row["timestamp"], self._pose(row), self.root / row["filename"])
