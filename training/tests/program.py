"""The program under test, made by `make build`."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("SOLOFUSION_PROGRAM", ROOT / "bin" / "solofusion"))
