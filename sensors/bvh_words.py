"""Walk through the text before MOTION word by word, knowing the line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Never

from ..engine.errors import BvhError
from .bvh_file import BvhWarning
from .bvh_numbers import LIMIT
from .bvh_place import line_at, shown

_WORD: Final = re.compile(r"[{}]|[^\s{}]+")
_REST_OF_LINE: Final = re.compile(r"[^{}\r\n]*")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?(?![^\s{}-])", re.ASCII)


@dataclass
class Words:
    """Give the words of a text one by one; braces are words of their own.

    at: where the last word begins. next: where the next one is looked for.
    """

    text: str
    place: str
    at: int = 0
    next: int = 0
    warnings: list[BvhWarning] = field(default_factory=list[BvhWarning])

    def word(self) -> str:
        """Return the next word or brace, '' at the end."""
        match = _WORD.search(self.text, self.next)
        if match is None:
            self.at = self.next = len(self.text)
            return ""
        self.at, self.next = match.span()
        return match[0]

    def rest_of_line(self) -> str:
        """Return what stands before the line's end or a brace, as names may hold blanks."""
        match = _REST_OF_LINE.match(self.text, self.next)
        if match is None:
            return ""
        self.next = match.end()
        return match[0].strip()

    def brace(self) -> None:
        """Read '{'."""
        if (word := self.word()) != "{":
            self.fail(f"{shown(word)} where '{{' opens a joint", "add '{'")

    def number(self) -> float:
        """Read one number of an OFFSET; it may be glued to the next by a minus sign, or have a decimal comma."""
        word = self.word()
        match = _NUMBER.match(word)
        value = float(match[0].replace(",", ".")) if match else float("nan")
        if not abs(value) <= LIMIT or match is None:
            self.fail(f"{shown(word)} in an OFFSET", f"three numbers within {LIMIT:g} are wanted")
        self.next = self.at + match.end()
        return value

    def fail(self, problem: str, mend: str) -> Never:
        """Raise the error that stands at the last word."""
        raise BvhError(self.place, problem, line=line_at(self.text, self.at), mend=mend)

    def warn(self, at: int, text: str, mend: str) -> None:
        """Note what is odd."""
        self.warnings.append(BvhWarning(self.place, line_at(self.text, at), text, mend))
