"""Caches a nuScenes-format folder for training.

Depth comes from rendered images (`solofusion synth --depth`), or from the lidar if
nothing was rendered. Scenes whose files are not all there are left out, with a word.

Example:
    python -m solofusion.prepare out/train --config small --out out/train-cache
    python -m solofusion.prepare data/nuscenes --dataset-version v1.0-trainval --split train \\
        --config r50 --out out/nuscenes-cache
"""

import argparse
import json
import sys
from pathlib import Path

from . import command
from .command import Refused
from .config import load_config
from .dataset import build_cache, version_in


def main() -> int:
    parser = command.parser(__doc__)
    parser.add_argument("data", type=Path, help="the data set's folder")
    parser.add_argument("--dataset-version", help="the folder of its tables (default: the only one)")
    parser.add_argument("--split", help=(
        "scenes of an official split, or of the data set's\nsplits.json (default: all)"
    ))
    parser.add_argument("--config", default="small", help="a name in configs/ or a YAML file")
    parser.add_argument("--out", type=Path, required=True, help="the cache's folder")
    return command.run(parser, prepare)


def prepare(args: argparse.Namespace) -> None:
    cfg = load_config(args.config)
    if not args.data.is_dir():
        raise Refused(f"{args.data} is no folder, want a data set's in nuScenes format")
    version = args.dataset_version or version_in(args.data)
    wanted = scenes_of(args.data, version, args.split) if args.split else None
    if version == "v1.0-trainval" and wanted is None:
        print("taking the scenes of val, too: --split train leaves them out")
    build_cache(cfg, args.data, version, args.out, wanted)


def scenes_of(root: Path, version: str, split: str) -> set[str]:
    """The names of a split's scenes."""
    for file in (root / version / "splits.json", root / "splits.json"):
        if file.exists():
            splits = json.loads(file.read_text(encoding="utf-8-sig"))
            break
    else:
        from nuscenes.utils.splits import create_splits_scenes  # of nuscenes-devkit; slow to import

        splits = create_splits_scenes()
    if split not in splits:
        raise Refused(f"there is no split {split}, want one of {', '.join(splits)}")
    return set(splits[split])


if __name__ == "__main__":
    sys.exit(main())
