"""A command line of training/: its options, and one line for whatever went wrong.

Example:
    def main() -> int:
        parser = command.parser(__doc__)
        parser.add_argument("data", type=Path)
        return command.run(parser, prepare)
"""

import argparse
import sys
import traceback
from collections.abc import Callable
from pathlib import Path


class Refused(Exception):
    """An input that cannot be used: what, where, and what would be right."""


def parser(manual: str) -> argparse.ArgumentParser:
    """A parser with the manual as it is written, and the option --debug."""
    made = argparse.ArgumentParser(description=manual, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("--debug", action="store_true", help="print the trace of an error")
    return made


def positive(text: str) -> int:
    """An option's whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number of 1 or more")
    return int(text)


def run(options: argparse.ArgumentParser, act: Callable[[argparse.Namespace], None]) -> int:
    """Acts on the command line; returns the exit code."""
    args = options.parse_args()
    try:
        act(args)
    except KeyboardInterrupt:
        print(f"{name()}: interrupted", file=sys.stderr)
        return 130
    except Exception as e:
        if args.debug:
            traceback.print_exc()
        print(f"{name()}: {described(e)}", file=sys.stderr)
        return 1
    return 0


def name() -> str:
    return Path(sys.argv[0]).stem


def described(e: Exception) -> str:
    """What an error says to the user; of one that nobody foresaw, its kind too."""
    if isinstance(e, Refused):
        return str(e)
    if isinstance(e, OSError) and e.filename is not None and e.strerror:
        return f"{e.filename}: {e.strerror[0].lower()}{e.strerror[1:]}"
    first = (str(e).strip().splitlines() or [""])[0]
    return f"unexpected {type(e).__name__}: {first} (--debug prints the trace)"
