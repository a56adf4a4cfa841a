"""Checkpoints as trainers write them to bundles, and the refusal of what is none."""

import io
import os
import pickle
import stat
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import convert_checkpoint
import numpy as np
import onnxruntime
import pytest
import torch
from program import PROGRAM, ROOT
from safetensors.torch import save_file
from solofusion import convert, foreign
from solofusion.checkpoint import StandIn, choose, read, sets_in
from solofusion.command import Refused
from solofusion.config import load_config
from solofusion.convert import chosen_weights
from solofusion.export import FILES, image_encoder
from solofusion.fit import VIEW, fit
from solofusion.model import SOLOFusion
from test_export import randomise

CFG = load_config("tiny")
CONV = "pts_bbox_head.shared_conv.conv.weight"


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    return randomise(SOLOFusion(CFG)).state_dict()


def run(checkpoint: Path, out: Path, *more: object) -> SimpleNamespace:
    """The command in this process; options that come later win."""
    line = ["convert_checkpoint.py", checkpoint, "--config", "tiny", "--out", out]
    line += ["--program", PROGRAM, *more]
    stdout, stderr = io.StringIO(), io.StringIO()
    with redirect_stdout(stdout), redirect_stderr(stderr), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", list(map(str, line)))
        code = convert.main()
    return SimpleNamespace(returncode=code, stdout=stdout.getvalue(), stderr=stderr.getvalue())


def refused(done: SimpleNamespace, *words: str) -> None:
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr
    for word in words:
        assert word in done.stderr


def save(path: Path, weights: dict, **more: object) -> Path:
    torch.save({"meta": {"epoch": 24, "CLASSES": ["car"]}, "state_dict": weights, **more}, path)
    return path


def info(bundle: Path) -> str:
    asked = [PROGRAM, "model", "info", bundle]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("deform", ["deformconv", "gridsample"])
def test_a_released_file_becomes_a_bundle(weights: dict, tmp_path: Path, deform: str) -> None:
    checkpoint = save(tmp_path / "a.pth", weights)
    command = [sys.executable, convert_checkpoint.__file__, checkpoint, "--config", "tiny"]
    done = subprocess.run(
        [*command, "--deform", deform, "--out", tmp_path / "bundle", "--program", PROGRAM],
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "weights: state_dict (902 tensors), the only ones in the file" in done.stdout
    assert "verified" in done.stdout
    assert "a.pth" in info(tmp_path / "bundle")


@pytest.mark.parametrize("suffix", ["yaml", "yml", "txt"])
def test_a_file_gives_the_numbers(tmp_path: Path, suffix: str) -> None:
    numbers = (ROOT / "training" / "configs" / "tiny.yaml").read_text()
    file = tmp_path / f"mine.{suffix}"
    file.write_text(numbers.replace("name: tiny", "name: mine").replace("frames: 4", "frames: 2"))
    checkpoint = save(tmp_path / "a.pth", randomise(SOLOFusion(load_config(str(file)))).state_dict())
    done = run(checkpoint, tmp_path / "bundle", "--config", file)
    assert done.returncode == 0, done.stderr
    assert "2 frames" in info(tmp_path / "bundle")


@pytest.mark.parametrize("name", ["r50", "r50-shortonly", "r50-longonly", "small", "tiny"])
def test_configurations_have_the_parts_in_their_names(name: str) -> None:
    names = SOLOFusion(load_config(name)).state_dict().keys()
    stereo = any("similarity_net" in n or n.startswith("stereo_neck") for n in names)
    history = any(n.startswith("history_keyframe") for n in names)
    assert stereo == (name != "r50-longonly")
    assert history == (name != "r50-shortonly")


def parameters() -> set[str]:
    model = SOLOFusion(CFG)
    return {n for n, p in model.named_parameters() if p.requires_grad}


def half(weights: dict) -> dict:
    """Other weights of the same shapes, as raw ones are."""
    return {n: t * 0.5 if t.is_floating_point() and not n.startswith(VIEW) else t for n, t in weights.items()}


def prefixed(prefix: str, weights: dict) -> dict:
    return {prefix + n: t for n, t in weights.items()}


def underscored(weights: dict) -> dict:
    return {f"ema_{n.replace('.', '_')}": weights[n] for n in parameters()}


# Each takes the weights that are published and the raw ones, and makes a file's content.
WRITERS: dict[str, Callable[[dict, dict], dict]] = {
    "mmcv": lambda a, r: {"state_dict": r | underscored(a)},
    "mmcv, distributed": lambda a, r: {"state_dict": prefixed("module.", r | underscored(a))},
    "ema_ and dots": lambda a, r: {"state_dict": r | prefixed("ema_", a)},
    "mmcv by epochs": lambda a, r: {
        "meta": {"config": "runner = dict(type='EpochBasedRunner', max_epochs=24)"},
        "state_dict": a | underscored(r),
    },
    "mmcv by epochs, by its last file": lambda a, r: {
        "meta": {"hook_msgs": {"last_ckpt": "/work_dirs/x/epoch_23.pth"}}, "state_dict": a | underscored(r),
    },
    "mmengine": lambda a, r: {
        "meta": {"mmengine_version": "0.10.4"}, "state_dict": a,
        "ema_state_dict": prefixed("module.", r) | {"steps": torch.tensor(9)},
    },
    "timm": lambda a, r: {"state_dict": r, "state_dict_ema": a},
    "ema_state_dict of others": lambda a, r: {"state_dict": r, "ema_state_dict": a},
    "detectron": lambda a, r: {"model": r, "model_ema": a},
    "YOLOX": lambda a, r: {"model": r, "ema": a, "updates": 12},
    "RT-DETR": lambda a, r: {"model": r, "ema": {"module": a, "updates": 12}},
    "torch": lambda a, r: {
        "model": r, "averaged_model": prefixed("module.", a) | {"n_averaged": torch.tensor(3)},
    },
    "Lightning, in one dict": lambda a, r: {
        "state_dict": prefixed("model.", r) | prefixed("ema_model.", a), "pytorch-lightning_version": "2",
    },
    "Lightning's WeightAveraging": lambda a, r: {
        "state_dict": prefixed("model.", a), "current_model_state": prefixed("model.", r),
    },
    "ours": lambda a, r: {"model": r, "ema": a, "optimizer": {"state": {0: {"exp_avg": torch.ones(1)}}}},
}


@pytest.mark.parametrize("writer", WRITERS)
def test_averaged_weights_are_found(weights: dict, tmp_path: Path, writer: str) -> None:
    raw = half(weights)
    torch.save(WRITERS[writer](weights, raw), tmp_path / "a.pth")
    for wanted, want in (("auto", weights), ("averaged", weights), ("raw", raw)):
        said = []
        chosen = chosen_weights(CFG, tmp_path / "a.pth", wanted, say=said.append)
        assert not chosen.strays
        for name in parameters():
            assert torch.equal(chosen.weights[name], want[name]), f"{wanted}: {name}"
        fit(CFG, chosen.weights)
        assert chosen.key in said[0] and "not " in said[0]


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.model.", "_orig_mod.", "pts.detector."])
def test_bare_and_prefixed_names_convert(weights: dict, tmp_path: Path, prefix: str) -> None:
    torch.save(prefixed(prefix, weights), tmp_path / "a.pth")
    chosen = chosen_weights(CFG, tmp_path / "a.pth", say=lambda _: None)
    assert chosen.weights.keys() == weights.keys()


def test_a_key_chooses(weights: dict, tmp_path: Path) -> None:
    torch.save({"state_dict": half(weights), "state_dict_ema": weights}, tmp_path / "a.pth")
    for key, want in (("state_dict", half(weights)), ("state_dict_ema", weights)):
        chosen = chosen_weights(CFG, tmp_path / "a.pth", key, say=lambda _: None)
        assert torch.equal(chosen.weights[CONV], want[CONV])
    with pytest.raises(Refused, match="no weights net in the file, but state_dict"):
        chosen_weights(CFG, tmp_path / "a.pth", "net")


def test_two_sets_of_one_kind_are_not_guessed(weights: dict, tmp_path: Path) -> None:
    torch.save({"model": weights, "best": half(weights)}, tmp_path / "a.pth")
    with pytest.raises(Refused, match="choose one by its key"):
        chosen_weights(CFG, tmp_path / "a.pth")
    with pytest.raises(Refused, match="no weights averaged"):
        chosen_weights(CFG, tmp_path / "a.pth", "averaged")


def test_averaged_and_raw_parameters_do_not_mix(weights: dict) -> None:
    for averages in ({f"ema_{CONV}": weights[CONV] + 1}, {n: t for n, t in underscored(weights).items()
                                                          if n != f"ema_{CONV.replace('.', '_')}"}):
        sets = sets_in({"state_dict": weights | averages}, set(weights), Path("a.pth"))
        with pytest.raises(Refused, match="raw and averaged parameters are not mixed"):
            choose(sets, "auto", parameters(), print)
        raw = choose(sets, "raw", parameters(), print)
        assert torch.equal(raw.weights[CONV], weights[CONV])


def test_averages_without_names_are_said_to_be_left(weights: dict, tmp_path: Path) -> None:
    said = []
    torch.save({"model": weights, "ema": {"shadow_params": list(weights.values())}}, tmp_path / "a.pth")
    chosen_weights(CFG, tmp_path / "a.pth", say=said.append)
    assert said[0] == "left out: ema.shadow_params, averages without names"


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_convert(weights: dict, precision: torch.dtype) -> None:
    cast = {n: t.to(precision) if t.is_floating_point() else t for n, t in weights.items()}
    model = fit(CFG, cast)
    assert torch.equal(model.state_dict()[CONV], weights[CONV].to(precision).float())
    cast[VIEW + "dx"] = cast[VIEW + "dx"] * 1.1
    with pytest.raises(Refused, match=r"grid.x is \[-51.2, 51.2, 1.6\]"):
        fit(CFG, cast)


def test_counters_of_batches_may_be_absent(weights: dict) -> None:
    model = fit(CFG, {n: t for n, t in weights.items() if not n.endswith("num_batches_tracked")})
    assert torch.equal(model.state_dict()[CONV], weights[CONV])


def test_safetensors_and_whole_modules_convert(weights: dict, tmp_path: Path) -> None:
    model = fit(CFG, weights)
    save_file({n: t.contiguous() for n, t in weights.items()}, tmp_path / "a.pth")
    torch.save({"model": model, "epoch": 3}, tmp_path / "b.pth")
    for file in ("a.pth", "b.pth"):
        chosen = chosen_weights(CFG, tmp_path / file, trust=True, say=lambda _: None)
        assert chosen.weights.keys() == weights.keys()


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple:
        return os.mkdir, ("exploded",)


def test_trust_leaves_objects_out_and_runs_no_code(
    weights: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    absent = types.ModuleType("mmdet3d_absent")
    absent.Data = type("Data", (), {"__module__": "mmdet3d_absent", "__init__": lambda s: setattr(s, "x", 1)})
    monkeypatch.setitem(sys.modules, "mmdet3d_absent", absent)
    path = save(tmp_path / "a.pth", weights, data=absent.Data, made=absent.Data(), bomb=Bomb())
    with pytest.raises(Refused, match="objects of (mmdet3d_absent.Data|posix.mkdir).*--trust reads it"):
        read(path)
    said = []
    chosen = chosen_weights(CFG, path, trust=True, say=said.append)
    assert chosen.weights.keys() == weights.keys()
    assert said[0] == "left out: objects of mmdet3d_absent.Data, posix.mkdir"
    assert not (tmp_path / "exploded").exists()
    monkeypatch.delitem(sys.modules, "mmdet3d_absent")
    assert isinstance(read(path, trust=True)[0]["made"], StandIn)


def broken(weights: dict, kind: str) -> dict:
    changed = dict(weights)
    match kind:
        case "unknown":
            changed["boat.weight"] = torch.ones(3)
        case "missing":
            del changed[CONV]
        case "misshapen":
            changed[CONV] = changed[CONV][:-1]
        case "not finite":
            changed[CONV] = changed[CONV] * torch.nan
        case "variances":
            changed["embed.1.running_var"] = -changed["embed.1.running_var"]
        case "depth":
            changed[VIEW + "bin_centers"] = changed[VIEW + "bin_centers"] + 0.25
        case "grid":
            changed[VIEW + "dx"] = torch.tensor([0.8, 1.6, 20])
            changed[VIEW + "nx"] = torch.tensor([128.0, 64, 1])
        case "sigma":
            other = load_config("tiny")
            other.stereo["sigma_bins"] = 1.0
            changed |= {n: t for n, t in SOLOFusion(other).state_dict().items() if "inv_gauss" in n}
        case "quantised":
            changed[CONV] = torch.quantize_per_tensor(changed[CONV], 0.01, 0, torch.qint8)
        case "sparse":
            changed[CONV] = changed[CONV].to_sparse()
        case "integers":
            changed[CONV] = changed[CONV].int()
        case "text":
            changed[CONV] = "weights"
    return changed


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("unknown", "unknown (1):\n  boat.weight"),
        ("missing", f"missing (1):\n  {CONV}"),
        ("misshapen", f"{CONV} is 15x32x3x3, want 16x32x3x3 (head, bev_encoder.neck_channels)"),
        ("not finite", f"not finite (1):\n  {CONV}"),
        ("variances", "negative variances (1):\n  embed.1.running_var"),
        ("depth", "bin_centers is not what depth.start and depth.step give"),
        ("grid", "grid.x is [-51.2, 51.2, 1.6], the checkpoint's [-50.8, 51.6, 0.8]"),
        ("sigma", "stereo.sigma_bins is 2, the checkpoint's 1"),
        ("quantised", f"{CONV} is quantised (qint8)"),
        ("sparse", f"{CONV} is sparse (sparse_coo)"),
        ("integers", f"{CONV} is of int32"),
        ("text", f"{CONV} is a str, want a tensor"),
    ],
)
def test_what_does_not_fit_is_listed(weights: dict, tmp_path: Path, kind: str, message: str) -> None:
    refused(run(save(tmp_path / "a.pth", broken(weights, kind)), tmp_path / "bundle"), message)
    assert not (tmp_path / "bundle").exists()


def test_a_checkpoint_of_another_size_is_told_its_configuration(tmp_path: Path, weights: dict) -> None:
    path = save(tmp_path / "a.pth", weights)
    refused(run(path, tmp_path / "bundle", "--config", "small"), "misshapen", "it fits --config tiny")


def text_file(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text)


def zipped(name: str, content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, content)
    return write


def cut(path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(999)}}, path)
    path.write_bytes(path.read_bytes()[:2000])


def flipped(path: Path) -> None:
    torch.save({"state_dict": {"a": torch.full((999,), 7.0)}}, path)
    data = bytearray(path.read_bytes())
    at = data.index(torch.full((9,), 7.0).numpy().tobytes())
    data[at + 3] ^= 1
    path.write_bytes(data)


OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "page": (text_file("<!DOCTYPE html><html><title>Virus scan warning"), "is a web page (HTML)"),
    "page after a mark": (text_file("\ufeff\n <html>"), "is a web page (HTML)"),
    "pointer": (text_file("version https://git-lfs.github.com/spec/v1\noid sha256:0"), "git lfs pull"),
    "json": (text_file('{"error": "not found"}'), 'a JSON text: {"error": "not found"}'),
    "text": (text_file("not a checkpoint"), "a text: not a checkpoint"),
    "empty": (text_file(""), "is empty"),
    "zip": (zipped("r50.pth", b"x"), "a zip archive of r50.pth: unpack it first"),
    "onnx": (lambda p: image_encoder(fit_tiny(), p), "an ONNX graph"),
    "torchscript": (lambda p: torch.jit.script(torch.nn.Linear(2, 2)).save(p), "a TorchScript program"),
    "gzip": (lambda p: p.write_bytes(b"\x1f\x8b\x08rest"), "a gzip archive"),
    "noise": (lambda p: p.write_bytes(bytes(range(200, 256)) * 9), "not a PyTorch file"),
    "numpy": (lambda p: np.savez(p.open("wb"), a=np.ones(3)), "a NumPy archive"),
    "cut": (cut, "cut short or damaged"),
    "flipped": (flipped, "fails its checksum"),
    "folder": (lambda p: p.mkdir(), "is a folder"),
    "tensor": (lambda p: torch.save(torch.ones(3), p), "it holds a Tensor"),
    "numbers": (
        lambda p: torch.save({"state_dict": {0: torch.ones(3)}}, p), "holds no weights of this model",
    ),
    "another model": (
        lambda p: torch.save({"state_dict": torch.nn.Linear(2, 2).state_dict()}, p),
        "state_dict holds 2 tensors, weight, bias; want names such as img_backbone.conv1.weight",
    ),
    "plain pickle": (lambda p: p.write_bytes(pickle.dumps({"a": 1})), "PyTorch file"),
}


def fit_tiny() -> SOLOFusion:
    return randomise(SOLOFusion(CFG))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("trust", [False, True])
def test_other_files_are_named(tmp_path: Path, kind: str, trust: bool) -> None:
    make, message = OTHERS[kind]
    make(tmp_path / "a.pth")
    with pytest.raises(Refused) as e:
        chosen_weights(CFG, tmp_path / "a.pth", trust=trust, say=lambda _: None)
    assert message in str(e.value)


def test_a_file_that_is_absent(tmp_path: Path) -> None:
    refused(run(tmp_path / "none.pth", tmp_path / "bundle"), "none.pth does not exist")


def test_known_formats_are_not_foreign(tmp_path: Path) -> None:
    torch.save({"a": 1}, tmp_path / "new.pth")
    torch.save({"a": 1}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for path in tmp_path.iterdir():
        assert foreign.kind_of(path) == ""


def test_a_refusal_leaves_the_bundle_and_what_is_beside_it(weights: dict, tmp_path: Path) -> None:
    good, bad = save(tmp_path / "a.pth", weights), tmp_path / "b.pth"
    save(bad, {n: t * 1e38 if "conv1" in n else t for n, t in weights.items()})
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "notes.txt").write_text("mine")
    (bundle / "older.onnx").write_text("mine too")
    assert run(good, bundle).returncode == 0
    before = {p.name: p.read_bytes() for p in bundle.iterdir()}
    refused(run(bad, bundle), "solofusion model verify")
    assert {p.name: p.read_bytes() for p in bundle.iterdir()} == before
    assert before.keys() == {*FILES, "model.yaml", "notes.txt", "older.onnx"}
    assert {p.name for p in tmp_path.iterdir()} == {"a.pth", "b.pth", "bundle"}


def test_files_have_the_modes_of_the_umask(weights: dict, tmp_path: Path) -> None:
    assert run(save(tmp_path / "a.pth", weights), tmp_path / "new").returncode == 0
    mask = os.umask(0)
    os.umask(mask)
    for name in (*FILES, "model.yaml"):
        assert stat.S_IMODE((tmp_path / "new" / name).stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o777 & ~mask


def test_wrong_arguments_are_one_line(weights: dict, tmp_path: Path) -> None:
    path, file = save(tmp_path / "a.pth", weights), tmp_path / "file"
    file.touch()
    refused(run(path, file), "is a file, want a folder's name")
    refused(run(path, file / "below"), "file")
    programs = {file: "cannot be run", "/bin/true": "is not solofusion", "/none": "is missing"}
    for program, word in programs.items():
        refused(run(path, tmp_path / "b", "--program", program), word)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: tiny", "name: tiny\n\tcameras: [A]", "is not YAML: line 3"),
        (", channels: 32}", "}", "depth.channels is missing"),
        ("block: bottleneck", "block: convnext", "backbone.block is convnext, want basic or bottleneck"),
        ("name: tiny", "name: tiny\ncolour: red", "colour is unknown"),
        ("bins: 56", "bins: many", "depth.bins is 'many', want a whole number"),
        ("bins: 56", "bins: -1", "depth.bins is -1, want positive numbers"),
        ("[3, 4, 6, 3]", "[3, 4]", "backbone.blocks has 2 numbers, want 4"),
        ("[-51.2, 51.2, 1.6]", "[-51.2, 51.2, 1.7]", "grid.x is"),
        ("height: 128", "height: 100", "image.height is 100, want a multiple of 32"),
        ("groups: 8, ", "", "stereo.groups is missing"),
    ],
)
def test_a_configuration_names_its_faults(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = (ROOT / "training" / "configs" / "tiny.yaml").read_text()
    assert old in text
    (tmp_path / "c.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(Refused, match="configuration ") as e:
        load_config(str(tmp_path / "c.yaml"))
    assert message in str(e.value)
    assert "\n" not in str(e.value)


def test_an_unknown_configuration_names_those_there_are() -> None:
    with pytest.raises(Refused, match="want a YAML file, or one of r50, r50-longonly"):
        load_config("r101")


def test_an_error_nobody_foresaw_is_one_line_unless_debugged(
    weights: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "load_config", lambda _: 1 / 0)
    for more, traces in (([], 0), (["--debug"], 1)):
        done = run(tmp_path / "a.pth", tmp_path / "b", *more)
        assert done.returncode == 1
        assert "convert_checkpoint: unexpected ZeroDivisionError: division by zero (--debug" in done.stderr
        assert done.stderr.count("Traceback") == traces


def test_missing_packages_are_one_line(tmp_path: Path) -> None:
    without = "import sys; sys.path[:] = [p for p in sys.path if 'site-p' not in p]"
    (tmp_path / "sitecustomize.py").write_text(without)
    done = subprocess.run(
        [sys.executable, convert_checkpoint.__file__, "--help"], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "lacks numpy" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_manifest_names_the_weights(weights: dict, tmp_path: Path) -> None:
    torch.save({"state_dict": half(weights), "state_dict_ema": weights}, tmp_path / "a.pth")
    assert run(tmp_path / "a.pth", tmp_path / "b").returncode == 0
    assert "state_dict_ema, averaged" in info(tmp_path / "b")


def test_both_deformable_operators_agree(weights: dict, tmp_path: Path) -> None:
    model = fit(CFG, weights)
    images, cameras = torch.randn(2, 3, 128, 352), torch.randn(2, 33)
    found = []
    for operator in ("DeformConv", "GridSample"):
        image_encoder(model, tmp_path / "g.onnx", operator)
        session = onnxruntime.InferenceSession(tmp_path / "g.onnx")
        inputs = {"images": images.numpy(), "cameras": cameras.numpy()}
        found.append(session.run(["mono_logits"], inputs)[0])
    assert np.abs(found[0] - found[1]).max() < 1e-4 * np.abs(found[0]).max()
