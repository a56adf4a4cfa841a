"""Prints results as they come, and the service's state when it changes.

    python watch.py [--url nats://127.0.0.1:4222] [--rig car] [--score 0.3] [--picture last.png] [--count N]

With --picture each result is drawn from above into that file.
"""

import argparse
import asyncio
import collections
import contextlib
import time

from solofusion_client.birdseye import draw
from solofusion_client.client import Client
from solofusion_client.messages import Detections, state


def describe(result: Detections, score: float) -> str:
    """One line: time, cameras, age, history, boxes by class, what is missing."""
    used, missing = len(result.cameras_used), len(result.cameras_missing)
    classes = collections.Counter(box.class_name for box in result.detections if box.score >= score)
    words = ", ".join(f"{n} {name}" for name, n in classes.most_common()) or "no boxes"
    age = time.time() - result.time_us / 1e6
    when = f"{result.time_us / 1e6:.3f}  {age:.2f} s old"
    line = f"{when}  {used}/{used + missing} cameras  history {result.history.depth}  {words}"
    return line + (f"  without {', '.join(result.cameras_missing)}" if missing else "")


async def states(client: Client):
    """Prints the state when it changes."""
    said = None
    while True:
        status = await client.statuses.get()
        if (now := (state(status), status.last_error)) != said:
            said = now
            print(*filter(None, now), flush=True)


async def results(client: Client, args):
    """Prints each result, and draws it if that is wanted, until there were args.count."""
    shown = 0
    while not args.count or shown < args.count:
        result = await client.results.get()
        print(describe(result, args.score), flush=True)
        if args.picture:
            draw(result, args.score).save(args.picture)
        shown += 1


async def main():
    parser = argparse.ArgumentParser(description="Prints results and states as they come.")
    parser.add_argument("--url", default="nats://127.0.0.1:4222")
    parser.add_argument("--rig", default="car")
    parser.add_argument("--score", type=float, default=0.3, help="lowest score of the boxes that count")
    parser.add_argument("--picture", help="PNG file that shows the last result from above")
    parser.add_argument("--count", type=int, default=0, help="end after so many results")
    args = parser.parse_args()
    async with Client(args.url, args.rig) as client:
        watching = asyncio.create_task(states(client))
        await results(client, args)
        watching.cancel()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
