"""Writes into a bundle's manifest how it scored on held-out drives.

Example:
    python -m solofusion.provenance out/bundle --metrics out/metrics/metrics_summary.json
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from . import command
from .command import Refused
from .export import MANIFEST, dump


def main() -> int:
    parser = command.parser(__doc__)
    parser.add_argument("bundle", type=Path, help="the bundle's folder")
    parser.add_argument("--metrics", type=Path, required=True, help="metrics_summary.json")
    parser.add_argument("--drives", help="that were graded, in words")
    return command.run(parser, record)


def record(args: argparse.Namespace) -> None:
    file = args.bundle / MANIFEST
    manifest = read(file, yaml.safe_load, "provenance")
    scores = {"drives": args.drives} if args.drives else {}
    manifest["provenance"]["scores"] = scores | scores_of(args.metrics)
    new = file.with_suffix(".new")
    new.write_text(dump(manifest))
    os.replace(new, file)


def scores_of(metrics: Path) -> dict[str, float]:
    summary = read(metrics, json.loads, "mean_dist_aps")
    try:
        aps = {f"{name}_AP": round(ap, 4) for name, ap in summary["mean_dist_aps"].items()}
        return {"mAP": round(summary["mean_ap"], 4), "NDS": round(summary["nd_score"], 4), **aps}
    except (KeyError, TypeError, AttributeError) as e:
        raise Refused(f"{metrics} lacks {e}, want metrics_summary.json of solofusion eval") from None


def read(path: Path, parse: Callable[[str], object], key: str) -> dict:
    """The content of a file that must have the key."""
    try:
        content = parse(path.read_text())
    except (ValueError, yaml.YAMLError) as e:
        raise Refused(f"{path} cannot be read: {' '.join(str(e).split())}") from None
    if not isinstance(content, dict) or not isinstance(content.get(key), dict):
        raise Refused(f"{path} has no {key}")
    return content


if __name__ == "__main__":
    sys.exit(main())
