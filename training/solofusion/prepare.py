"""Caches a nuScenes-format folder for training.

Example:
    python -m solofusion.prepare out/train --config small --out out/train-cache
"""

import argparse
from pathlib import Path

from .config import load_config
from .dataset import build_cache


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the data set's folder")
    parser.add_argument("--dataset-version", default="v1.0-synth")
    parser.add_argument("--config", default="small", help="a name in configs/ or a file")
    parser.add_argument("--out", type=Path, required=True, help="the cache's folder")
    args = parser.parse_args()
    build_cache(load_config(args.config), args.data, args.dataset_version, args.out)


if __name__ == "__main__":
    main()
