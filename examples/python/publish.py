"""Publishes a drive in nuScenes format as its vehicle would, with times moved to now.

python publish.py DRIVE [--url nats://127.0.0.1:4222] [--rig car] [--loop]
"""

import argparse
import asyncio
import contextlib
import time

from solofusion_client.client import Client
from solofusion_client.recording import Recording


def events(recording: Recording):
    """All poses and images of a recording in order of time: (time, camera or None, value)."""
    for made in recording.sets:
        yield made.time_us, "", made.pose
        for camera, image in made.images.items():
            yield image.time_us, "", image.pose
            yield image.time_us, camera, image


async def publish(client: Client, recording: Recording):
    """Sends the recording in real time. Its first event is now."""
    await client.calibrate(recording.rig)
    ordered = sorted(events(recording), key=lambda event: event[:2])  # poses before images
    start, first = time.time(), ordered[0][0]
    for at, camera, value in ordered:
        await asyncio.sleep(max(0.0, start + (at - first) / 1e6 - time.time()))
        stamp = at - first + int(start * 1e6)
        if camera:
            await client.frame(camera, stamp, value.data)
        else:
            await client.pose(stamp, value)
    await client.flush()


async def main():
    parser = argparse.ArgumentParser(description="Publishes a drive as its vehicle would.")
    parser.add_argument("drive", help="folder in nuScenes format, for example of solofusion synth")
    parser.add_argument("--url", default="nats://127.0.0.1:4222")
    parser.add_argument("--rig", default="car")
    parser.add_argument("--loop", action="store_true", help="again and again, until Ctrl-C")
    args = parser.parse_args()
    recording = Recording(args.drive, rig=args.rig)
    async with Client(args.url, args.rig) as client:
        await publish(client, recording)
        while args.loop:
            await client.reset("the drive begins again")
            await publish(client, recording)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
