"""The recipe of scripts/train-default.sh in small: two steps of every stage on a
rendered drive, export, and the program's own verification of the bundle."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from program import PROGRAM, ROOT
from solofusion.train import STAGES


def module(name: str, *arguments: object) -> None:
    command = [sys.executable, "-m", f"solofusion.{name}", *map(str, arguments)]
    subprocess.run(command, check=True, cwd=ROOT / "training", stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two steps a stage."""
    folder = tmp_path_factory.mktemp("train")
    subprocess.run([
        PROGRAM, "synth", "--out", folder / "drives", "--seed", "3", "--drives", "1", "--frames", "5",
        "--window", "352x128@0.24+16+88", "--depth",
    ], check=True)
    module("prepare", folder / "drives", "--out", folder / "cache")
    for stage in STAGES:
        module(
            "train", stage, folder / "cache", "--out", folder / "run", "--steps", 2, "--batch", 2,
            *(["--detect-from", 0] if stage == "single" else []),
        )
    return folder


def test_every_stage_leaves_a_checkpoint(run: Path) -> None:
    assert {p.stem for p in (run / "run").glob("*.pt")} == set(STAGES)


def test_a_finished_stage_is_passed_over(run: Path) -> None:
    before = (run / "run" / "stereo.pt").stat().st_mtime_ns
    module("train", "stereo", run / "cache", "--out", run / "run", "--steps", 2, "--batch", 2)
    assert (run / "run" / "stereo.pt").stat().st_mtime_ns == before


def test_the_bundle_is_sound_and_says_where_it_comes_from(run: Path) -> None:
    module(
        "export", run / "run", "--cache", run / "cache", "--out", run / "bundle", "--calibration", 2
    )
    subprocess.run([PROGRAM, "model", "verify", run / "bundle"], check=True)
    provenance = yaml.safe_load((run / "bundle" / "model.yaml").read_text())["provenance"]
    assert {s: p["steps"] for s, p in provenance["stages"].items()} == dict.fromkeys(STAGES, 2)
