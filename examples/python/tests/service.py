"""A process of solofusion serve, and a client that keeps all that it gets."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import nats.errors
from solofusion_client.client import Client


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Service:
    """serve with an embedded NATS server of its own, unless settings name another."""

    def __init__(self, program, log_file, bundle, settings):
        self.program, self.log_file, self.killed = program, log_file, False
        self.port, self.http = free_port(), free_port()
        ours = {
            "NATS_EMBEDDED_PORT": self.port,
            "HTTP_LISTEN": f"127.0.0.1:{self.http}",
            "MODEL_BUNDLE": bundle,
        }
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("SOLOFUSION_NATS")}
        # By default Go lets garbage double the memory before it collects any: a test cannot
        # tell that from memory that is kept.
        self.env |= {"GOGC": "25"}
        self.env |= {"XDG_CONFIG_HOME": "/nonexistent", "XDG_STATE_HOME": str(log_file.parent / "state")}
        self.env |= {f"SOLOFUSION_{key}": str(value) for key, value in (ours | settings).items()}
        self.url = settings.get("NATS_URL", f"nats://127.0.0.1:{self.port}")

    def start(self, wait=True):
        """Starts the process, and returns when it takes frames."""
        already = self.log().count("taking frames")
        with self.log_file.open("a") as log:
            self.process = subprocess.Popen([self.program, "serve"], env=self.env, stdout=log, stderr=log)
        end = time.time() + 60
        while wait and self.log().count("taking frames") == already:
            if self.process.poll() is not None or time.time() > end:
                self.killed = True
                raise RuntimeError(f"serve did not start ({self.process.poll()}): {self.log()}")
            time.sleep(0.05)
        return self

    def stop(self, how=signal.SIGTERM) -> int:
        """Ends the process and returns its exit code."""
        if self.process.poll() is None:
            self.killed = how == signal.SIGKILL
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def log(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    def lines(self, *words) -> list[str]:
        """The lines of the log that have all the words, patterns of re."""
        return [line for line in self.log().splitlines() if all(re.search(word, line) for word in words)]

    def get(self, path) -> tuple[int, str]:
        """Status and text of a page of the HTTP server."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, pattern) -> float:
        """The sum of the metrics that match the pattern."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if re.match(pattern, line)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def memory(self) -> int:
        """Resident memory in MiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS"))


class Recorder(Client):
    """A client that keeps all results, with the times at which they came, and all statuses."""

    def __init__(self, service, **options):
        super().__init__(service.url, **options)
        self.service, self.got, self.said = service, [], []

    async def __aenter__(self):
        await super().__aenter__()
        self.tasks = [asyncio.create_task(self._keep_results()), asyncio.create_task(self._keep_statuses())]
        return self

    async def __aexit__(self, *exc):
        for task in self.tasks:
            task.cancel()
        await super().__aexit__(*exc)

    async def _keep_results(self):
        while True:
            self.got.append((await self.results.get(), time.time()))

    async def _keep_statuses(self):
        while True:
            self.said.append(await self.statuses.get())

    async def more(self, n, count=1, timeout=20.0):
        """Waits until there are count results beyond the first n; returns those there are."""
        await until(lambda: len(self.got) >= n + count, timeout)
        return [result for result, _ in self.got[n:]]

    async def status(self, timeout=10.0):
        """The next status that comes."""
        n = len(self.said)
        await until(lambda: len(self.said) > n, timeout)
        return self.said[-1]

    async def settled(self, what, timeout=10.0):
        """The next status for which what(status) is true; the last one if none is."""
        n = len(self.said)
        await until(lambda: any(what(s) for s in self.said[n:]), timeout)
        return next((s for s in self.said[n:] if what(s)), self.said[-1])

    async def publish(self, kind, message, confirm=False):
        """Sends as a vehicle does, which goes on if the server is away."""
        try:
            await super().publish(kind, message, confirm)
        except (
            ConnectionError,
            nats.errors.OutboundBufferLimitError,
            nats.errors.ConnectionClosedError,
        ) as error:
            self.errors.append(error)

    async def flush(self):
        with contextlib.suppress(nats.errors.Error, ConnectionError):
            await super().flush()

    async def send_set(self, made, shift=0, replace=None, without=(), key=True, poses=True, **fields):
        """Sends a set of a recording: poses, then images. replace has other bytes for cameras."""
        if poses:
            await self.pose(made.time_us + shift, made.pose)
            for image in made.images.values():
                await self.pose(image.time_us + shift, image.pose)
        for camera, image in made.images.items():
            if camera in without:
                continue
            data = (replace or {}).get(camera, image.data)
            key_time = made.time_us + shift if key else 0
            await self.frame(camera, image.time_us + shift, data, key_time_us=key_time, sequence=0, **fields)
        await self.flush()

    async def answer(self, made, timeout=20.0, **how):
        """The result of a set, None if there is none."""
        n = len(self.got)
        await self.send_set(made, **how)
        return next(iter(await self.more(n, timeout=timeout)), None)


async def until(condition, timeout) -> bool:
    """Waits until the condition holds, and returns whether it does."""
    end = time.time() + timeout
    while not condition() and time.time() < end:
        await asyncio.sleep(0.02)
    return condition()
