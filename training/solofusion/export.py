"""Writes a trained model as a bundle: ONNX graphs, small weights, manifest.

The head is quantised to 8 bits on drives run in order with their history, unless
``--float`` is given.

Example:
    python -m solofusion.export out/run --cache out/train-cache --out out/bundle
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.numpy import save
from torch import nn

from . import command
from .command import Refused
from .config import BRANCHES, TASKS, Config, load_config
from .dataset import MEAN, STD, Dataset, Frame
from .fit import fit
from .graph import Graph, fold
from .model import SOLOFusion
from .quantize import quantize_head
from .rig import REFERENCE_FRAME, REFERENCE_SEEN, SOURCE, frame_of, seen_of
from .train import STAGES, read_stage

ROOT = Path(__file__).resolve().parents[2]
FILES = ("image_encoder.onnx", "bev_embed.onnx", "head.onnx", "weights.safetensors")
MANIFEST = "model.yaml"

NMS = {
    ("car",): {"factors": [1.0]},
    ("truck", "construction_vehicle"): {"factors": [0.7, 0.7]},
    ("bus", "trailer"): {"factors": [0.4, 0.55]},
    ("barrier",): {"radius2": 1.0},
    ("motorcycle", "bicycle"): {"factors": [1.0, 1.0]},
    ("pedestrian", "traffic_cone"): {"factors": [4.5, 9.0], "iou": 0.5},
}
"""The reference's suppression of each task (model spec, section 7)."""


def image_encoder(model: SOLOFusion, path: Path, deform: str = "DeformConv") -> None:
    """images, cameras → context, mono_logits and, with stereo, stereo_features;
    channels last. deform is the operator of the deformable convolution: DeformConv,
    or GridSample for execution providers without it."""
    cfg, g, transformer = model.cfg, Graph(), model.img_view_transformer
    backbone = model.img_backbone
    x = g.relu(g.conv("images", backbone.conv1, backbone.bn1))
    x = g.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    features = []
    for layer in (backbone.layer1, backbone.layer2, backbone.layer3, backbone.layer4):
        x = g.stage(x, layer)
        features.append(x)

    neck = g.fpn(features, model.img_neck)
    g.channels_last(g.conv(neck, transformer.featnet), "context")
    x = gated(g, neck, transformer.se)
    x = g.stages(x, transformer.extra_depthnet)[-1]
    x = DEFORM[deform](g, x, *transformer.dcn, cfg.coarse_size)
    g.channels_last(g.conv(x, transformer.depthnet), "mono_logits")
    h, w = cfg.coarse_size
    outputs = {
        "context": ["N", h, w, cfg.context_channels], "mono_logits": ["N", h, w, cfg.depth["bins"]],
    }
    if cfg.stereo:
        stereo_features(g, features, model)
        outputs["stereo_features"] = ["N", *cfg.stereo_size, cfg.stereo_neck["out"]]
    inputs = {"images": ["N", 3, cfg.image["height"], cfg.image["width"]], "cameras": ["N", 33]}
    g.save(path, inputs, outputs)


def stereo_features(g: Graph, features: list[str], model: SOLOFusion) -> None:
    x = g.sequence(g.fpn(features, model.stereo_neck), model.stereo_neck.final_conv)
    x = g.channels_last(x)
    norm = g.add("ReduceL2", [x, g.constant(torch.tensor([3]))], keepdims=1)
    norm = g.add("Max", [norm, g.constant(torch.tensor(1e-5))])
    g.add("Div", [x, norm], "stereo_features")


def gated(g: Graph, x: str, gate: nn.Module) -> str:
    norm, linear = gate.fc
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    weight = linear.weight * gain
    bias = linear.bias + linear.weight @ (norm.bias - norm.running_mean * gain)
    s = g.add("Gemm", ["cameras", g.constant(weight), g.constant(bias)], transB=1)
    s = g.add("Unsqueeze", [g.add("Sigmoid", [s]), g.constant(torch.tensor([2, 3]))])
    return g.add("Mul", [g.conv(x, gate.input_conv), s])


def deformable(g: Graph, x: str, conv: nn.Module, norm: nn.Module, _size: tuple[int, int]) -> str:
    offsets = g.conv(x, conv.conv_offset)
    weight, bias = fold(conv.weight, None, norm)
    mask = g.add("Sigmoid", [g.cut(offsets, 18, 27)])
    inputs = [x, g.constant(weight), g.cut(offsets, 0, 18), g.constant(bias), mask]
    return g.add("DeformConv", inputs, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


def sampled(g: Graph, x: str, conv: nn.Module, norm: nn.Module, size: tuple[int, int]) -> str:
    """The same function: its nine taps are sampled as one image, then convolved 1x1."""
    h, w = size
    channels = conv.weight.shape[1]
    offsets = g.conv(x, conv.conv_offset)
    taps = torch.arange(9)
    at = torch.stack([  # 9 h w 2: row and column without the offsets
        (taps // 3 - 1).view(9, 1, 1) + torch.arange(h).view(1, h, 1).expand(9, h, w),
        (taps % 3 - 1).view(9, 1, 1) + torch.arange(w).view(1, 1, w).expand(9, h, w),
    ], -1).float()
    moved = g.reshape(g.cut(offsets, 0, 18), [0, 9, 2, h, w])
    moved = g.add("Transpose", [moved], perm=[0, 1, 3, 4, 2])
    moved = g.add("Add", [moved, g.constant(at[None] + 0.5)])
    moved = g.add("Mul", [moved, g.constant(torch.tensor([2 / h, 2 / w]))])
    moved = g.add("Sub", [moved, g.constant(torch.tensor(1.0))])
    row, column = (g.cut(moved, i, i + 1, 4) for i in (0, 1))
    grid = g.reshape(g.add("Concat", [column, row], axis=4), [0, 9 * h, w, 2])
    values = g.add("GridSample", [x, grid], mode="linear", padding_mode="zeros", align_corners=0)
    values = g.reshape(values, [0, channels, 9, h, w])
    mask = g.reshape(g.add("Sigmoid", [g.cut(offsets, 18, 27)]), [0, 1, 9, h, w])
    values = g.reshape(g.add("Mul", [values, mask]), [0, channels * 9, h, w])
    weight, bias = fold(conv.weight, None, norm)
    weight = weight.flatten(1)[:, :, None, None]
    return g.add("Conv", [values, g.constant(weight), g.constant(bias)], kernel_shape=[1, 1])


DEFORM = {"DeformConv": deformable, "GridSample": sampled}


def bev_embed(model: SOLOFusion, path: Path) -> None:
    """bev_raw → bev, channels last."""
    g = Graph()
    x = g.stages(g.channels_first("bev_raw"), model.pre_process_net)[-1]
    g.channels_last(g.sequence(x, model.embed), "bev")
    shape = [1, *model.cfg.cells, model.cfg.context_channels]
    g.save(path, {"bev_raw": shape}, {"bev": shape})


def head(model: SOLOFusion, path: Path) -> None:
    """stack → fused and every task's maps."""
    cfg, g = model.cfg, Graph()
    if cfg.remembers:
        conv, norm, _ = model.history_keyframe_cat_conv
        fused = g.relu(g.conv(g.channels_first("stack"), conv, norm), "fused")
    else:
        fused = g.add("Transpose", ["stack"], "fused", perm=[0, 3, 1, 2])
    features = [fused, *g.stages(fused, model.img_bev_encoder_backbone)]
    x = g.fpn(features, model.img_bev_encoder_neck)
    x = g.conv_bn(x, model.pts_bbox_head.shared_conv)
    rows, columns = cfg.cells
    outputs = {"fused": [1, cfg.history["fused_channels"], rows, columns]}
    for t, (classes, task) in enumerate(zip(TASKS, model.pts_bbox_head.task_heads, strict=True)):
        for branch, channels in {**BRANCHES, "heatmap": len(classes)}.items():
            hidden, last = task[branch]
            name = f"head_{t}_{branch}"
            g.conv(g.conv_bn(x, hidden), last, output=name)
            outputs[name] = [1, channels, rows, columns]
    slots = cfg.history["frames"] + 1
    g.save(path, {"stack": [1, rows, columns, slots * cfg.context_channels]}, outputs)


def small_weights(model: SOLOFusion, path: Path) -> None:
    """What Go computes with: similarity network and time conv, if there are any."""
    tensors = {}
    if model.cfg.stereo:
        net = model.img_view_transformer.similarity_net
        for i in range(2):
            weight, bias = fold(net[i].conv.weight, None, net[i].bn)
            tensors[f"similarity.{i}.weight"] = weight.flatten(1)
            tensors[f"similarity.{i}.bias"] = bias
        tensors["similarity.2.weight"] = net[2].weight.flatten(1)
        tensors["similarity.2.bias"] = net[2].bias
    if model.cfg.remembers:
        conv, norm, _ = model.history_keyframe_time_conv
        weight, bias = fold(conv.weight.flatten(1), conv.bias, norm)
        tensors["time.weight"], tensors["time.age"] = weight[:, :-1], weight[:, -1]
        tensors["time.bias"] = bias
    path.write_bytes(save({n: t.detach().contiguous().numpy() for n, t in tensors.items()}))


def manifest(cfg: Config, head_input: dict, provenance: dict, quantisation: dict,
             history: dict | None = None, rig: dict | None = None) -> dict:
    """model.yaml but for its files. history says how it was aligned and timed in
    training, rig (frame and seen) which frame and cameras training had; without them
    as in the reference."""
    tasks = []
    for classes in TASKS:
        nms = NMS[classes]
        common = {"kind": "circle"} if "radius2" in nms else {"kind": "rotated", "iou": 0.2, "pre": 1000}
        tasks.append({"classes": list(classes), "nms": {**common, **nms, "post": 83}})
    features = {"context": cfg.context_channels, "stride": cfg.stride}
    if cfg.stereo:
        features |= {"stereo": cfg.stereo_neck["out"], "stereo_stride": cfg.stereo_stride}
    return {
        "format": 1,
        "name": cfg.name,
        "provenance": provenance,
        "cameras": cfg.cameras,
        "image": {
            **cfg.image, "source": dict(zip(("width", "height"), SOURCE, strict=True)),
            "mean": list(MEAN), "std": list(STD),
        },
        **({"frame": REFERENCE_FRAME, "seen": REFERENCE_SEEN} if rig is None else rig),
        "grid": cfg.grid,
        "depth": {k: cfg.depth[k] for k in ("start", "step", "bins")},
        "features": features,
        **({"stereo": cfg.stereo} if cfg.stereo else {}),
        "history": {
            "frames": cfg.history["frames"], "period": cfg.history["period"], **(history or {}),
        },
        "head": {
            "input": head_input,
            "score_threshold": 0.1, "max_per_class": 500, "center_limit": [61.2, 61.2, 10.0],
            "tasks": tasks,
        },
        "quantisation": quantisation,
    }


def rig_of(frames: list[Frame]) -> dict:
    """The frame and the cameras of training, for the manifest."""
    return {
        "frame": frame_of(f.lidar for f in frames),
        "seen": seen_of(np.array([f.named_numbers for f in frames])),
    }


def write_parts(model: SOLOFusion, folder: Path, deform: str = "DeformConv") -> None:
    """All of a bundle but its manifest, in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    image_encoder(model, folder / "image_encoder.onnx", deform)
    bev_embed(model, folder / "bev_embed.onnx")
    head(model, folder / "head.onnx")
    small_weights(model, folder / "weights.safetensors")


def write_manifest(folder: Path, content: dict) -> None:
    content["files"] = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in sorted(FILES)}
    (folder / MANIFEST).write_text(dump(content))


@contextmanager
def laid_aside(folder: Path) -> Iterator[Path]:
    """A folder to write a bundle into, whose files take their place in ``folder`` at the
    end; after an error ``folder`` is as it was. Other files in it stay. The manifest
    moves last: until then its hashes refuse a mixture."""
    if folder.exists() and not folder.is_dir():
        raise Refused(f"--out {folder} is a file, want a folder's name")
    parent = folder if folder.exists() else folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=parent) as aside:
        new = Path(aside) / "bundle"
        new.mkdir()
        yield new
        folder.mkdir(exist_ok=True)
        for name in (*FILES, MANIFEST):
            os.replace(new / name, folder / name)


def dump(content: dict) -> str:
    """YAML with small maps and lists on one line."""
    return yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)


def training_record(run: Path, said: dict) -> dict:
    """Where a bundle comes from: what the run's checkpoints record of each stage, the
    commit of this checkout if it is one, and what the user said, which comes first."""
    stages, records = {}, {"seed": {}, "data": {}}
    for stage in STAGES:
        done = read_stage(run / f"{stage}.pt")
        stages[stage] = {
            "steps": done["step"], "minutes": round(done["seconds"] / 60, 1),
            "core_minutes": round(done["cpu"] / 60, 1),
        }
        for key, value in done.get("record", {}).items():
            records[key][stage] = value
    known = {k: of_all(v) for k, v in records.items()}
    known |= {k: v for k, v in said.items() if v} | {"commit": commit()}
    return {k: v for k, v in known.items() if v not in (None, "", {})} | {"stages": stages}


def of_all(values: dict) -> object:
    """What all stages have in common, or each stage's."""
    different = list(values.values())
    return different[0] if different and different.count(different[0]) == len(different) else values


def commit() -> str:
    """The commit of this checkout, with -dirty if files differ from it; "" outside of a
    repository of its own."""
    def git(*words: str) -> str:
        asked = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *words]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != ROOT:
            return ""
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def load_trained(cfg: Config, checkpoint: Path) -> SOLOFusion:
    """The averaged weights of a run's checkpoint, in evaluation mode."""
    return fit(cfg, read_stage(checkpoint)["ema"])


def main() -> int:
    parser = command.parser(__doc__)
    parser.add_argument("run", type=Path, help="the training run's folder")
    parser.add_argument("--cache", type=Path, required=True, help="the drives it was trained on")
    parser.add_argument("--config", default="small", help="a name in configs/ or a YAML file")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    parser.add_argument("--float", action="store_true", help="leave the head in float32")
    parser.add_argument("--calibration", type=command.positive, default=40, help="frames that set the scales")
    parser.add_argument("--drives", type=command.positive, help="as given to the fusion stage")
    parser.add_argument("--data", help=(
        "what the run was trained on, in words\n(default: as the run records it)"
    ))
    parser.add_argument("--command", help="that made the run, for the manifest")
    return command.run(parser, export)


def export(args: argparse.Namespace) -> None:
    cfg = load_config(args.config)
    if not args.float and not cfg.remembers:
        raise Refused(f"the head of {cfg.name} has no history and stays in float32: give --float")
    model = load_trained(cfg, args.run / "fusion.pt")
    record = training_record(args.run, {"data": args.data, "command": args.command})
    data = None
    if args.float and not args.cache.exists():
        print(f"export: {args.cache} does not exist: the manifest does not say which rigs training had")
    else:
        data = Dataset(args.cache, args.drives).check(cfg)
    with laid_aside(args.out) as folder:
        write_parts(model, folder)
        head_input, quantisation = {"type": "float32"}, {"method": "none"}
        if not args.float:
            head_input, quantisation = quantize_head(
                model, data, args.run / "planes.npy",
                folder / "head.onnx", args.calibration,
            )
        trained = {"mode": "direct", "time": "counted"}
        rig = rig_of(data.frames) if data else {}
        write_manifest(folder, manifest(cfg, head_input, record, quantisation, trained, rig))


if __name__ == "__main__":
    sys.exit(main())
