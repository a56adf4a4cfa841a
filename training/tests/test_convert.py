"""Checkpoints in the released format to bundles, and the refusal of broken ones."""

import subprocess
import sys
from pathlib import Path

import convert_checkpoint as convert
import numpy as np
import onnxruntime
import pytest
import torch
from program import PROGRAM
from solofusion.config import load_config
from solofusion.export import image_encoder
from solofusion.model import SOLOFusion
from test_export import randomise

CFG = load_config("tiny")


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    return randomise(SOLOFusion(CFG)).state_dict()


def run(checkpoint: Path, out: Path, *more: str) -> subprocess.CompletedProcess:
    command = [sys.executable, convert.__file__, checkpoint, "--config", "tiny", "--out", out]
    return subprocess.run(
        [*command, "--program", PROGRAM, *more], capture_output=True, text=True, check=False
    )


def save(path: Path, weights: dict) -> Path:
    torch.save({"meta": {"epoch": 24, "CLASSES": ["car"]}, "state_dict": weights}, path)
    return path


@pytest.mark.parametrize("deform", ["deformconv", "gridsample"])
def test_a_released_file_becomes_a_bundle(weights: dict, tmp_path: Path, deform: str) -> None:
    done = run(save(tmp_path / "a.pth", weights), tmp_path / "bundle", "--deform", deform)
    assert done.returncode == 0, done.stderr
    assert "the plain names' (902)" in done.stdout
    assert "verified" in done.stdout
    info = [PROGRAM, "model", "info", tmp_path / "bundle"]
    assert "a.pth" in subprocess.run(info, capture_output=True, text=True, check=True).stdout


def test_a_file_gives_the_numbers(tmp_path: Path) -> None:
    numbers = (Path(convert.__file__).parent / "configs" / "tiny.yaml").read_text()
    file = tmp_path / "mine.yaml"
    file.write_text(numbers.replace("name: tiny", "name: mine").replace("frames: 4", "frames: 2"))
    checkpoint = save(tmp_path / "a.pth", randomise(SOLOFusion(load_config(str(file)))).state_dict())
    done = run(checkpoint, tmp_path / "bundle", "--config", str(file))
    assert done.returncode == 0, done.stderr
    info = [PROGRAM, "model", "info", tmp_path / "bundle"]
    assert "2 frames" in subprocess.run(info, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", ["r50", "r50-shortonly", "r50-longonly", "small", "tiny"])
def test_configurations_have_the_parts_in_their_names(name: str) -> None:
    names = SOLOFusion(load_config(name)).state_dict().keys()
    stereo = any("similarity_net" in n or n.startswith("stereo_neck") for n in names)
    history = any(n.startswith("history_keyframe") for n in names)
    assert stereo == (name != "r50-longonly")
    assert history == (name != "r50-shortonly")


def test_averaged_weights_are_taken(weights: dict) -> None:
    """As the training hook writes them (underscores), and with dots."""
    said = []
    for key in (lambda n: f"ema_{n.replace('.', '_')}", lambda n: f"ema_{n}"):
        both = {n: torch.zeros_like(t) for n, t in weights.items()}
        both |= {key(n): t for n, t in weights.items()}
        chosen = convert.choose_averaged(both, said.append)
        assert chosen.keys() == weights.keys()
        assert all(torch.equal(chosen[n], weights[n]) for n in weights)
    assert all("902 under ema_ names" in line for line in said)


def test_plain_weights_fill_what_has_no_average(weights: dict) -> None:
    name, said = "pts_bbox_head.shared_conv.conv.weight", []
    both = weights | {f"ema_{name}": weights[name] + 1}
    chosen = convert.choose_averaged(both, said.append)
    assert torch.equal(chosen[name], weights[name] + 1)
    assert "901 plain ones" in said[0]
    with pytest.raises(convert.Refused, match="without a plain name"):
        convert.choose_averaged(weights | {"ema_boat": torch.ones(1)}, said.append)


def broken(weights: dict, kind: str) -> dict:
    changed = dict(weights)
    name = "pts_bbox_head.shared_conv.conv.weight"
    match kind:
        case "unknown":
            changed["boat.weight"] = torch.ones(3)
        case "missing":
            del changed[name]
        case "misshapen":
            changed[name] = changed[name][:-1]
        case "not finite":
            changed[name] = changed[name] * torch.nan
        case "constants":
            changed["img_view_transformer.bin_centers"] = changed["img_view_transformer.bin_centers"] + 0.25
    return changed


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("unknown", "unknown (1):\n  boat.weight"),
        ("missing", "missing (1):\n  pts_bbox_head.shared_conv.conv.weight"),
        ("misshapen", "pts_bbox_head.shared_conv.conv.weight is 15x32x3x3, want 16x32x3x3"),
        ("not finite", "not finite (1):\n  pts_bbox_head.shared_conv.conv.weight"),
        ("constants", "img_view_transformer.bin_centers is off by 0.25"),
    ],
)
def test_what_does_not_fit_is_listed(weights: dict, tmp_path: Path, kind: str, message: str) -> None:
    done = run(save(tmp_path / "a.pth", broken(weights, kind)), tmp_path / "bundle")
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "bundle").exists()


def test_files_that_are_no_checkpoint(tmp_path: Path, weights: dict) -> None:
    text, bare = tmp_path / "text.pth", tmp_path / "bare.pth"
    text.write_text("not a checkpoint")
    torch.save(weights, bare)
    cases = {
        tmp_path / "none.pth": "does not exist", text: "is not a PyTorch file",
        bare: "want a dict with state_dict",
    }
    for path, message in cases.items():
        done = run(path, tmp_path / "bundle")
        assert done.returncode == 1
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_a_checkpoint_of_another_size_is_refused(tmp_path: Path, weights: dict) -> None:
    path = save(tmp_path / "a.pth", weights)
    done = run(path, tmp_path / "bundle", "--config", "small")
    assert done.returncode == 1
    assert "misshapen" in done.stderr


def test_both_deformable_operators_agree(weights: dict, tmp_path: Path) -> None:
    model = convert.fit(CFG, weights)
    images, cameras = torch.randn(2, 3, 128, 352), torch.randn(2, 33)
    found = []
    for operator in ("DeformConv", "GridSample"):
        image_encoder(model, tmp_path / "g.onnx", operator)
        session = onnxruntime.InferenceSession(tmp_path / "g.onnx")
        inputs = {"images": images.numpy(), "cameras": cameras.numpy()}
        found.append(session.run(["mono_logits"], inputs)[0])
    assert np.abs(found[0] - found[1]).max() < 1e-4 * np.abs(found[0]).max()
