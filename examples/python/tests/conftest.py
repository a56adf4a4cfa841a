"""What the tests share: the program, the drives, a service for a module of tests.

The program is bin/solofusion of the checkout or $SOLOFUSION_BIN. Drives are rendered once,
into out/test-client.
"""

import os
import pathlib
import subprocess

import generate
import pytest

generate.generate()

from service import Service  # noqa: E402
from solofusion_client.recording import Recording  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
OUT = ROOT / "out" / "test-client"
SMALL = str(ROOT / "internal" / "testbundle" / "bundle")  # random weights: fast, its boxes mean nothing
PATIENT = {"SYNC_DEADLINE": "30s"}


def program() -> str:
    return os.environ.get("SOLOFUSION_BIN", str(ROOT / "bin" / "solofusion"))


def rendered(name: str, *flags: str) -> Recording:
    """The drive of solofusion synth with those flags, rendered if it is not there."""
    drive = OUT / name
    if not (drive / ".rendered").exists():
        subprocess.run([program(), "synth", "--out", drive, "--drives", "1", *flags], check=True)
        (drive / ".rendered").touch()
    return Recording(drive)


@pytest.fixture(scope="session")
def drive() -> Recording:
    """Three sets of six cameras at full size, 1600 x 900 JPEG."""
    return rendered("drive", "--seed", "7", "--frames", "3")


@pytest.fixture(scope="session")
def tiny() -> Recording:
    """Two seconds at 10 images a second, at the network's size, 352 x 128."""
    return rendered("tiny", "--seed", "7", "--frames", "5", "--rate", "10", "--window", "352x128@0.24+16+88")


@pytest.fixture
def serve(request, tmp_path):
    """Starts services: serve(), serve(bundle=…, NATS_TOKEN="t"). They end with the test, which
    fails if one does not end well, and has its log then."""
    started = []

    def start(bundle="default", **settings) -> Service:
        service = Service(program(), tmp_path / f"serve{len(started)}.log", bundle, settings)
        started.append(service)
        return service.start()

    yield start
    for service in started:
        code = service.stop()
        print(f"--- log of {service.log_file.name}\n{service.log()}")
        assert code == 0 or service.killed, f"serve ended with {code}"


@pytest.fixture
def small(serve):
    """A service with the small bundle."""
    return serve(bundle=SMALL)


@pytest.fixture
def patient(serve):
    """A service with the small bundle that waits for all cameras, so that results do not depend
    on how fast the machine sends."""
    return serve(bundle=SMALL, **PATIENT)
