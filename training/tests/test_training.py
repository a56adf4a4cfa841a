"""What training learns from: targets, losses, and a step that lowers the loss."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from solofusion import bev
from solofusion.config import CLASSES, load_config
from solofusion.dataset import NO_DEPTH, NO_OBJECT, Frame, add_pixels, objects_at
from solofusion.losses import (
    OBJECT_WEIGHT,
    PIXEL_OUTPUTS,
    depth_loss,
    head_loss,
    patches_at,
    pixel_loss,
    valid_conv,
)
from solofusion.model import CenterHead, DeformConv
from solofusion.targets import half_turn, make_targets
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


def test_half_turn_twice_is_nothing() -> None:
    boxes = torch.tensor([[10.0, -5, 1, 2, 4.5, 1.6, 0.3, 3, -1]])
    turned = half_turn(boxes)
    assert turned[0, [0, 1, 2, 7, 8]].tolist() == [-10.0, 5.0, 1.0, -3.0, 1.0]
    assert turned[0, 6].item() == pytest.approx(0.3 + math.pi, abs=1e-6)
    again = half_turn(turned)
    assert torch.allclose(again[:, :6], boxes[:, :6]) and torch.allclose(again[:, 7:], boxes[:, 7:])
    assert again[0, 6].cos().item() == pytest.approx(math.cos(0.3), abs=1e-6)


def test_depth_loss_weighs_objects_and_skips_the_unknown() -> None:
    frame = SimpleNamespace(
        depth_bins=torch.tensor([[[1, 0, NO_DEPTH]]], dtype=torch.int16),
        objects=torch.tensor([[[0, NO_OBJECT, NO_OBJECT]]], dtype=torch.int16),
    )
    logits = torch.zeros(1, 2, 1, 3)
    logits[0, 1, 0, 0] = 2.0
    terms = F.cross_entropy(logits[..., :2], torch.tensor([[[1, 0]]]), reduction="none").flatten()
    want = (OBJECT_WEIGHT * terms[0] + terms[1]) / (OBJECT_WEIGHT + 1)
    assert torch.isclose(depth_loss(logits, frame), want)


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
        loss = sum(head_loss(model, head(plane), targets, velocity=True).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(float(loss.detach()))
    assert values[-1] < 0.7 * values[0]


def facing_frame(distance: float) -> Frame:
    """Six cameras at the lidar's place that all look along y, and a car ahead."""
    augment = torch.tensor([[0.24, 0, -16], [0, 0.24, -88], [0, 0, 1]], dtype=torch.float64)
    intrinsics = torch.tensor([[1266, 0, 816], [0, 1266, 491], [0, 0, 1]], dtype=torch.float64)
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3] = torch.tensor([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # camera z is lidar y
    boxes = torch.tensor([[0.0, distance, 0.0, 1.9, 4.6, 1.7, math.pi / 2, 0.0, 0.0]])
    return Frame(
        "scene", "token", True, intrinsics.repeat(6, 1, 1), augment.repeat(6, 1, 1),
        pose.repeat(6, 1, 1), torch.eye(4, dtype=torch.float64), boxes, torch.tensor([0]),
    )


def test_pixels_say_what_they_show() -> None:
    frame = facing_frame(20.0)
    near = 20.0 - 4.6 / 2  # the car's rear
    image = np.zeros((128, 352), np.uint16)
    u, v = 816 * 0.24 - 16, 491 * 0.24 - 88  # of the car's middle
    image[int(v) - 5 : int(v) + 5, int(u) - 8 : int(u) + 8] = round(near * 256)
    add_pixels(CFG, frame, [image] * 6)
    row, column = int(v) // 8, int(u) // 8
    assert frame.depth_bins[0, row, column] == int((near - 2.0) / 0.5)
    assert frame.objects[0, row, column] == 0
    assert frame.points[0, row, column, 1] == pytest.approx(near, abs=0.01)
    assert (frame.objects == NO_OBJECT).float().mean() > 0.95

    right = torch.zeros(6, PIXEL_OUTPUTS, *CFG.coarse_size)
    right[:, 10] = 20.0  # background ...
    at = frame.objects != NO_OBJECT
    right[:, 0][at], right[:, 10][at] = 20.0, 0.0  # ... but for the car
    gap = frame.boxes[0, :3] - frame.points
    for i, value in enumerate([gap[..., 1], -gap[..., 0], gap[..., 2]]):
        right[:, 11 + i][at] = value[at]
    right[:, 14][at] = 1.0  # it heads along the ray
    for i, size in enumerate([1.9, 4.6, 1.7]):
        right[:, 16 + i][at] = math.log(size)
    terms = pixel_loss(right, frame)
    assert terms["kind"] < 1e-3
    assert terms["shape"] < 0.05  # rays are not quite parallel to y


def test_points_belong_to_the_box_they_are_in() -> None:
    boxes = torch.tensor([box(10.0, 0.0, yaw=0.0), box(20.0, 0.0, yaw=math.pi / 2)])
    points = torch.tensor([[12.2, 0.9, -0.5], [10.0, 1.2, -0.5], [20.0, 2.2, -0.5], [22.0, 0, -0.5]])
    assert objects_at(boxes, points).tolist() == [0, NO_OBJECT, 1, NO_OBJECT]
    assert objects_at(boxes[:0], points).tolist() == [NO_OBJECT] * 4
