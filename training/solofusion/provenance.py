"""Writes into a bundle's manifest how it scored on held-out drives.

Example:
    python -m solofusion.provenance out/bundle --metrics out/metrics/metrics_summary.json
"""

import argparse
import json
from pathlib import Path

import yaml

from .export import dump


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--metrics", type=Path, required=True, help="metrics_summary.json")
    parser.add_argument("--drives", default="16 full-size drives of 20 frames, synth seed 1000")
    args = parser.parse_args()
    summary = json.loads(args.metrics.read_text())
    aps = {f"{name}_AP": round(ap, 4) for name, ap in summary["mean_dist_aps"].items()}
    file = args.bundle / "model.yaml"
    manifest = yaml.safe_load(file.read_text())
    manifest["provenance"]["scores"] = {
        "drives": args.drives,
        "mAP": round(summary["mean_ap"], 4),
        "NDS": round(summary["nd_score"], 4),
        **aps,
    }
    file.write_text(dump(manifest))


if __name__ == "__main__":
    main()
