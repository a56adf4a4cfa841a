"""Runs the study of rates on two short drives.

Needs bin/solofusion (`make build`).
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from program import PROGRAM
from reference import rate

WINDOW = "352x128@0.24+16+88"


def test_the_table_goes_into_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    drives, report = tmp_path / "drives", tmp_path / "rate.md"
    options = ["--drives", "2", "--frames", "3", "--rate", "4", "--window", WINDOW]
    subprocess.run([PROGRAM, "synth", "--out", drives, *options], check=True)
    report.write_text(f"words\n{rate.MARK}\n| of an earlier run |\n")
    arguments = [drives, "--window", WINDOW, "--report", report, "--program", PROGRAM]
    monkeypatch.setattr(sys, "argv", ["rate", *map(str, arguments)])
    assert rate.main() == 0
    lines = report.read_text().splitlines()
    assert lines[:4] == ["words", rate.MARK, "", "| 2 drives, 4 Hz | mAP | mATE | mAVE | NDS |"]
    rows = {name: numbers for name, *numbers in (re.split(r" \| ", line.strip("| ")) for line in lines[5:])}
    assert list(rows) == [v.name for v in rate.VARIANTS]
    assert all(0 < float(mean_ap) < 1 for mean_ap, *_ in rows.values())
    assert rows["key frames, 2 Hz"] != rows["0.3 to 0.7 s"] != rows["0.3 to 0.7 s, ages measured"]
    assert lines[3] in capsys.readouterr().out


def test_intervals_are_of_the_differences() -> None:
    def of(x: object) -> dict:
        return {"mean_ap": x, "nd_score": x, "tp_errors": {"trans_err": x, "vel_err": x}}

    metrics = of(0.5) | {"comparison": {"intervals": of([-0.01, 0.02])}}
    assert rate.row("all sets", metrics, first=False).count("0.5000 (-0.0100 to +0.0200)") == 4
    assert rate.row("key frames", metrics, first=True).count("| 0.5000 ") == 4
