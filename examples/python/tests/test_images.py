"""Images as cameras and drivers really send them: cases 01 to 06, 15 and 34."""

import asyncio
import base64
import re
import struct
import time
import zlib

import cv2
import nats.errors
import numpy as np
import pytest
from conftest import PATIENT
from PIL import Image
from scene import again, bgr, boxes, encoded, pil, save, scan, segments, unmatched
from service import Recorder, until

CAMERA = "CAM_FRONT"


def shown(service, recording, variants: dict, sets=1):
    """The result of each variant of CAM_FRONT's image, after a reset; None if there is none.
    A variant is a function of the JPEG file's bytes, or None for the file itself."""

    async def run():
        results = {}
        async with Recorder(service) as client:
            await client.calibrate(recording.rig)
            for name, change in variants.items():
                await client.reset(name)
                for made in recording.sets[:sets]:
                    data = made.images[CAMERA].data
                    how = {CAMERA: change(data) if change else data}
                    results[name] = await client.answer(made, replace=how)
            return results

    return asyncio.run(run())


def rejection(result) -> str:
    """Why the camera's image was not used, "" if it was used."""
    assert result is not None, "no result"
    assert (CAMERA in result.cameras_missing) == (CAMERA in {r.camera for r in result.cameras_rejected})
    return next((r.reason for r in result.cameras_rejected if r.camera == CAMERA), "")


def damage(result) -> str:
    """What a result says of an image that it used though it is damaged."""
    return next((note.words for note in result.cameras_damaged if note.camera == CAMERA), "")


def without(jpeg: bytes, *markers) -> bytes:
    """The file without the segments of those markers."""
    kept = [jpeg[a:b] for marker, a, b in segments(jpeg) if marker not in markers]
    return jpeg[:2] + b"".join(kept) + jpeg[scan(jpeg) :]


def test_motion_jpeg_without_tables(patient, tiny):
    """01: the standard Huffman tables are meant if a file has none."""
    plain = again()
    got = shown(patient, tiny, {
        "whole": plain,
        "no tables": lambda j: without(plain(j), 0xC4, 0xE0),
        "AVI1": lambda j: b"\xff\xd8\xff\xe0\0\x10AVI1" + bytes(10) + without(plain(j), 0xC4, 0xE0)[2:],
    })  # fmt: skip
    for name, result in got.items():
        assert rejection(result) == "", name
        assert boxes(result) == boxes(got["whole"]) != [], name


def test_kinds_of_jpeg(patient, tiny):
    """02: kinds with the same pixels give the same boxes, others are used."""
    plain = again()

    def sampled(factor):
        return lambda j: encoded(bgr(j), ".jpg", 1, 85, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor)

    def thumbnail(j):
        data = b"Exif\0\0" + save(pil(j).resize((160, 90)))
        return plain(j)[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(data)) + data + plain(j)[2:]

    def fill(j):
        at = segments(plain(j))[-1][1]
        return plain(j)[:at] + b"\xff\xff" + plain(j)[at:]

    same = {
        "plain": plain,
        "progressive": again(progressive=True),
        "optimised": again(optimize=True),
        "restart markers": again(restart_marker_blocks=4),
        "restart rows": again(restart_marker_rows=1),
        "zeros after the end": lambda j: plain(j) + bytes(4096),
        "another file after the end": lambda j: plain(j) + j,
        "fill bytes": fill,
        "comment of 64 kB": lambda j: plain(j)[:2] + b"\xff\xfe\xff\xff" + b"x" * 65533 + plain(j)[2:],
        "thumbnail": thumbnail,
    }
    others = {
        "4:4:4": again(subsampling=0),
        "4:2:2": again(subsampling=1),
        "4:1:1": sampled(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411),
        "4:4:0": sampled(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440),
    }
    got = shown(patient, tiny, same | others)
    for name, result in got.items():
        assert rejection(result) == "", name
        assert not damage(result), name
        assert name in others or boxes(result) == boxes(got["plain"]) != [], name


def test_damaged_jpeg(patient, tiny):
    """03: a file of which a part is missing is rejected, or used and said to be damaged."""
    end = b"\xff\xd9"

    def zeros(j):
        return j[: len(j) // 2] + bytes(2000) + j[len(j) // 2 + 2000 :]

    damaged = {
        "cut in half": lambda j: j[: len(j) // 2],
        "cut in half, with an end": lambda j: j[: len(j) // 2] + end,
        "a tenth of the scan": lambda j: j[: scan(j) + (len(j) - scan(j)) // 10] + end,
        "zeros in the middle": zeros,
        "packets lost": lambda j: j[: len(j) // 3] + j[len(j) // 3 + 1460 :],
        "begin and end only": lambda j: j[:2] + end,
        "header only": lambda j: j[: scan(j)] + end,
        "empty": lambda j: b"",
    }
    got = shown(patient, tiny, {"whole": None} | damaged)
    assert rejection(got["whole"]) == "" == damage(got["whole"])
    for name in damaged:
        words = rejection(got[name]) or damage(got[name])
        assert re.search("damaged|truncated|no image|empty", words), (
            f"{name}: {words or 'used, and nothing is said'}"
        )
    assert patient.lines(CAMERA, "damaged|truncated|rejected|corrupt"), "the log does not name the camera"


def test_colours(serve, drive):
    """04: colour images of all kinds give about the same boxes; grey ones are used."""

    def png(change):
        return lambda j: encoded(change(bgr(j)))

    same = {
        "JPEG": again(),
        "RGB JPEG": lambda j: save(pil(j), quality=90, keep_rgb=True),
        "PNG": png(lambda p: p),
        "opaque PNG": lambda j: save(pil(j).convert("RGBA"), "PNG", compress_level=1),
        "16 bit": png(lambda p: p.astype(np.uint16) * 257),
    }
    others = {
        "CMYK": lambda j: save(pil(j).convert("CMYK"), quality=90),
        "grey": lambda j: save(pil(j).convert("L"), quality=90),
        "palette": lambda j: save(pil(j).convert("P"), "PNG", compress_level=1),
    }
    got = shown(serve(**PATIENT), drive, same | others)
    for name in same:
        assert rejection(got[name]) == "", name
        assert unmatched(got["JPEG"], got[name]) <= 0.1, name
    assert "CMYK" in rejection(got["CMYK"]).upper() or unmatched(got["JPEG"], got["CMYK"]) <= 0.25
    assert rejection(got["grey"]) == ""


def test_orientation_is_ignored(patient, tiny):
    """05: calibrations are of the pixels as stored, whatever a tag says of them."""

    def tagged(number, turn=None):
        def change(j):
            picture = pil(j) if turn is None else pil(j).transpose(turn)
            tags = picture.getexif()
            tags[0x112] = number
            return save(picture, quality=85, exif=tags)

        return change

    got = shown(
        patient,
        tiny,
        {"plain": again(), "3": tagged(3), "6": tagged(6), "turned": tagged(6, Image.ROTATE_90)},
    )
    for name in ("3", "6"):
        assert rejection(got[name]) == "", name
        assert boxes(got[name]) == boxes(got["plain"]), name
    turned = rejection(got["turned"])
    assert "128" in turned and "352" in turned, "the rejection has both sizes"


@pytest.mark.parametrize("name", ["WebP", "BMP", "JPEG 2000", "H.264", "YUYV", "base64", "ROS header"])
def test_other_formats(patient, tiny, name):
    """06: the rejection says what is taken; the set goes on without that camera."""
    change = {
        "WebP": lambda j: save(pil(j), "WEBP"),
        "BMP": lambda j: save(pil(j), "BMP"),
        "JPEG 2000": lambda j: save(pil(j), "JPEG2000"),
        "H.264": lambda j: bytes.fromhex("00000001674d0028") + j[:5000],
        "YUYV": lambda j: bytes(352 * 128 * 2),
        "base64": base64.b64encode,
        "ROS header": lambda j: b"\x01\0\0\0cam0" + j,
    }[name]
    result = shown(patient, tiny, {name: change})[name]
    assert re.match("image is .*, want JPEG or PNG", rejection(result))
    assert len(result.cameras_used) == 5


def told(client) -> str:
    """All that the statuses said in words."""
    words = [
        s.words + s.last_error + " ".join(f"{t.subject} {t.cause} {t.words}" for t in s.troubles)
        for s in client.said
    ]
    return "\n".join(words)


@pytest.mark.parametrize("key", [True, False], ids=["key frames", "capture times"])
def test_frozen_camera(patient, tiny, key):
    """15a: a camera of a moving vehicle that repeats an image is named, and not used unless
    the source knows its sets, as a recording does."""

    async def run():
        async with Recorder(patient) as client:
            await client.calibrate(tiny.rig)
            frozen, results = tiny.sets[0].images[CAMERA].data, []
            for made in tiny.sets:
                results.append(await client.answer(made, replace={CAMERA: frozen}, key=key))
            await client.status()
            return results, told(client)

    results, words = asyncio.run(run())
    assert all(results)
    assert f"{CAMERA} frozen" in words
    assert {note.camera for note in results[-1].cameras_suspect} == {CAMERA}
    assert key == (not rejection(results[-1]))
    assert patient.lines(f"{CAMERA} frozen"), "the log does not name the camera"


def test_repeated_stamp(small, tiny):
    """15b: a camera that repeats image and time is missing, counted and named."""

    async def run():
        async with Recorder(small) as client:
            await client.calibrate(tiny.rig)
            first, results = tiny.sets[0].images[CAMERA], []
            for i, made in enumerate(tiny.sets):
                n = len(client.got)
                await client.send_set(made, without=[CAMERA], key=False)
                await client.frame(CAMERA, first.time_us, first.data, sequence=1)
                results += (await client.more(n))[:1]
                if i == 0:
                    await asyncio.sleep(0.3)
            return results, await client.status()

    results, status = asyncio.run(run())
    assert len(results) == len(tiny.sets)
    for result in results[1:]:
        assert list(result.cameras_missing) == [CAMERA]
    assert sum(n for name, n in status.counts.items() if name.startswith("drop.")) >= len(tiny.sets) - 1
    assert (
        "DEGRADED" in status.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number[status.state].name
    )
    assert small.lines(CAMERA), "the log does not name the camera"


def frame_header(width, height) -> bytes:
    parts = b"".join(bytes([i + 1, 0x22 if i == 0 else 0x11, 0]) for i in range(3))
    return b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + parts


def bomb(width, height) -> bytes:
    """A small JPEG file that claims a size."""
    scan_header = b"\xff\xda" + struct.pack(">HB", 12, 3) + bytes([1, 0, 2, 0, 3, 0]) + b"\0\x3f\0"
    return (
        b"\xff\xd8\xff\xdb\0\x43\0"
        + bytes([1] * 64)
        + frame_header(width, height)
        + scan_header
        + b"\xff\xd9"
    )


def png_bomb(width, height) -> bytes:
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(999)))
        + chunk(b"IEND", b"")
    )


def test_bombs(patient, tiny):
    """34: small files that claim gigabytes are rejected by their headers, at once."""

    def scans(j):
        p = again(progressive=True)(j)
        last = p.rfind(b"\xff\xda")
        return p[:-2] + p[last:-2] * 2000 + b"\xff\xd9"

    bombs = {
        "JPEG": lambda j: bomb(65500, 65500),
        "no data": lambda j: bomb(352, 128),
        "PNG": lambda j: png_bomb(2**31 - 1, 2**31 - 1),
        "short PNG": lambda j: png_bomb(352, 128),
        "two headers": lambda j: j[:2] + frame_header(65500, 65500) + j[2:],
        "scans": scans,
    }

    async def run():
        async with Recorder(patient) as client:
            await client.calibrate(tiny.rig)
            await client.answer(tiny.sets[0])
            before = patient.memory()
            for name, change in bombs.items():
                await client.reset(name)
                began = time.time()
                result = await client.answer(
                    tiny.sets[0], replace={CAMERA: change(tiny.sets[0].images[CAMERA].data)}
                )
                assert result and len(result.cameras_used) >= 5, name
                assert name == "scans" or rejection(result) or damage(result), name
                assert time.time() - began < 10, name
            assert patient.memory() < before + 200, "memory is not level"
            with pytest.raises(nats.errors.MaxPayloadError):
                await client.frame(CAMERA, 1, bytes(9_000_000))
            assert await until(lambda: patient.process.poll() is None, 1)

    asyncio.run(run())
