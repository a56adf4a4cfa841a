"""Calibrations as people really have them: cases 19, 20, 34 and 37."""

import asyncio
import copy
import math

import cv2
import pytest
from conftest import PATIENT
from scene import CAMERAS, bgr, boxes, encoded, unmatched
from service import Recorder, until

FRONT = "CAM_FRONT"


def front(rig):
    return next(camera for camera in rig.cameras if camera.name == FRONT)


def number(i, value):
    """A change of one number of the intrinsics."""

    def change(rig):
        front(rig).intrinsics[i] = value

    return change


def scaled(by):
    def change(rig):
        for i in (0, 2, 4, 5):
            front(rig).intrinsics[i] *= by

    return change


def size(width, height):
    def change(rig):
        front(rig).width, front(rig).height = width, height

    return change


def rotation(**values):
    def change(rig):
        for name, value in values.items():
            setattr(front(rig).ego_from_camera.rotation, name, value)

    return change


def translation(**values):
    def change(rig):
        for name, value in values.items():
            setattr(front(rig).ego_from_camera.translation, name, value)

    return change


def transposed(rig):
    k = list(front(rig).intrinsics)
    front(rig).intrinsics[:] = [k[j] for j in (0, 3, 6, 1, 4, 7, 2, 5, 8)]


def millimetres(rig):
    place = front(rig).ego_from_camera.translation
    place.x, place.y, place.z = 1000 * place.x, 1000 * place.y, 1000 * place.z


def twice(rig):
    front(rig).name = "CAM_BACK"


IMPOSSIBLE = {
    "principal point far outside": number(2, -4000.0),
    "transposed": transposed,
    "focal length 0.8": scaled(1 / 400),
    "last number 0": number(8, 0.0),
    "last number 2": number(8, 2.0),
    "skew NaN": number(1, math.nan),
    "focal length -1": number(0, -1.0),
    "focal length 1e300": number(0, 1e300),
    "focal length 1e-300": number(0, 1e-300),
    "quaternion 0": rotation(w=0, x=0, y=0, z=0),
    "quaternion NaN": rotation(w=math.nan),
    "translation infinite": translation(x=math.inf),
    "translation 1e30": translation(x=1e30),
    "millimetres": millimetres,
    "no rotation": lambda rig: front(rig).ego_from_camera.ClearField("rotation"),
    "8 numbers": lambda rig: front(rig).intrinsics.pop(),
    "same name twice": twice,
    "size 0": size(0, 900),
    "size 4294967295": size(4294967295, 4294967295),
    "size 65535": size(65535, 65535),
    "size 1": size(1, 1),
}


def finite(result) -> bool:
    return all(math.isfinite(box.ego.center.x) and math.isfinite(box.ego.yaw) for box in result.detections)


def test_impossible_calibrations(patient, tiny):
    """19: what cannot be right is refused, by its camera in log or status; the good
    calibration stays in force. (The log limits what it says of one kind of trouble.)"""

    async def run():
        silent, lost = [], []
        async with Recorder(patient) as client:
            await client.calibrate(tiny.rig, keep=False)
            assert await client.answer(tiny.sets[0])
            for name, change in IMPOSSIBLE.items():
                rig = copy.deepcopy(tiny.rig)
                change(rig)
                before, heard = len(patient.lines("WARN|ERROR")), len(client.said)
                await client.calibrate(rig, keep=False)
                await client.reset("again")
                result = await client.answer(tiny.sets[0], timeout=5)
                if result is None or len(result.cameras_used) != 6 or not finite(result):
                    lost.append(name)

                def named(before=before, heard=heard):
                    words = patient.lines("WARN|ERROR")[before:] + [s.last_error for s in client.said[heard:]]
                    words += [
                        trouble.words
                        for s in client.said[heard:]
                        for trouble in s.troubles
                        if not trouble.is_camera
                    ]
                    return any(FRONT in text or "CAM_BACK" in text for text in words)

                if not await until(named, 3):
                    silent.append(name)
        return silent, lost

    silent, lost = asyncio.run(run())
    assert not lost, "these took the good calibration's place"
    assert not silent, "nothing names the camera"


def test_odd_calibration_that_is_right(patient, tiny):
    """19: a quaternion need not have the length 1."""

    async def run():
        async with Recorder(patient) as client:
            await client.calibrate(tiny.rig, keep=False)
            one = await client.answer(tiny.sets[0])
            rig = copy.deepcopy(tiny.rig)
            q = front(rig).ego_from_camera.rotation
            q.w, q.x, q.y, q.z = 2 * q.w, 2 * q.x, 2 * q.y, 2 * q.z
            await client.calibrate(rig, keep=False)
            await client.reset("again")
            return one, await client.answer(tiny.sets[0])

    one, two = asyncio.run(run())
    assert len(two.cameras_used) == 6 and unmatched(one, two, score=0.1, within=0.1) == 0


NAMES = {
    "numbers": lambda name: f"camera{CAMERAS.index(name)}",
    "dots": lambda name: name.replace("_", "."),
    "lower case": str.lower,
    "umlaut": lambda name: "Kä " + name,
}


def test_names_and_order(patient, tiny):
    """20: names of cameras and their order do not change the boxes."""
    made = tiny.sets[0]

    async def answer(client, rig, rename=lambda name: name, cameras=CAMERAS):
        await client.calibrate(rig, keep=False)
        await client.reset("another rig")
        n = len(client.got)
        for image in made.images.values():
            await client.pose(image.time_us, image.pose)
        await client.pose(made.time_us, made.pose)
        for camera in cameras:
            image = made.images[camera]
            await client.frame(rename(camera), image.time_us, image.data, 0, key_time_us=made.time_us)
        return next(iter(await client.more(n)), None)

    async def run():
        async with Recorder(patient) as client:
            base = await answer(client, tiny.rig)
            got = {}
            for name, rename in NAMES.items():
                rig = copy.deepcopy(tiny.rig)
                for camera in rig.cameras:
                    camera.name = rename(camera.name)
                got[name] = await answer(client, rig, rename)
            turned = copy.deepcopy(tiny.rig)
            turned.cameras.sort(key=lambda camera: camera.name, reverse=True)
            got["order"] = await answer(client, turned)
            alone = copy.deepcopy(tiny.rig)
            del alone.cameras[:]
            alone.cameras.append(front(tiny.rig))
            return base, got, await answer(client, alone, cameras=[FRONT])

    base, got, alone = asyncio.run(run())
    for name, result in got.items():
        assert result and len(result.cameras_used) == 6, name
        assert unmatched(base, result, score=0.1, within=0.1) == 0, name
    assert alone and not alone.cameras_missing


@pytest.mark.parametrize("by", [0.5, 0.8])
def test_other_sizes(serve, drive, by):
    """20, 37: the same scene at another size, K with it, gives about the same boxes or a warning."""
    rig = copy.deepcopy(drive.rig)
    for camera in rig.cameras:
        camera.width, camera.height = round(camera.width * by), round(camera.height * by)
        for i in (0, 2, 4, 5):
            camera.intrinsics[i] *= by
    service = serve(**PATIENT)

    async def run():
        async with Recorder(service) as client:
            results = []
            for calibration, resize in ((drive.rig, False), (rig, True)):
                await client.calibrate(calibration, keep=False)
                await client.reset("another size")
                for made in drive.sets[:2]:
                    smaller = {}
                    for name, image in made.images.items() if resize else ():
                        pixels = cv2.resize(bgr(image.data), None, fx=by, fy=by, interpolation=cv2.INTER_AREA)
                        smaller[name] = encoded(pixels)
                    result = await client.answer(made, replace=smaller, timeout=60)
                results.append(result)
            return results

    whole, other = asyncio.run(run())
    assert len(other.cameras_used) == 6 and boxes(other)
    assert unmatched(whole, other) <= 0.35 or other.outside


@pytest.mark.parametrize("cameras", [600, 3000])
def test_many_cameras(patient, tiny, cameras):
    """34: a calibration of very many cameras is refused, and the process goes on."""

    async def run():
        async with Recorder(patient) as client:
            await client.calibrate(tiny.rig, keep=False)
            assert await client.answer(tiny.sets[0])
            before = patient.memory()
            rig = copy.deepcopy(tiny.rig)
            for i in range(cameras - 6):
                camera = copy.deepcopy(rig.cameras[i % 6])
                camera.name = f"camera{i}"
                rig.cameras.append(camera)
            await client.calibrate(rig, keep=False)
            result = await client.answer(tiny.sets[1])
            return result, patient.memory() - before

    result, grown = asyncio.run(run())
    assert len(result.cameras_used) == 6 and not result.cameras_missing
    assert grown < 300 and patient.lines(f"{cameras}")
