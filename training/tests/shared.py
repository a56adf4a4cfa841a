"""Where the recordings and golden arrays are that do not belong to the project."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared(path: str) -> Path:
    """A file or folder of SOLOFUSION_DATA (default: ``shared`` beside the checkout).

    If it is absent the test is skipped, or fails when CI=true or
    SOLOFUSION_REQUIRE_DATA=1.
    """
    found = Path(os.environ.get("SOLOFUSION_DATA", ROOT.parent / "shared")) / path
    if not found.exists():
        required = os.environ.get("CI") == "true" or os.environ.get("SOLOFUSION_REQUIRE_DATA") == "1"
        (pytest.fail if required else pytest.skip)(f"{path} is not in the data folder, {found}")
    return found
