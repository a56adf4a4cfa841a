"""Random weights in the released format (a dict with ``meta`` and ``state_dict``)
under which every stage matters: activations of unit size, deformable offsets of a
pixel or two, depth distributions with several modes, boxes in every task.

Layers are drawn at random; then a frame goes through the networks, and each batch
norm takes its statistics, each output layer its scale, from what it sees there.

Example:
    python -m reference.draw data/drives --dataset-version v1.0-synth \\
        --config r50 --seed 3 --out r50.pth
"""

import argparse
import sys
from pathlib import Path

import torch
from solofusion import command
from solofusion.config import Config, load_config
from solofusion.model import BasicBlock, Bottleneck, SOLOFusion
from torch import Tensor, nn

from .frames import KeyFrame, read_frames
from .oracle import Oracle

HEAD = {  # mean and deviation of each branch's output
    "reg": (0.5, 0.2), "height": (-0.5, 0.7), "dim": (0.6, 0.4), "rot": (0.0, 1.0),
    "vel": (0.0, 2.0), "heatmap": (-4.5, 1.0),
}


@torch.no_grad()
def draw(cfg: Config, seed: int, frame: KeyFrame) -> dict[str, Tensor]:
    """The state dict of a model whose scales fit a frame."""
    generator = torch.Generator().manual_seed(seed)
    model = SOLOFusion(cfg).requires_grad_(False)
    for module in model.modules():
        randomise(module, generator)
    for module in model.modules():  # near identities, as trained blocks: noise does not grow
        if isinstance(module, (BasicBlock, Bottleneck)):
            last = module.bn3 if isinstance(module, Bottleneck) else module.bn2
            last.weight.mul_(0.3)
    wanted = outputs(model)
    for module in model.modules():
        if module in wanted:
            module.register_forward_hook(tame(*wanted[module]))
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.register_forward_hook(settle)
    Oracle(model.eval()).step(frame)
    return model.state_dict()


def randomise(module: nn.Module, generator: torch.Generator) -> None:
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        module.weight.uniform_(0.5, 1.5, generator=generator)
        module.bias.normal_(0, 0.3, generator=generator)
    elif hasattr(module, "weight") and isinstance(module.weight, nn.Parameter):
        module.weight.normal_(0, (2 / module.weight[0].numel()) ** 0.5, generator=generator)
        if getattr(module, "bias", None) is not None:
            module.bias.normal_(0, 0.1, generator=generator)


def outputs(model: SOLOFusion) -> dict[nn.Module, tuple[float, float]]:
    """The layers whose outputs should have a certain mean and deviation."""
    transformer = model.img_view_transformer
    layers = {
        transformer.featnet: (0.0, 1.0),
        transformer.depthnet: (0.0, 2.0),
        transformer.dcn[0].conv_offset: (0.0, 1.5),
        transformer.se.fc[1]: (0.0, 1.5),
    }
    if model.cfg.stereo:
        layers[transformer.similarity_net[2]] = (0.5, 1.5)
    for task in model.pts_bbox_head.task_heads:
        layers |= {branch[-1]: HEAD[name] for name, branch in task.items()}
    return layers


def tame(mean: float, deviation: float):
    """A hook that gives a layer's output this mean and deviation from now on."""
    def hook(layer: nn.Module, _inputs: tuple, y: Tensor) -> Tensor:
        gain = deviation / y.std()
        layer.weight.mul_(gain)
        layer.bias.sub_(y.mean()).mul_(gain).add_(mean)
        return (y - y.mean()) * gain + mean
    return hook


def settle(norm: nn.Module, inputs: tuple, _y: Tensor) -> Tensor:
    """A hook that takes a batch norm's statistics from its input. A camera number
    that hardly varies keeps a wide deviation, for other rigs."""
    x = inputs[0].transpose(0, 1).flatten(1)
    norm.running_mean.copy_(x.mean(1))
    variance = x.var(1, unbiased=False)
    if isinstance(norm, nn.BatchNorm1d):
        variance = variance + (0.1 * x.mean(1)) ** 2 + 0.01
    norm.running_var.copy_(variance)
    shape = (1, -1, *[1] * (inputs[0].dim() - 2))
    centred = (inputs[0] - norm.running_mean.view(shape)) / (norm.running_var + norm.eps).sqrt().view(shape)
    return centred * norm.weight.view(shape) + norm.bias.view(shape)


def main() -> int:
    parser = command.parser(__doc__)
    parser.add_argument("input", type=Path, help="a folder in nuScenes format, for the scales")
    parser.add_argument("--dataset-version", required=True, help="the folder of its tables")
    parser.add_argument("--config", required=True, help="a name in configs/, or a file")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the checkpoint")
    return command.run(parser, draw_checkpoint)


def draw_checkpoint(args: argparse.Namespace) -> None:
    cfg = load_config(args.config)
    frame = next(read_frames(cfg, args.input, args.dataset_version))
    save(draw(cfg, args.seed, frame), args.out, args.config, args.seed)


def save(weights: dict[str, Tensor], path: Path, config: str, seed: int) -> None:
    torch.save({"meta": {"config": config, "seed": seed}, "state_dict": weights}, path)


if __name__ == "__main__":
    sys.exit(main())
