"""Turns a checkpoint of SOLOFusion's reference implementation into a bundle: --help."""

import sys

from solofusion.convert import main

if __name__ == "__main__":
    sys.exit(main())
