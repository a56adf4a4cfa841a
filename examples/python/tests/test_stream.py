"""Streams as vehicles really send them: cases 10, 12, 14, 17, 22, 23, 30 and 33."""

import asyncio
import re
import time

import pytest
from conftest import SMALL
from scene import CAMERAS, all_at, boxes, live, used
from service import Recorder
from solofusion_client.messages import state

BACK = "CAM_BACK"


def stream(service, recording, *parts):
    """Runs parts, functions of a client, one after the other; returns what each returns."""

    async def run():
        async with Recorder(service) as client:
            await client.calibrate(recording.rig)
            return [await part(client) for part in parts]

    return asyncio.run(run())


def words(client, n=0) -> str:
    """All that the statuses after the first n said in words."""
    said = []
    for s in client.said[n:]:
        said += [s.words, s.last_error, *(f"{t.subject} {t.cause} {t.words}" for t in s.troubles)]
        said += [f"{camera.name} {camera.words}" for camera in s.cameras]
    return "\n".join(said)


def mostly(results, *cameras) -> bool:
    """Whether all results but two, which a busy machine may spoil, used so many cameras."""
    return sum(n in cameras for n in used(results)) >= len(results) - 2


def dropped(status) -> dict:
    return {name: n for name, n in status.counts.items() if name.startswith(("drop.", "lost.")) and n}


def test_mixed_rates(small, tiny):
    """10: results come at the slow rate with all cameras; the fast one's other frames are counted."""

    async def part(client):
        results = await live(client, tiny, 4, all_at(5) | {"CAM_FRONT": (15, 0.0)})
        return results, await client.status()

    ((results, status),) = stream(small, tiny, part)
    results = results[1:-1]  # the fast camera ends after the others
    assert len(results) >= 6 and mostly(results, 6), used(results)
    assert min(used(results)) > 1, "a result rests on a camera alone"
    assert sum(dropped(status).values()) >= 20, "the fast camera's other frames are not counted"


def test_uneven_moments(small, tiny):
    """10, 23: cameras that capture together, 0.3 and 0.7 s apart, are all in every result."""

    async def part(client):
        return await live(client, tiny, 6, all_at(10), send=lambda camera, k: k % 10 in (0, 3))

    (results,) = stream(small, tiny, part)
    assert len(results) >= 10 and mostly(results, 6), used(results)


@pytest.mark.parametrize("key", [True, False], ids=["key frames", "capture times"])
def test_short_loop(small, tiny, key):
    """12: a recording in a loop gives results in each turn; the first says that time went back."""

    async def turn(client):
        n = len(client.got)
        for made in tiny.sets:
            m = len(client.got)
            await client.send_set(made, key=key)
            await client.more(m, timeout=3)
        return [result for result, _ in client.got[n:]]

    turns = stream(small, tiny, turn, turn, turn)
    for i, results in enumerate(turns):
        assert len(results) >= len(tiny.sets) - 1, f"turn {i} has {len(results)} results"
        assert set(used(results)) == {6}
    for results in turns[1:]:
        assert re.search("time|clock|back|jump", results[0].history.reset_reason)
        assert results[0].history.depth == 0


UNITS = {
    "nanoseconds": (lambda us: us * 1000, "nanosecond"),
    "milliseconds": (lambda us: us // 1000, "millisecond"),
    "seconds": (lambda us: us // 1_000_000, "second"),
    "zero": (lambda us: 0, "missing|zero"),
    "negative": (lambda us: -us, "time_us|captured_us|negative|before 1970"),
    "largest": (lambda us: 2**63 - 1, "time_us|captured_us|year"),
}


@pytest.mark.parametrize("unit", UNITS)
def test_units(small, tiny, unit):
    """14: times in another unit give no result, and words that name the unit."""
    change, name = UNITS[unit]

    async def part(client):
        results = await live(client, tiny, 2, all_at(5), stamp=lambda us, who: change(us))
        status = await client.status()
        return results, status, words(client)

    ((results, status, said),) = stream(small, tiny, part)
    assert not results
    assert re.search(name, said + small.log()), "nothing says what is wrong"
    assert state(status) == "WAITING" and sum(dropped(status).values()) > 0


def test_time_since_boot(small, tiny):
    """14: any clock will do if all cameras and the poses have it."""

    async def part(client):
        return await live(client, tiny, 2, all_at(5), stamp=lambda us, who: us - 1_700_000_000_000_000)

    (results,) = stream(small, tiny, part)
    assert len(results) >= 3 and mostly(results, 6)


def test_times_without_their_small_digits(small, tiny):
    """14: seconds as float32 stand still for two minutes: the cameras are said to be stuck."""

    async def part(client):
        results = await live(client, tiny, 3, all_at(5), stamp=lambda us, who: us // 2**27 * 2**27)
        return results, words(client)

    ((results, said),) = stream(small, tiny, part)
    assert len(results) <= 2  # a second one if the two minutes end meanwhile
    assert re.search(f"{BACK} stuck repeats the capture time", said)
    assert small.lines(BACK, "stuck", "repeats the capture time")


def test_one_camera_in_another_unit(small, tiny):
    """14: five cameras go on, and the sixth is named."""

    async def part(client):
        stamp = lambda us, who: us * 1000 if who == BACK else us  # noqa: E731
        return await live(client, tiny, 3, all_at(5), stamp=stamp), words(client)

    ((results, said),) = stream(small, tiny, part)
    assert len(results) >= 3 and mostly(results, 5)
    assert all(BACK in result.cameras_missing for result in results[1:])
    assert re.search(f"{BACK}.*nanosecond", said + small.log())


POSES = {
    "none": (dict(poses=0), "poses"),
    "300 ms late": (dict(pose_delay=0.3), r"pose.* \d+ ms.*sync.deadline"),
    "two a second": (dict(poses=2), r"pose.*\d"),
    "three seconds ahead": (dict(pose_offset_us=3_000_000), r"pose.*\d"),
    "one second behind": (dict(pose_offset_us=-1_000_000), r"pose.*\d"),
}


@pytest.mark.parametrize("kind", POSES)
def test_poses_that_do_not_serve(serve, tiny, kind):
    """17: no results, words that say which trouble it is, and not ready."""
    how, pattern = POSES[kind]
    service = serve(bundle=SMALL, SERVICE_STALE_AFTER="1s")

    async def part(client):
        cameras = {camera: (5, 0.07) for camera in CAMERAS}  # never at the time of a pose
        results = await live(client, tiny, 4, cameras, tail=0.2, **how)
        ready, page = service.get("/readyz")
        return results, words(client), ready, page

    ((results, said, ready, page),) = stream(service, tiny, part)
    assert len(results) <= 2, "results without poses for their times"
    assert re.search(pattern, said) and re.search(pattern, service.log())
    assert ready == 503 and "pose" in page


def test_late_poses(small, tiny):
    """17: a localisation that is 100 ms late works."""

    async def part(client):
        return await live(client, tiny, 3, all_at(5), pose_delay=0.1)

    (results,) = stream(small, tiny, part)
    assert len(results) >= 4 and mostly(results, 6)


def test_one_camera_late(small, tiny):
    """22: a camera that arrives after the deadline is missing; the words say by how much."""

    async def part(client):
        cameras = all_at(4) | {BACK: (4, 0.2)}
        stamp = lambda us, who: us - 200_000 if who == BACK else us  # noqa: E731
        return await live(client, tiny, 4, cameras, stamp=stamp), words(client)

    ((results, said),) = stream(small, tiny, part)
    assert len(results) >= 4 and mostly(results, 5, 6)
    assert re.search(rf"{BACK}.* \d+.*sync.deadline", said) and small.lines(BACK, "sync.deadline")


@pytest.mark.parametrize("off", [300_000, -300_000], ids=["ahead", "behind"])
def test_one_clock_off(small, tiny, off):
    """22: results have at least five cameras, none is of that camera alone, and it is named."""

    async def part(client):
        stamp = lambda us, who: us + off if who == BACK else us  # noqa: E731
        return await live(client, tiny, 6, all_at(2), stamp=stamp), words(client)

    ((results, said),) = stream(small, tiny, part)
    assert len(results) >= 4 and mostly(results, 5, 6), used(results)
    assert not any([use.camera for use in result.cameras_used] == [BACK] for result in results)
    assert re.search(rf"{BACK}.* \d+", said) and small.lines(BACK, r"\d ms|\ds\b|0\.3 s")


def test_ten_hertz(serve, tiny):
    """23: the history spans the same time at 10 Hz as at 2 Hz, and speeds are about the same."""

    def play(step):
        async def part(client):
            await client.reset(f"every {step}th image")
            streams = {camera: list(tiny.images(camera))[::step] for camera in CAMERAS}
            for camera in CAMERAS:
                for image in tiny.images(camera):
                    await client.pose(image.time_us, image.pose)
            for i in range(len(streams[BACK])):
                n = len(client.got)
                for camera in CAMERAS:
                    await client.frame(
                        camera, streams[camera][i].time_us, streams[camera][i].data, sequence=0
                    )
                await client.more(n, timeout=30)
            return client.got[-1][0]

        return part

    slow, fast = stream(serve(), tiny, play(5), play(1))
    assert abs(slow.time_us - fast.time_us) < 600_000
    assert fast.history.oldest_age_us > slow.history.oldest_age_us - 600_000 > 0
    assert fast.history.depth <= slow.history.depth + 1

    def speeds(result):
        return [
            (b.ego.center, b.ego.velocity_x, b.ego.velocity_y) for b in result.detections if b.score >= 0.4
        ]

    errors = []
    for place, x, y in speeds(fast):
        near = [
            ((place.x - p.x) ** 2 + (place.y - p.y) ** 2, (x - a) ** 2 + (y - b) ** 2)
            for p, a, b in speeds(slow)
        ]
        if near and min(near)[0] < 4:
            errors.append(min(near)[1] ** 0.5)
    assert errors and sum(errors) / len(errors) < 2.5, errors


def test_overload(serve, tiny):
    """30: with ten times what it can do, results stay near, all is counted, memory is level."""
    service = serve(SYNC_DEADLINE="2s")  # a busy sender may take long for a set
    pictures = {camera: next(tiny.images(camera)).data for camera in CAMERAS}

    async def send(client, us):
        await client.pose(us - 30_000, tiny.sets[0].pose)
        await client.pose(us, tiny.sets[0].pose)
        for camera in CAMERAS:
            await client.frame(camera, us, pictures[camera], sequence=0)

    async def part(client):
        took = []
        for _ in range(12):  # until the history is full
            n, began = len(client.got), time.time()
            await send(client, int(began * 1e6))
            assert await client.more(n)
            took.append(time.time() - began)
        one, before, sent = sorted(took)[6], service.memory(), {}
        first, start = len(client.got), time.time()
        while time.time() - start < 8:
            us = int(time.time() * 1e6)
            sent[us] = time.time()
            await send(client, us)
            await client.flush()
            await asyncio.sleep(max(0.0, start + len(sent) * one / 10 - time.time()))
        await asyncio.sleep(3 * one + 1)
        late = [at - sent[result.time_us] for result, at in client.got[first:]]
        return one, len(sent), late, client.got, await client.status(), service.memory() - before

    ((one, sent, late, got, status, grown),) = stream(service, tiny, part)
    assert len(late) >= 4 and sorted(late)[len(late) // 2] < 4 * one + 0.3, (one, late)
    assert {len(result.cameras_used) for result, _ in got} == {6}
    counts = status.counts
    assert counts["results"] == len(got)
    assert counts["sets"] == counts["results"] + sum(
        n for name, n in counts.items() if name.startswith("lost.")
    )
    drops = sum(n for name, n in counts.items() if name.startswith("drop."))
    assert 6 * (sent + 12) <= 6 * counts["sets"] + drops, "frames are lost that nothing counts"
    assert grown < 150, "memory grows"


def test_camera_stops_and_returns(serve, tiny):
    """33: results go on without the camera; state, log and metrics name it; then it is back."""
    service = serve(bundle=SMALL, SERVICE_STALE_AFTER="2s")

    async def gone(client):
        results = await live(
            client, tiny, 8, all_at(4), send=lambda camera, k: camera != BACK or not 8 <= k < 20
        )
        return results, words(client), [state(s) for s in client.said]

    async def stopped(client):
        await asyncio.sleep(3)
        return await client.status(), service.get("/readyz")

    (results, said, states), (status, (ready, page)) = stream(service, tiny, gone, stopped)
    counts = used(results)
    assert 4 <= counts.count(5) <= 16 and 6 in counts[-3:] and mostly(results, 5, 6), counts
    assert BACK in said and "DEGRADED" in states and "RUNNING" in states
    assert len(service.lines(BACK)) >= 2, "the log tells when it stops and when it is back"
    assert len(service.lines(BACK)) <= 6, "the log repeats itself"
    assert service.metric(rf".*missing.*{BACK}") > 0
    assert state(status) == "WAITING" and status.waiting_for == "frames"
    assert ready == 503, page


def test_boxes_have_numbers(small, tiny):
    """Results have boxes in all frames of reference; without a lidar none in that one."""

    async def part(client):
        return await client.answer(tiny.sets[0])

    (result,) = stream(small, tiny, part)
    assert boxes(result) and result.detections[0].HasField("lidar") and result.detections[0].ego.center.x
