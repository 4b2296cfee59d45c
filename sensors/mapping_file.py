"""Read a mapping file (TOML) so that every complaint names the file, the line and the key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..engine.errors import MappingError

LARGEST: Final = 1 << 20  # bytes: a mapping is a page
_AT: Final = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, eq=False)
class Section:
    """Hold one table of a mapping file, and where it stands.

    Every getter raises MappingError with the line of its key; `check_keys` does for keys that nobody knows.
    """

    place: str
    text: str
    name: str
    values: Mapping[str, Any]

    def line_of(self, key: str) -> int | None:
        """Return the line of a key of this section, that of the section where it is not found; None for neither."""
        header = re.compile(r"\s*\[\s*([^\]]*?)\s*\]")
        entry = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*=""")
        section, found = "", None
        for number, line in enumerate(self.text.splitlines(), 1):
            opened = header.match(line)
            if opened:
                section = opened[1].replace('"', "").replace("'", "")
                found = number if section in (self.name, f"{self.name}.{key}".lstrip(".")) else found
            elif section == self.name and entry.match(line):
                return number
        return found

    def wrong(self, key: str, problem: str, mend: str = "") -> MappingError:
        """Return the error to raise for a key."""
        shown = f"{self.name}.{key}" if self.name else key
        return MappingError(self.place, f"{shown}: {problem}", line=self.line_of(key), mend=mend)

    def check_keys(self, known: Sequence[str]) -> None:
        """Raise MappingError for the first key that is not known."""
        for key in self.values:
            if key not in known:
                raise self.wrong(key, "unknown key", mend=f"known are {', '.join(known)}")

    def text_of(self, key: str, default: str | None = None) -> str | None:
        """Return a string."""
        value = self.values.get(key, default)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise self.wrong(key, f"{value!r} is no text", mend='write it in "quotes"')
        return value

    def choice(self, key: str, known: Sequence[str], default: str) -> str:
        """Return one of the known words."""
        value = self.text_of(key, default) or default
        if value not in known:
            raise self.wrong(key, f"{value!r}", mend=f"one of {', '.join(known)}")
        return value

    def number(self, key: str, default: float | None, low: float, high: float) -> float | None:
        """Return a number from low to high."""
        value = self.values.get(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.wrong(key, f"{value!r}", mend=f"a number from {low:g} to {high:g}")
        return float(value)

    def names(self, key: str, count: int) -> tuple[str, ...] | None:
        """Return a list of so many strings, None where there is none."""
        value = self.values.get(key)
        if value is None:
            return None
        whole = isinstance(value, list) and all(isinstance(each, str) and each.strip() for each in value)
        if not whole or len(value) != count:
            raise self.wrong(key, f"{value!r}", mend=f"a list of {count} column names")
        return tuple(value)

    def section(self, name: str) -> Section:
        """Return a table within this one, an empty one where there is none."""
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            raise self.wrong(name, f"{value!r} is no table", mend=f"write [{name}] and its keys below")
        return Section(self.place, self.text, f"{self.name}.{name}" if self.name else name, value)


def read_mapping(path: str | Path) -> Section:
    """Return the whole file as one section; raise MappingError for a file that is no TOML."""
    place = str(path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise MappingError(place, f"cannot be read: {error.strerror}", mend="check the path") from error
    if len(data) > LARGEST:
        raise MappingError(place, f"more than {LARGEST} bytes", mend="a mapping is a page of TOML")
    return parse_mapping(data, place)


def parse_mapping(data: bytes, place: str) -> Section:
    """Return TOML text as one section; raise MappingError for text that is none."""
    try:
        text = data.decode("utf-8-sig")
        values = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise MappingError(place, "no text in UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = _AT.search(str(error))
        problem = _AT.sub("", str(error)).strip() or "too deep"
        raise MappingError(place, f"no TOML: {problem}", line=int(found[1]) if found else None) from error
    return Section(place, text, "", values)
