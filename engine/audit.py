"""The audit trail: what a show was allowed to do and when, as lines that cannot be changed unnoticed (PRIVACY.md 15).

Each line is one JSON object with the SHA-256 of the line before it, so that a line altered, left out or put in between
breaks the chain. Model, context, consent and the human stop stand in it; no movement, no answer and no name do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from .errors import InputError

FIRST: Final = "0" * 64  # what stands before the first line
_MAX_LINE: Final = 64 * 1024


class _Line(msgspec.Struct):
    before: str
    at_s: float
    what: str
    of: dict[str, str]


def entry(before: str, at_s: float, what: str, of: Mapping[str, str]) -> bytes:
    """Return the next line, its end included. before: `digest` of the line before it, FIRST for the first."""
    return msgspec.json.encode(_Line(before, at_s, what, dict(of))) + b"\n"


def digest(line: bytes) -> str:
    """Return what the next line has to begin with."""
    return hashlib.sha256(line.rstrip(b"\r\n")).hexdigest()


def verify(lines: Iterable[bytes], place: str) -> tuple[int, str]:
    """Return how many lines there are and the digest of the last; raise InputError at the first that breaks the chain.

    Whoever can rewrite the whole file can make a whole new chain: keep the last digest elsewhere to notice that.
    """
    before, count = FIRST, 0
    for count, line in enumerate(lines, 1):
        try:
            told = msgspec.json.decode(line[:_MAX_LINE], type=_Line)
        except msgspec.MsgspecError:
            raise InputError(place, "is no line of an audit trail", line=count, mend="was it altered?") from None
        if told.before != before:
            raise InputError(place, "does not follow the line before it", line=count, mend="was one altered?")
        before = digest(line)
    return count, before
