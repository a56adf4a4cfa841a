"""The networks of SOLOFusion (arXiv 2210.02443) under the reference's parameter names.

Shapes are N C H W. What lies between the networks is in ``stereo`` and ``bev``.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import BRANCHES, TASKS, Config

NECK_EPS = 1e-3
"""Batch-norm epsilon of the SECOND FPNs; 1e-5 everywhere else."""


class ConvBN(nn.Module):
    """conv (no bias), batch norm and ReLU, with mmcv's names ``conv`` and ``bn``."""

    def __init__(self, conv: nn.Module, norm: nn.Module):
        super().__init__()
        self.conv, self.bn = conv, norm

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class BasicBlock(nn.Module):
    """Two 3x3 convs around a shortcut.

    ``shortcut`` is "none", "project" (1x1 conv and batch norm, torchvision's
    names) or "biased" (3x3 conv with bias, the bird's-eye networks').
    """

    def __init__(self, inp: int, out: int, stride: int, shortcut: str):
        super().__init__()
        self.conv1 = nn.Conv2d(inp, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = make_shortcut(inp, out, stride, shortcut)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3 ("pytorch" style: the stride is here) and 1x1 convs around a shortcut."""

    def __init__(self, inp: int, out: int, stride: int, shortcut: str):
        super().__init__()
        mid = out // 4
        self.conv1 = nn.Conv2d(inp, mid, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(mid)
        self.conv2 = nn.Conv2d(mid, mid, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(mid)
        self.conv3 = nn.Conv2d(mid, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = make_shortcut(inp, out, stride, shortcut)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def make_shortcut(inp: int, out: int, stride: int, kind: str) -> nn.Module | None:
    if kind == "project":
        return nn.Sequential(nn.Conv2d(inp, out, 1, stride, bias=False), nn.BatchNorm2d(out))
    if kind == "biased":
        return nn.Conv2d(inp, out, 3, stride, 1)
    return None


class Backbone(nn.Module):
    """A ResNet: features at strides 4, 8, 16 and 32."""

    def __init__(self, stem: int, block: str, blocks: list[int], channels: list[int]):
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        kind = {"basic": BasicBlock, "bottleneck": Bottleneck}[block]
        inp = stem
        for i, (n, out) in enumerate(zip(blocks, channels, strict=True)):
            stride = 1 if i == 0 else 2
            first = kind(inp, out, stride, "project" if stride != 1 or inp != out else "none")
            rest = [kind(out, out, 1, "none") for _ in range(n - 1)]
            setattr(self, f"layer{i + 1}", nn.Sequential(first, *rest))
            inp = out

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        features = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            features.append(x)
        return features


def make_deblock(inp: int, out: int, scale: float) -> nn.Sequential:
    if scale < 1:
        k = round(1 / scale)
        conv = nn.Conv2d(inp, out, k, k, bias=False)
    else:
        k = round(scale)
        conv = nn.ConvTranspose2d(inp, out, k, k, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out, eps=NECK_EPS), nn.ReLU())


class SecondFPN(nn.Module):
    """Brings every level to one size and concatenates them."""

    def __init__(self, channels: list[int], upsample: list[float], out: int):
        super().__init__()
        self.deblocks = nn.ModuleList(
            make_deblock(c, out, s) for c, s in zip(channels, upsample, strict=True)
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        return torch.cat([d(f) for d, f in zip(self.deblocks, features, strict=True)], 1)


class StereoNeck(SecondFPN):
    """The fine features, of unit length over channels."""

    def __init__(self, channels: list[int], cfg: dict):
        super().__init__(channels, cfg["upsample"], cfg["channels"])
        width = cfg["channels"] * len(channels)
        self.final_conv = nn.Sequential(
            nn.Conv2d(width, cfg["middle"], 3, 1, 1, bias=False),
            nn.BatchNorm2d(cfg["middle"], eps=NECK_EPS),
            nn.ReLU(),
            nn.Conv2d(cfg["middle"], cfg["out"], 1, bias=False),
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        x = self.final_conv(super().forward(features)).float()
        return F.normalize(x, dim=1, eps=1e-5)


class DeformConv(nn.Module):
    """Modulated deformable 3x3 convolution, version 2, without bias."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels, 3, 3))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        self.conv_offset = nn.Conv2d(channels, 27, 3, 1, 1)
        nn.init.zeros_(self.conv_offset.weight)
        nn.init.zeros_(self.conv_offset.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Samples the nine taps of every pixel, then convolves them by a product:
        the same function as torchvision's deform_conv2d, whose backward pass is slow
        on a CPU."""
        with torch.autocast("cpu", enabled=False):
            x = x.float()
            offsets = self.conv_offset(x)
            n, c, h, w = x.shape
            dy, dx = offsets[:, :18].view(n, 9, 2, h, w).unbind(2)
            tap = torch.arange(9)
            row = torch.arange(h).view(1, 1, h, 1) + (tap // 3 - 1).view(1, 9, 1, 1) + dy
            column = torch.arange(w).view(1, 1, 1, w) + (tap % 3 - 1).view(1, 9, 1, 1) + dx
            grid = torch.stack([(column + 0.5) * (2 / w) - 1, (row + 0.5) * (2 / h) - 1], -1)
            taps = F.grid_sample(x, grid.flatten(1, 2), align_corners=False)
            taps = taps.view(n, c, 9, h, w) * offsets[:, None, 18:].sigmoid()
            weight = self.weight.view(c, c * 9)
            return (weight @ taps.flatten(3).flatten(1, 2)).view(n, c, h, w)


class CameraGate(nn.Module):
    """Scales channels by what the 33 camera numbers say."""

    def __init__(self, inp: int, out: int):
        super().__init__()
        self.input_conv = nn.Conv2d(inp, out, 1)
        self.fc = nn.Sequential(nn.BatchNorm1d(33), nn.Linear(33, out))

    def forward(self, x: Tensor, cameras: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            gate = self.fc(cameras).sigmoid()
        return self.input_conv(x) * gate[:, :, None, None]


class Blocks(nn.Module):
    """Stages of two or more BasicBlocks, each stage's first with a biased shortcut."""

    def __init__(self, inp: int, channels: list[int], strides: list[int], blocks: int):
        super().__init__()
        layers = []
        for out, stride in zip(channels, strides, strict=True):
            rest = [BasicBlock(out, out, 1, "none") for _ in range(blocks - 1)]
            layers.append(nn.Sequential(BasicBlock(inp, out, stride, "biased"), *rest))
            inp = out
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for layer in self.layers:
            x = layer(x)
            features.append(x)
        return features


class ViewTransformer(nn.Module):
    """Context, monocular depth and the similarity network, with the constants that
    the reference keeps among its parameters."""

    def __init__(self, cfg: Config):
        super().__init__()
        width = cfg.neck["channels"] * len(cfg.neck["upsample"])
        channels, bins = cfg.depth["channels"], cfg.depth["bins"]
        for name, value in view_constants(cfg).items():
            setattr(self, name, nn.Parameter(value, requires_grad=False))
        self.depthnet = nn.Conv2d(channels, bins, 1)
        self.extra_depthnet = Blocks(channels, [channels], [1], 3)
        self.featnet = nn.Conv2d(width, cfg.context_channels, 1)
        self.dcn = nn.Sequential(DeformConv(channels), nn.BatchNorm2d(channels))
        self.se = CameraGate(width, channels)
        if cfg.stereo:
            self.similarity_net = nn.Sequential(
                ConvBN(nn.Conv3d(cfg.stereo["groups"], 16, 1, bias=False), nn.BatchNorm3d(16)),
                ConvBN(nn.Conv3d(16, 8, 1, bias=False), nn.BatchNorm3d(8)),
                nn.Conv3d(8, 1, 1),
            )

    def forward(self, x: Tensor, cameras: Tensor) -> tuple[Tensor, Tensor]:
        """Returns context and monocular depth logits; cameras is N x 33."""
        depth = self.extra_depthnet(self.se(x, cameras))[-1]
        return self.featnet(x), self.depthnet(self.dcn(depth))


def view_constants(cfg: Config) -> dict[str, Tensor]:
    """dx, bx, nx, frustum, log_inv_gaussians and bin_centers (model spec, 3 and 4)."""
    axes = torch.tensor([cfg.grid[a] for a in "xyz"], dtype=torch.float32)
    h, w = cfg.coarse_size
    bins, start, step = cfg.depth["bins"], cfg.depth["start"], cfg.depth["step"]
    depth = start + step * torch.arange(bins, dtype=torch.float32)
    v = torch.linspace(0, cfg.image["height"] - 1, h)
    u = torch.linspace(0, cfg.image["width"] - 1, w)
    d, v, u = torch.meshgrid(depth, v, u, indexing="ij")
    constants = {
        "dx": axes[:, 2].clone(),
        "bx": axes[:, 0] + axes[:, 2] / 2,
        "nx": ((axes[:, 1] - axes[:, 0]) / axes[:, 2]).round(),
        "frustum": torch.stack([u, v, d], -1),
    }
    if cfg.stereo:
        constants["log_inv_gaussians"] = suppression(bins, cfg.stereo["sigma_bins"])
        constants["bin_centers"] = depth + step / 2
    return constants


def suppression(bins: int, sigma: float) -> Tensor:
    """What picking bin i takes from every bin's log probability: bins x bins."""
    radius = int(4 * sigma + 0.5)
    i = torch.arange(bins, dtype=torch.float64)
    gap = i[:, None] - i[None, :]
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1).double() / sigma) ** 2)
    gauss = torch.exp(-0.5 * (gap / sigma) ** 2) / taps.sum()
    gauss[gap.abs() > radius] = 0
    p = torch.log(1 - gauss / gauss.max() + 1e-5)
    p.fill_diagonal_(-1000)
    return p.float()


class CenterHead(nn.Module):
    """Per task a heat map and regressions at every cell."""

    def __init__(self, inp: int, shared: int, branch: int):
        super().__init__()
        self.shared_conv = ConvBN(
            nn.Conv2d(inp, shared, 3, 1, 1, bias=False), nn.BatchNorm2d(shared)
        )
        self.task_heads = nn.ModuleList(
            nn.ModuleDict({
                name: nn.Sequential(
                    ConvBN(nn.Conv2d(shared, branch, 3, 1, 1, bias=False), nn.BatchNorm2d(branch)),
                    nn.Conv2d(branch, out, 3, 1, 1),
                )
                for name, out in {**BRANCHES, "heatmap": len(classes)}.items()
            })
            for classes in TASKS
        )
        for head in self.task_heads:
            nn.init.constant_(head["heatmap"][1].bias, -2.19)

    def forward(self, x: Tensor) -> list[dict[str, Tensor]]:
        x = self.shared_conv(x)
        return [{name: branch(x) for name, branch in head.items()} for head in self.task_heads]


class SOLOFusion(nn.Module):
    """All networks. ``state_dict`` has the reference's names and shapes."""

    def __init__(self, cfg: Config):
        super().__init__()
        self.cfg = cfg
        c, levels = cfg.context_channels, cfg.backbone["channels"]
        fused, history = cfg.history["fused_channels"], cfg.history["frames"]
        encoder = cfg.bev_encoder
        self.pts_bbox_head = CenterHead(
            encoder["neck_channels"] * 4, cfg.head["shared"], cfg.head["branch"]
        )
        self.img_backbone = Backbone(**cfg.backbone)
        self.img_neck = SecondFPN(levels, cfg.neck["upsample"], cfg.neck["channels"])
        self.img_view_transformer = ViewTransformer(cfg)
        self.img_bev_encoder_backbone = Blocks(fused, encoder["channels"], [2, 2, 2], 2)
        self.img_bev_encoder_neck = SecondFPN(
            [fused, *encoder["channels"]], encoder["neck_upsample"], encoder["neck_channels"]
        )
        self.embed = nn.Sequential(
            nn.Conv2d(c, c, 1), nn.BatchNorm2d(c), nn.ReLU(),
            nn.Conv2d(c, c, 1), nn.BatchNorm2d(c), nn.ReLU(),
        )
        self.pre_process_net = Blocks(c, [c], [1], 2)
        if cfg.remembers:
            self.history_keyframe_time_conv = nn.Sequential(
                nn.Conv2d(c + 1, c, 1), nn.BatchNorm2d(c), nn.ReLU()
            )
            self.history_keyframe_cat_conv = nn.Sequential(
                nn.Conv2d(c * (history + 1), fused, 1), nn.BatchNorm2d(fused), nn.ReLU()
            )
        if cfg.stereo:
            self.stereo_neck = StereoNeck(levels, cfg.stereo_neck)

    def encode_images(self, images: Tensor, cameras: Tensor
                      ) -> tuple[Tensor, Tensor, Tensor | None]:
        """images N x 3 x H x W, normalised; cameras N x 33.

        Returns context N C h w, monocular logits N D h w, stereo features N S sh sw.
        """
        features = self.img_backbone(images)
        context, logits = self.img_view_transformer(self.img_neck(features), cameras)
        return context, logits, self.stereo_neck(features) if self.cfg.stereo else None

    def embed_bev(self, bev_raw: Tensor) -> Tensor:
        """B C Y X to the feature that history keeps."""
        return self.embed(self.pre_process_net(bev_raw)[-1])

    def fuse(self, stack: Tensor, ages: Tensor) -> Tensor:
        """stack B (T+1) C Y X, current first, aligned; ages B (T+1) in seconds."""
        if not self.cfg.remembers:
            return stack[:, 0]
        b, t, c, y, x = stack.shape
        age = ages[:, :, None, None, None].to(stack.dtype).expand(b, t, 1, y, x)
        timed = self.history_keyframe_time_conv(torch.cat([stack, age], 2).flatten(0, 1))
        return self.history_keyframe_cat_conv(timed.reshape(b, t * c, y, x))

    def encode_bev(self, fused: Tensor) -> Tensor:
        """B F Y X to the features that the head's shared conv takes."""
        return self.img_bev_encoder_neck([fused, *self.img_bev_encoder_backbone(fused)])
