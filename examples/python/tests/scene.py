"""What the tests send: a stream in real time, and images encoded in other ways."""

import asyncio
import io
import time

import cv2
import numpy as np
from PIL import Image

CAMERAS = ["CAM_FRONT_LEFT", "CAM_FRONT", "CAM_FRONT_RIGHT", "CAM_BACK_LEFT", "CAM_BACK", "CAM_BACK_RIGHT"]


def all_at(rate: float) -> dict:
    """All cameras at one rate, in phase."""
    return {camera: (rate, 0.0) for camera in CAMERAS}


async def live(client, recording, seconds, cameras, *, poses=20.0, pose_delay=0.0, pose_offset_us=0,
               stamp=lambda us, who: us, send=lambda camera, k: True, images=None, tail=0.8):  # fmt: skip
    """Publishes a vehicle that stands still, in real time, and returns the results.

    cameras is {camera: (images a second, phase in s)}. Times are those of the clock, or
    stamp(us, camera or "pose"). send(camera, k) says whether its image k is sent. poses is
    their rate; they are sent pose_delay seconds late, with times moved by pose_offset_us.
    """
    images = images or pictures(recording)
    plan = [(k / rate + phase, camera, k) for camera, (rate, phase) in cameras.items()
            for k in range(int((seconds - phase) * rate))]  # fmt: skip
    if poses:
        plan += [(k / poses + pose_delay, "pose", k) for k in range(-6, int((seconds + 0.5) * poses))]
    start, n, still = time.time() + 0.4, len(client.got), recording.sets[0].pose
    for at, who, k in sorted(plan, key=lambda step: (step[0], step[1] != "pose")):
        await asyncio.sleep(max(0.0, start + at - time.time()))
        if who == "pose":
            us = int((start + k / poses) * 1e6) + pose_offset_us
            await client.pose(stamp(us, "pose"), still)
        elif send(who, k):
            mine = images[who]
            await client.frame(who, stamp(int((start + at) * 1e6), who), mine[k % len(mine)])
    await client.flush()
    await asyncio.sleep(tail)
    return [result for result, _ in client.got[n:]]


def pictures(recording) -> dict[str, list[bytes]]:
    """The images of each camera of a recording."""
    return {camera: [image.data for image in recording.images(camera)] for camera in CAMERAS}


def used(results) -> list[int]:
    """How many cameras each result used."""
    return [len(result.cameras_used) for result in results]


# Boxes.


def boxes(result, score=0.0):
    """The boxes of at least that score: class, score, and centre in the global frame."""
    places = [(box.class_name, box.score, getattr(box, "global").center) for box in result.detections]
    return [
        (name, round(s, 6), round(c.x, 4), round(c.y, 4), round(c.z, 4))
        for name, s, c in places
        if s >= score
    ]


def unmatched(a, b, score=0.4, within=2.0) -> float:
    """The share of a's strong boxes without a box of the same class near them in b."""
    strong, others = boxes(a, score), boxes(b, score * 0.5)
    assert strong, "the first result has no strong boxes"

    def near(x, y):
        return x[0] == y[0] and (x[2] - y[2]) ** 2 + (x[3] - y[3]) ** 2 < within**2

    return sum(not any(near(x, y) for y in others) for x in strong) / len(strong)


# Images.


def pil(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def save(picture: Image.Image, kind="JPEG", **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def again(**options):
    """A function that encodes a JPEG's pixels anew."""
    return lambda data: save(pil(data), quality=85, **options)


def bgr(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def encoded(pixels: np.ndarray, kind=".png", *flags) -> bytes:
    return cv2.imencode(kind, pixels, flags)[1].tobytes()


def segments(jpeg: bytes):
    """The marker segments before the scan: (marker, start, end); the last is the scan's header."""
    i, found = 2, []
    while True:
        marker, size = jpeg[i + 1], int.from_bytes(jpeg[i + 2 : i + 4], "big")
        found.append((marker, i, i + 2 + size))
        if marker == 0xDA:
            return found
        i += 2 + size


def scan(jpeg: bytes) -> int:
    """Where the scan's data begins."""
    return segments(jpeg)[-1][2]
