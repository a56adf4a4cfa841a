"""What training learns from: targets, losses, and a step that lowers the loss."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from solofusion import bev
from solofusion.config import CLASSES, load_config
from solofusion.losses import head_loss, patches_at, total, valid_conv
from solofusion.model import CenterHead, DeformConv
from solofusion.targets import flip, make_targets
from torch import nn
from torchvision.ops import deform_conv2d

CFG = load_config("small")


def box(x: float, y: float, yaw: float = 0.3, velocity: tuple = (3.0, -1.0)) -> list[float]:
    return [x, y, -0.5, 1.9, 4.6, 1.7, yaw, *velocity]


def test_targets_name_the_cell_and_decode_to_the_box() -> None:
    boxes = torch.tensor([box(10.3, -20.1), box(-51.0, 51.1), box(60.0, 0.0)])
    labels = torch.tensor([CLASSES.index("car"), CLASSES.index("trailer"), 0])
    got = make_targets(CFG, boxes, labels)
    assert got.task.tolist() == [0, 2], "the box outside of the grid is no target"
    assert got.heatmaps[0][0, got.place[0, 0], got.place[0, 1]] == 1
    assert got.heatmaps[2][1].max() == 1
    assert got.heatmaps[2][0].max() == 0
    reg, yaw = got.code[0, :2], math.atan2(got.code[0, 6], got.code[0, 7])
    assert (got.place[0, 1] + reg[0]) * 0.8 - 51.2 == pytest.approx(10.3, abs=1e-4)
    assert (got.place[0, 0] + reg[1]) * 0.8 - 51.2 == pytest.approx(-20.1, abs=1e-4)
    assert -yaw - math.pi / 2 == pytest.approx(0.3, abs=1e-5)
    assert got.code[0, 3:6].exp().tolist() == pytest.approx([1.9, 4.6, 1.7], abs=1e-5)


def test_flipping_twice_is_nothing() -> None:
    boxes = torch.tensor([box(10.0, -20.0), box(1.0, 2.0, yaw=-2.5)])
    for axes in ((True, False), (False, True), (True, True)):
        assert torch.allclose(flip(flip(boxes, *axes), *axes), boxes, atol=1e-6)
    mirrored = flip(boxes, True, False)
    assert mirrored[0, [0, 7]].tolist() == [-10.0, -3.0]
    assert mirrored[0, 6].item() == pytest.approx(math.pi - 0.3, abs=1e-6)


def test_patches_give_what_the_whole_map_gives() -> None:
    torch.manual_seed(0)
    head = CenterHead(12, 8, 4).eval()
    x = torch.randn(2, 8, 20, 20)
    branch = head.task_heads[0]["dim"]
    place = torch.tensor([[5, 7], [10, 3], [17, 17]])
    batch = torch.tensor([0, 1, 0])
    got = valid_conv(branch, patches_at(x, batch, place))
    want = branch(x)[batch, :, place[:, 0], place[:, 1]]
    assert torch.allclose(got, want, atol=1e-5)


def test_deformable_convolution_is_torchvisions() -> None:
    torch.manual_seed(0)
    conv = DeformConv(8)
    nn.init.normal_(conv.conv_offset.weight, std=0.3)
    x = torch.randn(2, 8, 7, 9)
    offsets = conv.conv_offset(x)
    want = deform_conv2d(
        x, offsets[:, :18].contiguous(), conv.weight, padding=1,
        mask=offsets[:, 18:].sigmoid().contiguous(),
    )
    assert torch.allclose(conv(x), want, atol=1e-5)


def test_alignment_follows_the_vehicle() -> None:
    plane = torch.zeros(1, 1, *CFG.cells)
    plane[0, 0, 80, 64] = 1  # an object 12.8 m ahead of where the vehicle was
    forward = torch.eye(4, dtype=torch.float64)
    forward[1, 3] = 4.0  # today's origin is 4 m further on
    aligned = bev.align(CFG, plane, forward[None])
    row, column = divmod(int(aligned.argmax()), CFG.cells[1])
    assert (row, column) == (75, 64)


def test_a_few_steps_fit_one_frame() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    head = nn.Sequential(nn.Conv2d(4, 96, 3, padding=1), nn.ReLU())
    model = CenterHead(96, 32, 16)
    boxes = torch.tensor([box(*rng.uniform(-40, 40, 2)) for _ in range(6)])
    targets = [make_targets(CFG, boxes, torch.arange(6))]
    plane = F.interpolate(torch.randn(1, 4, 32, 32), size=CFG.cells)
    optimizer = torch.optim.Adam([*head.parameters(), *model.parameters()], 1e-2)
    values = []
    for _ in range(8):
        loss = total(head_loss(model, head(plane), targets, velocity=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(float(loss.detach()))
    assert values[-1] < 0.7 * values[0]
