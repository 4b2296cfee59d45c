"""Say where in a text something stands, and show it in one short line."""

from __future__ import annotations

from typing import Final

SHOWN: Final = 40  # characters of a word that a message shows


def line_at(text: bytes | str, at: int) -> int:
    """Return the number of the line (from 1) that holds the byte or character `at`; LF, CRLF and CR end lines."""
    if isinstance(text, str):
        return 1 + text.count("\n", 0, at) + text.count("\r", 0, at) - text.count("\r\n", 0, at)
    return 1 + text.count(b"\n", 0, at) + text.count(b"\r", 0, at) - text.count(b"\r\n", 0, at)


def shown(word: bytes | str) -> str:
    """Return a word in quotes, short and printable."""
    text = word[: 4 * SHOWN].decode("utf-8", "replace") if isinstance(word, bytes) else word
    short = text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
    return "'" + "".join(c if c.isprintable() else "?" for c in short) + "'"
