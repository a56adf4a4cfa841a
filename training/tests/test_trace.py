"""Compares the stages that `solofusion trace` writes with NumPy, Pillow and ONNX
Runtime, each given the traced output of the stages before it: images, camera
numbers and encoder, lift, embedding, history under the ego's motion, stack and
head. What stereo and decoding compute is compared with the reference's arrays in
Go tests.

Needs bin/solofusion (`make build`).
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import yaml
from PIL import Image
from program import PROGRAM, ROOT
from safetensors.numpy import load_file

BUNDLE = ROOT / "internal" / "testbundle" / "bundle"
FRAMES = 3


def rotation(q: list[float]) -> np.ndarray:
    w, x, y, z = np.array(q) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def pose(row: dict) -> np.ndarray:
    m = np.eye(4)
    m[:3, :3], m[:3, 3] = rotation(row["rotation"]), row["translation"]
    return m


@dataclass
class Camera:
    path: Path
    intrinsics: np.ndarray
    lidar_from_camera: np.ndarray


class Trace:
    """A rendered drive, its tables, and what the program made of it."""

    def __init__(self, folder: Path):
        self.data, self.out = folder / "data", folder / "out"
        self.run("synth", "--out", self.data, "--seed", 5, "--frames", FRAMES)
        version = ["--dataset-version", "v1.0-synth"]
        self.run("trace", self.data, *version, "--model", BUNDLE, "--out", self.out)
        self.model = yaml.safe_load((BUNDLE / "model.yaml").read_text())
        tables = self.data / "v1.0-synth"
        read = {p.stem: json.loads(p.read_text()) for p in tables.glob("*.json")}
        self.calibrations = {r["token"]: r for r in read["calibrated_sensor"]}
        self.channels = {r["token"]: r["channel"] for r in read["sensor"]}
        self.ego = {r["token"]: r for r in read["ego_pose"]}
        self.samples = sorted(read["sample"], key=lambda r: r["timestamp"])
        self.sample_data = [r for r in read["sample_data"] if r["is_key_frame"]]
        self.scene = next(self.out.iterdir())

    @staticmethod
    def run(*arguments: object) -> None:
        subprocess.run([str(PROGRAM), *map(str, arguments)], check=True)

    def array(self, frame: int, name: str) -> np.ndarray:
        return np.load(self.scene / str(frame) / f"{name}.npy")

    def rows(self, frame: int) -> dict[str, dict]:
        token = self.samples[frame]["token"]
        found = [r for r in self.sample_data if r["sample_token"] == token]
        return {self.channels[self.calibration(r)["sensor_token"]]: r for r in found}

    def calibration(self, row: dict) -> dict:
        return self.calibrations[row["calibrated_sensor_token"]]

    def global_from(self, row: dict) -> np.ndarray:
        return pose(self.ego[row["ego_pose_token"]]) @ pose(self.calibration(row))

    def cameras(self, frame: int) -> list[Camera]:
        rows = self.rows(frame)
        lidar_from_global = np.linalg.inv(self.global_from(rows["LIDAR_TOP"]))
        return [
            Camera(
                self.data / rows[name]["filename"],
                np.array(self.calibration(rows[name])["camera_intrinsic"]),
                lidar_from_global @ self.global_from(rows[name]),
            )
            for name in self.model["cameras"]
        ]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return Trace(tmp_path_factory.mktemp("trace"))


def crop(model: dict, source: tuple[int, int]) -> tuple[float, tuple[int, int], int, int]:
    image = model["image"]
    scale = image["width"] / source[0] + image["resize_extra"]
    size = int(source[0] * scale), int(source[1] * scale)
    left = int(max(0, size[0] - image["width"]) / 2)
    return scale, size, left, int((1 - image["crop_h"]) * size[1]) - image["height"]


def session(name: str) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(BUNDLE / name), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("frame", range(FRAMES))
def test_images(trace: Trace, frame: int) -> None:
    image = trace.model["image"]
    got = trace.array(frame, "images")
    for i, camera in enumerate(trace.cameras(frame)):
        source = Image.open(camera.path)
        _, size, left, top = crop(trace.model, source.size)
        window = (left, top, left + image["width"], top + image["height"])
        pixels = np.asarray(source.resize(size).crop(window), np.float32)
        want = (pixels / np.float32(255) - np.float32(image["mean"])) / np.float32(image["std"])
        np.testing.assert_allclose(got[i], want.transpose(2, 0, 1), atol=1e-6)


@pytest.mark.parametrize("frame", range(FRAMES))
def test_encoder(trace: Trace, frame: int) -> None:
    numbers = []
    for camera in trace.cameras(frame):
        scale, _, left, top = crop(trace.model, Image.open(camera.path).size)
        parts = [
            camera.intrinsics.ravel(),
            np.diag([scale, scale, 1]).ravel(),
            [-left, -top, 0],
            camera.lidar_from_camera[:3, :3].ravel(),
            camera.lidar_from_camera[:3, 3],
        ]
        numbers.append(np.concatenate(parts))
    inputs = {"images": trace.array(frame, "images"), "cameras": np.array(numbers, np.float32)}
    outputs = ["context", "mono_logits", "stereo_features"]
    for name, want in zip(outputs, session("image_encoder.onnx").run(outputs, inputs), strict=True):
        np.testing.assert_allclose(trace.array(frame, name), want.transpose(0, 3, 1, 2), atol=1e-5)


@pytest.mark.parametrize("frame", range(FRAMES))
def test_lift(trace: Trace, frame: int) -> None:
    model, image = trace.model, trace.model["image"]
    depth = trace.array(frame, "depth").astype(float)
    context = trace.array(frame, "context").astype(float)
    np.testing.assert_allclose(depth.sum(1), 1, atol=1e-5)
    _, bins, rows, columns = depth.shape
    axes = np.array([model["grid"][a] for a in "xyz"], float)
    counts = np.rint((axes[:, 1] - axes[:, 0]) / axes[:, 2]).astype(int)
    want = np.zeros((context.shape[1], counts[1], counts[0]))
    u = np.arange(columns) * (image["width"] - 1) / (columns - 1)
    v = np.arange(rows) * (image["height"] - 1) / (rows - 1)
    d = model["depth"]["start"] + model["depth"]["step"] * np.arange(bins)
    for i, camera in enumerate(trace.cameras(frame)):
        scale, _, left, top = crop(model, Image.open(camera.path).size)
        x, y, z = np.broadcast_arrays(
            (u[None, None] + left) / scale, (v[None, :, None] + top) / scale, d[:, None, None]
        )
        points = np.stack([x * z, y * z, z], -1) @ np.linalg.inv(camera.intrinsics).T
        rotate, move = camera.lidar_from_camera[:3, :3], camera.lidar_from_camera[:3, 3]
        points = points @ rotate.T + move
        cells = (points - axes[:, 0]) / axes[:, 2]
        inside = ((cells > -1) & (cells < counts)).all(-1)
        cells = np.trunc(cells[inside]).astype(int)
        values = depth[i][..., None] * context[i].transpose(1, 2, 0)
        np.add.at(want, (slice(None), cells[:, 1], cells[:, 0]), values[inside].T)
    np.testing.assert_allclose(trace.array(frame, "bev_raw"), want, atol=1e-4)


@pytest.mark.parametrize("frame", range(FRAMES))
def test_embedding(trace: Trace, frame: int) -> None:
    raw = trace.array(frame, "bev_raw").transpose(1, 2, 0)[None]
    (want,) = session("bev_embed.onnx").run(None, {"bev_raw": raw})
    np.testing.assert_allclose(trace.array(frame, "bev"), want[0].transpose(2, 0, 1), atol=1e-5)


def warp(planes: np.ndarray, past_from_current: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Resamples T C Y X bilinearly, zeros outside, at z = 1."""
    rows, columns = planes.shape[2:]
    x, y = np.meshgrid(
        axes[0, 0] + axes[0, 2] * np.arange(columns), axes[1, 0] + axes[1, 2] * np.arange(rows)
    )
    ones = np.ones(x.size)
    x, y, *_ = past_from_current @ np.stack([x.ravel(), y.ravel(), ones, ones])
    x, y = (x - axes[0, 0]) / axes[0, 2], (y - axes[1, 0]) / axes[1, 2]
    out = np.zeros((*planes.shape[:2], x.size))
    for i in (np.floor(x), np.floor(x) + 1):
        for j in (np.floor(y), np.floor(y) + 1):
            inside = (i >= 0) & (i < columns) & (j >= 0) & (j < rows)
            weight = (1 - abs(x - i)) * (1 - abs(y - j))
            source = planes[:, :, j[inside].astype(int), i[inside].astype(int)]
            out[:, :, inside] += source * weight[inside]
    return out.reshape(planes.shape)


@pytest.mark.parametrize("frame", range(1, FRAMES))
def test_history(trace: Trace, frame: int) -> None:
    """Each step resamples what the last one kept: the recursive mode."""
    newest, older = trace.array(frame - 1, "bev"), trace.array(frame - 1, "history")[:-1]
    before = np.concatenate([newest[None], older])
    lidar = [trace.global_from(trace.rows(i)["LIDAR_TOP"]) for i in (frame - 1, frame)]
    axes = np.array([trace.model["grid"][a] for a in "xy"], float)
    want = warp(before.astype(float), np.linalg.inv(lidar[0]) @ lidar[1], axes)
    np.testing.assert_allclose(trace.array(frame, "history"), want, atol=1e-4)


@pytest.mark.parametrize("frame", range(FRAMES))
def test_head(trace: Trace, frame: int) -> None:
    weights, head = load_file(BUNDLE / "weights.safetensors"), trace.model["head"]["input"]
    planes = [trace.array(frame, "bev"), *trace.array(frame, "history")]
    real = np.arange(1, len(planes)) <= frame
    ages = [0.0]
    for slot in range(1, len(planes)):  # copies of the first frame are as old as it is
        ages.append(0.5 * (slot if real[slot - 1] else frame))
    stack = np.concatenate(
        [
            np.maximum(
                np.einsum("oc,cyx->yxo", weights["time.weight"], plane)
                + weights["time.age"] * age
                + weights["time.bias"],
                0,
            )
            for plane, age in zip(planes, ages, strict=True)
        ],
        -1,
    )
    stored = np.clip(np.rint(stack / head["scale"]) + head["zero_point"], 0, 255).astype(np.uint8)
    network = session("head.onnx")
    outputs = network.run(None, {"stack": stored[None]})
    for port, want in zip(network.get_outputs(), outputs, strict=True):
        got = trace.array(frame, port.name)
        # One step of the input's scale may round the other way.
        np.testing.assert_allclose(got, want[0], atol=0.05, err_msg=port.name)
        assert np.mean(np.abs(got - want[0])) < 1e-4
