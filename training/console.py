"""What commands say: results on standard output, everything else on standard error, one line each."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Print a result on standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Tell a person something, on standard error."""
    sys.stderr.write(f"emotus: {text}\n")
    sys.stderr.flush()


def complain(error: object) -> None:
    """Tell what is wrong in one line, on standard error."""
    note(" ".join(str(error).split()))
