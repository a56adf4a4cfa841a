"""The example's own programs, and play and watch beside them."""

import asyncio
import json
import subprocess
import sys

from conftest import OUT, ROOT, program
from PIL import Image
from service import until
from solofusion_client.names import token


def run(*args, timeout=60):
    return subprocess.Popen([*map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


EXAMPLE = ROOT / "examples" / "python"


def test_publish_watch_draw(small, tiny, tmp_path):
    """The two programs of the README: results come, and are drawn."""
    picture = tmp_path / "last.png"
    watch = run(sys.executable, EXAMPLE / "watch.py", "--url", small.url, "--count", 3, "--picture", picture)
    publish = run(sys.executable, EXAMPLE / "publish.py", OUT / "tiny", "--url", small.url, "--loop")
    try:
        out, err = watch.communicate(timeout=60)
    finally:
        publish.terminate()
        publish.communicate()
    assert watch.returncode == 0, err
    lines = [line for line in out.splitlines() if "cameras" in line]
    assert len(lines) == 3 and all("6/6 cameras" in line for line in lines), out
    assert "RUNNING" in out or "WAITING" in out
    with Image.open(picture) as drawn:
        assert drawn.size == (800, 800) and len(set(drawn.get_flattened_data())) > 5


def test_play_and_watch(small, tiny, tmp_path):
    """play sends as the vehicle would, watch --json says what the client hears."""
    watching = run(program(), "watch", "--url", small.url, "--json")
    asyncio.run(until(lambda: watching.poll() is not None, 2))
    playing = subprocess.run(
        [program(), "play", OUT / "tiny", "--url", small.url, "--rate", "max"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    watching.terminate()
    out, err = watching.communicate(timeout=10)
    assert playing.returncode == 0, playing.stderr
    assert "sent 30 images" in playing.stderr and "5 results came back" in playing.stderr
    assert watching.returncode == 0, err
    messages = [json.loads(line) for line in out.splitlines()]
    results = [message["result"] for message in messages if "result" in message]
    assert len(results) == 5 and all(len(result["cameras"]) == 6 for result in results)
    assert any("status" in message for message in messages)


def test_tokens():
    assert token("CAM_FRONT-2") == "CAM_FRONT-2"
    assert token("vorn links.ä%=") == "vorn=20links=2E=C3=A4=25=3D"
