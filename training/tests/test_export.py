"""The exported graphs against the PyTorch model, in the small configuration."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from solofusion import export
from solofusion.config import TASKS, load_config
from solofusion.model import SOLOFusion
from torch import nn

CFG = load_config("small")


def randomise(model: SOLOFusion) -> SOLOFusion:
    """Gives a model batch norms and offsets that matter."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    nn.init.normal_(model.img_view_transformer.dcn[0].conv_offset.weight, std=0.05)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def model() -> SOLOFusion:
    torch.manual_seed(1)
    return randomise(SOLOFusion(CFG))


def run(file: Path, **inputs: torch.Tensor) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(file)
    values = session.run(None, {n: t.numpy() for n, t in inputs.items()})
    return dict(zip([o.name for o in session.get_outputs()], values, strict=True))


def close(got: np.ndarray, want: torch.Tensor, bound: float = 1e-4) -> None:
    assert np.abs(got - want.numpy()).max() <= bound * np.abs(want.numpy()).max()


def test_image_encoder(model: SOLOFusion, tmp_path: Path) -> None:
    export.image_encoder(model, tmp_path / "g.onnx")
    images, cameras = torch.randn(2, 3, 128, 352), torch.randn(2, 33)
    got = run(tmp_path / "g.onnx", images=images, cameras=cameras)
    want = model.encode_images(images, cameras)
    for name, tensor in zip(("context", "mono_logits", "stereo_features"), want, strict=True):
        close(got[name], tensor.permute(0, 2, 3, 1))


def test_bev_embed(model: SOLOFusion, tmp_path: Path) -> None:
    export.bev_embed(model, tmp_path / "g.onnx")
    plane = torch.rand(1, 32, 128, 128)
    got = run(tmp_path / "g.onnx", bev_raw=plane.permute(0, 2, 3, 1).contiguous())
    close(got["bev"], model.embed_bev(plane).permute(0, 2, 3, 1))


def test_head_with_the_time_convolution_in_the_small_weights(model: SOLOFusion, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    export.head(model, tmp_path / "g.onnx")
    export.small_weights(model, tmp_path / "w.safetensors")
    weights = load_file(tmp_path / "w.safetensors")
    stack, ages = torch.rand(1, 9, 32, 128, 128), torch.arange(9.0)[None] / 2
    timed = torch.einsum("oc,tcyx->tyxo", weights["time.weight"], stack[0])
    timed = timed + ages[0].view(9, 1, 1, 1) * weights["time.age"] + weights["time.bias"]
    timed = timed.relu().permute(1, 2, 0, 3).flatten(2)[None].contiguous()
    got = run(tmp_path / "g.onnx", stack=timed)
    fused = model.fuse(stack, ages)
    close(got["fused"], fused)
    maps = model.pts_bbox_head(model.encode_bev(fused))
    for t in range(len(TASKS)):
        for branch, tensor in maps[t].items():
            close(got[f"head_{t}_{branch}"], tensor)


def test_similarity_weights(model: SOLOFusion, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    export.small_weights(model, tmp_path / "w.safetensors")
    weights = load_file(tmp_path / "w.safetensors")
    x = torch.randn(50, 8)
    y = x
    for i in range(3):
        y = y @ weights[f"similarity.{i}.weight"].T + weights[f"similarity.{i}.bias"]
        y = y.relu() if i < 2 else y
    want = model.img_view_transformer.similarity_net(x.T[None, :, :, None, None])
    assert torch.allclose(y.flatten(), want.flatten(), atol=1e-5)
