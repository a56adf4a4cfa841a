"""The recipe of scripts/train-default.sh in small: two steps of every stage on a
rendered drive, export, and the program's own verification of the bundle."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from program import PROGRAM, ROOT
from shared import shared
from solofusion.command import Refused
from solofusion.config import load_config
from solofusion.dataset import UNKNOWN, Dataset, build_cache, version_in
from solofusion.export import commit
from solofusion.losses import depth_loss, pixel_loss
from solofusion.provenance import main as record_scores
from solofusion.train import STAGES, train_stage


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
    record = yaml.safe_load((run / "bundle" / "model.yaml").read_text())["provenance"]
    assert {s: p["steps"] for s, p in record["stages"].items()} == dict.fromkeys(STAGES, 2)
    assert record["data"] == "drives v1.0-synth: 1 scenes, 5 key frames, depth rendered"
    assert record["seed"] == 1
    assert "command" not in record


def test_provenance_is_true_of_the_run_wherever_export_runs(run: Path, tmp_path: Path) -> None:
    """In a repository of the user's own, as in none."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "mine"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    theirs = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True)
    copied = tmp_path / "checkout"
    shutil.copytree(ROOT / "training", copied / "training", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "solofusion.export", run / "run", "--cache", "none", "--out", "b", "--float",
         "--data", "my drives", "--command", "make mine"],
        cwd=tmp_path, check=True, env={**os.environ, "PYTHONPATH": str(copied / "training")},
    )
    record = yaml.safe_load((tmp_path / "b" / "model.yaml").read_text())["provenance"]
    assert (record["data"], record["command"]) == ("my drives", "make mine")
    assert "commit" not in record
    assert commit()[:40] != theirs.stdout.strip()


def test_the_lidar_gives_the_depth_of_what_was_not_rendered(run: Path, tmp_path: Path) -> None:
    cfg = load_config("small")
    shutil.copytree(run / "drives", tmp_path / "drives", ignore=shutil.ignore_patterns("depth"))
    said = []
    build_cache(cfg, tmp_path / "drives", "v1.0-synth", tmp_path / "cache", say=said.append)
    assert "depth from lidar" in said[-1]
    for ours, theirs in zip(Dataset(tmp_path / "cache").frames, Dataset(run / "cache").frames, strict=True):
        both = (ours.depth_bins >= 0) & (theirs.depth_bins >= 0)
        assert both.float().mean() > 0.5
        gap = (ours.depth_bins - theirs.depth_bins)[both].abs()
        assert (gap <= 2).float().mean() > 0.8
        assert (ours.objects == UNKNOWN).any()
        logits = torch.zeros(6, cfg.depth["bins"], *cfg.coarse_size)
        assert depth_loss(logits, ours).isfinite()
        terms = pixel_loss(torch.zeros(6, 19, *cfg.coarse_size), ours)
        assert all(t.isfinite() for t in terms.values())


def test_without_any_depth_prepare_says_what_it_wants(run: Path, tmp_path: Path) -> None:
    skip = shutil.ignore_patterns("depth", "LIDAR_TOP")
    shutil.copytree(run / "drives", tmp_path / "drives", ignore=skip)
    with pytest.raises(Refused, match=r"no scene has it: neither .*synth --depth.* nor from lidar"):
        build_cache(load_config("small"), tmp_path / "drives", "v1.0-synth", tmp_path / "cache")
    shutil.rmtree(tmp_path / "drives" / "samples" / "CAM_BACK")
    with pytest.raises(Refused, match="no scene has all its images: .*CAM_BACK"):
        build_cache(load_config("small"), tmp_path / "drives", "v1.0-synth", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_real_recording_has_depth_from_its_lidar(tmp_path: Path) -> None:
    folder = shared("data/ddad-moving")
    build_cache(load_config("tiny"), folder, version_in(folder), tmp_path / "cache")
    with pytest.raises(Refused, match="key frames 1 s apart, and tiny's history.period is 0.5 s: want them the same"):
        Dataset(tmp_path / "cache").check(load_config("tiny"))
    for frame in Dataset(tmp_path / "cache").frames:
        assert (frame.depth_bins >= 0).float().mean() > 0.8
        assert np.isin(frame.objects.unique().numpy(), [*range(-2, len(frame.boxes))]).all()


def test_what_training_cannot_use_is_refused(run: Path, tmp_path: Path) -> None:
    def arguments(**changed: object) -> object:
        given = {"cache": run / "cache", "config": "small", "out": tmp_path / "run", "steps": 1, "batch": 1,
                 "drives": None, "seed": 1, "lr": 1e-3, "detect_from": 0.3, "stage": "stereo"}
        return type("Arguments", (), given | changed)

    (tmp_path / "frames.pt").write_bytes(b"none")
    for changed, message in (
        ({"config": "tiny"}, "was prepared with depth .*prepare it with --config tiny"),
        ({"config": "r50-longonly"}, "has no stereo"),
        ({"cache": tmp_path / "absent"}, "want a folder that solofusion.prepare made"),
        ({"cache": tmp_path}, "is no cache"),
        ({}, "the stage single of solofusion.train writes it"),
    ):
        with pytest.raises(Refused, match=message):
            train_stage(arguments(**changed))


def test_scores_say_what_was_graded_only_if_told(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "model.yaml").write_text("provenance: {seed: 1}\n")
    metrics = tmp_path / "m.json"
    metrics.write_text(json.dumps({"mean_ap": 0.5, "nd_score": 0.6, "mean_dist_aps": {"car": 0.7}}))
    for more, drives in (([], None), (["--drives", "mine"], "mine")):
        monkeypatch.setattr(sys, "argv", ["provenance", str(tmp_path), "--metrics", str(metrics), *more])
        assert record_scores() == 0
        scores = yaml.safe_load((tmp_path / "model.yaml").read_text())["provenance"]["scores"]
        assert (scores.get("drives"), scores["mAP"], scores["car_AP"]) == (drives, 0.5, 0.7)
    metrics.write_text("{}")
    assert record_scores() == 1
    assert capsys.readouterr().err == f"provenance: {metrics} has no mean_dist_aps\n"
