"""Times `solofusion eval` against nuscenes-devkit, both as whole processes on the same files.

Fails unless both find the same metrics. The data is what nuscenes/eval/internal/benchset
writes; `make bench-eval` makes it and runs this.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from devkit import TOLERANCE, metric_differences

ROOT = Path(__file__).resolve().parents[1]
VERSION = "v1.0-trainval"
SPLIT = "val"
SHOWN = 5  # of the differences
RESAMPLES = 1000  # that solofusion eval makes by default, and the devkit does not


class BenchError(Exception):
    """What went wrong, and what mends it."""


@dataclass(frozen=True)
class Usage:
    """What a process took from its start to its end."""

    wall: float  # seconds
    cpu: float  # seconds, user and system, all threads
    peak: float  # MiB resident


def main() -> int:
    args = parse_arguments()
    try:
        check_inputs(args)
        with tempfile.TemporaryDirectory(prefix="bench-eval-") as out:
            compare_programs(args, Path(out))
            if args.tables:
                time_tables(args, Path(out))
    except BenchError as error:
        print(f"bench-eval: {error}", file=sys.stderr)
        return 1
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Times `solofusion eval` against nuscenes-devkit on the same files, from the start of "
        "the process to its end, and fails unless both find the same metrics.",
        epilog="example: .venv/bin/python training/bench_eval.py --data out/bench-eval "
        "--tables out/bench-eval-trainval",
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="results.json and tables of val, as nuscenes/eval/internal/benchset writes them",
    )
    parser.add_argument(
        "--tables",
        type=Path,
        metavar="DIR",
        help="tables of all of trainval; time solofusion on these too, cold and warm in the page cache",
    )
    parser.add_argument(
        "--program",
        type=Path,
        default=ROOT / "bin" / "solofusion",
        metavar="FILE",
        help="default: %(default)s",
    )
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="of solofusion, default: 5")
    parser.add_argument(
        "--devkit-rounds", type=positive, default=1, metavar="N", help="minutes each, default: 1"
    )
    args = parser.parse_args()
    args.data, args.program = args.data.resolve(), args.program.resolve()
    args.tables = args.tables and args.tables.resolve()
    return args


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} rounds, want 1 or more")
    return number


def check_inputs(args: argparse.Namespace) -> None:
    try:
        importlib.metadata.version("nuscenes-devkit")
    except importlib.metadata.PackageNotFoundError:
        raise BenchError(
            f"{sys.executable} has no nuscenes-devkit: run `make .venv/.installed`, "
            "then this with .venv/bin/python"
        ) from None
    if not os.access(args.program, os.X_OK):
        raise BenchError(f"{args.program} is no program: run `make build`")
    made_by = f"make it with `go run ./nuscenes/eval/internal/benchset --out {args.data}`"
    if not (args.data / "results.json").is_file():
        raise BenchError(f"{args.data / 'results.json'} is missing: {made_by}")
    for folder in filter(None, (args.data, args.tables)):
        if not (folder / VERSION / "sample.json").is_file():
            size = " --size trainval" if folder == args.tables else ""
            raise BenchError(
                f"{folder / VERSION} has no tables: make them with "
                f"`go run ./nuscenes/eval/internal/benchset --out {folder}{size}`"
            )


def compare_programs(args: argparse.Namespace, out: Path) -> None:
    """Runs both programs in turn, holds their metrics against each other, prints what they took."""
    read_all([args.data / "results.json", *(args.data / VERSION).iterdir()])
    devkit: list[Usage] = []
    solofusion: list[Usage] = []
    intervals: list[Usage] = []
    for i in range(max(args.rounds, args.devkit_rounds)):
        if i < args.rounds:
            solofusion.append(run_solofusion(args, args.data, out / "solofusion"))
            intervals.append(run_solofusion(args, args.data, out / "solofusion", "val", RESAMPLES))
        if i < args.devkit_rounds:
            devkit.append(run_devkit(args, out / "devkit"))
    check_metrics(out / "solofusion", out / "devkit")
    version = importlib.metadata.version("nuscenes-devkit")
    theirs, ours = median(devkit), median(solofusion)
    rows = {
        f"nuscenes-devkit {version}": theirs,
        "solofusion eval, the same numbers": ours,
        f"solofusion eval, with {RESAMPLES} resamples": median(intervals),
    }
    print_table("val", rows)
    print(
        f"ratio {theirs.wall / ours.wall:.1f} x in wall time for the same numbers, "
        f"{theirs.wall / median(intervals).wall:.1f} x with intervals, "
        f"peak memory 1/{theirs.peak / ours.peak:.1f}; metrics agree within {TOLERANCE:g}",
        flush=True,
    )


def time_tables(args: argparse.Namespace, out: Path) -> None:
    """Grades the same results with full tables, read from the disk and from the page cache."""
    cold: list[Usage] = []
    warm: list[Usage] = []
    for _ in range(args.rounds):
        evict((args.tables / VERSION).iterdir())
        cold.append(run_solofusion(args, args.tables, out / "tables", "tables of trainval, cold"))
        warm.append(run_solofusion(args, args.tables, out / "tables", "tables of trainval, warm"))
    check_metrics(out / "tables", out / "devkit")
    print()
    print_table(
        "val, tables of trainval",
        {"solofusion eval, cold": median(cold), "solofusion eval, warm": median(warm)},
    )


def run_devkit(args: argparse.Namespace, out: Path) -> Usage:
    command = [sys.executable, "-m", "nuscenes.eval.detection.evaluate", args.data / "results.json"]
    command += ["--output_dir", out, "--eval_set", SPLIT, "--dataroot", args.data, "--version", VERSION]
    command += ["--plot_examples", "0", "--render_curves", "0", "--verbose", "0"]
    return measure("nuscenes-devkit", command, out)


def run_solofusion(
    args: argparse.Namespace, dataset: Path, out: Path, data: str = "val", resamples: int = 0
) -> Usage:
    command = [args.program, "eval", args.data / "results.json", "--dataset", dataset]
    command += ["--dataset-version", VERSION, "--split", SPLIT, "--out", out]
    command += ["--resamples", str(resamples)]
    return measure(f"solofusion, {data}, {resamples} resamples", command, out)


def measure(name: str, command: list[str | Path], out: Path) -> Usage:
    """Runs a program in the folder out, keeps what it says there, and returns what it took."""
    out.mkdir(exist_ok=True)
    print(f"bench-eval: {name} ...", end=" ", flush=True, file=sys.stderr)
    with (out / "log.txt").open("w") as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=out, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        print("failed", file=sys.stderr)
        last = "\n".join((out / "log.txt").read_text(errors="replace").splitlines()[-10:])
        line = " ".join(map(str, command))
        raise BenchError(f"{name} failed ({process.returncode}):\n{last}\nThe command was: {line}")
    print(f"{wall:.1f} s", file=sys.stderr)
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(rounds: list[Usage]) -> Usage:
    """The medians of times, and the highest peak."""
    return Usage(
        statistics.median(u.wall for u in rounds),
        statistics.median(u.cpu for u in rounds),
        max(u.peak for u in rounds),
    )


def print_table(title: str, rows: dict[str, Usage]) -> None:
    width = max(map(len, [title, *rows]))
    print(f"{title:{width}}  {'wall s':>8}  {'CPU s':>8}  {'peak MiB':>8}")
    for name, u in rows.items():
        print(f"{name:{width}}  {u.wall:8.2f}  {u.cpu:8.2f}  {u.peak:8.0f}", flush=True)


def read_all(files: Iterable[Path]) -> None:
    """Reads files into the page cache, so that no program has to wait for the disk."""
    for file in files:
        with file.open("rb", buffering=0) as f:
            while f.read(1 << 24):
                pass


def evict(files: Iterable[Path]) -> None:
    """Drops files from the page cache, which leaves only clean pages alone; hence the fsync."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def check_metrics(ours: Path, theirs: Path) -> None:
    """Holds every number of both programs' metric files against each other."""
    try:
        found = metric_differences(ours, theirs)
    except (OSError, ValueError) as error:
        raise BenchError(f"a metrics file cannot be read: {error}") from None
    if found:
        shown = "".join(f"\n  {d}" for d in found[:SHOWN])
        raise BenchError(f"metrics of both programs differ in {len(found)} places, first:{shown}")


if __name__ == "__main__":
    sys.exit(main())
