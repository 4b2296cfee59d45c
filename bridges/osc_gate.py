"""The gate: how often each OSC address may speak, and how much its numbers must have changed."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from ..engine.clock import NS_PER_S
from ..engine.errors import UriError

REFRESH_NS: Final = NS_PER_S  # what does not change is said again so often: datagrams are lost, receivers come late
MAX_ADDRESSES: Final = 8192  # remembered; 64 performers with 120 addresses each
MAX_RULES: Final = 32
MAX_RATE: Final = 1000.0

Rules = Sequence[tuple[str, float]]  # (pattern, number) in order; the last that fits counts


@dataclass(slots=True)
class _Line:
    """Know one address: its limits, when it may speak next, and what it said last."""

    interval_ns: int
    change: float
    due_ns: int
    said_ns: int
    tags: bytes
    said: bytes


class OscGate:
    """Let an address speak at most so often, and only when one of its numbers has changed by so much.

    rates: messages a second by address pattern, where * stands for anything; 0 means no limit. changes: as much as a
    number must differ from what was last said there; texts speak when they are another. Both by the events' own time,
    so that a recording read quickly is thinned as it would be live.
    """

    def __init__(self, rates: Rules = (), changes: Rules = ()) -> None:
        self._rates = tuple(rates)
        self._changes = tuple(changes)
        self.reset()

    @property
    def is_open(self) -> bool:
        """Tell whether everything may pass."""
        return not self._rates and not self._changes

    def reset(self) -> None:
        """Forget what was said."""
        self._lines: dict[bytes, _Line] = {}

    def admit(self, elements: Sequence[bytes], t_ns: int) -> list[bytes]:
        """Return the elements of a bundle (size, address, tags, arguments) that may be said at t_ns."""
        return [element for element in elements if self._admits(element, t_ns)]

    def _admits(self, element: bytes, t_ns: int) -> bool:
        address, tags, payload = split(element)
        line = self._lines.get(address)
        if line is None:
            self._enter(address, t_ns, tags, payload)
            return True
        if t_ns < line.said_ns:  # the source began again
            line.due_ns = t_ns
        elif t_ns < line.due_ns - line.interval_ns // 4:  # frames never come evenly; the mean rate is kept all the same
            return False
        if 0 <= t_ns - line.said_ns < REFRESH_NS and self._is_unchanged(line, tags, payload):
            return False
        late = t_ns - line.due_ns >= line.interval_ns
        line.due_ns = (t_ns if late else line.due_ns) + line.interval_ns
        line.said_ns, line.tags, line.said = t_ns, tags, payload
        return True

    def _enter(self, address: bytes, t_ns: int, tags: bytes, payload: bytes) -> None:
        if len(self._lines) >= MAX_ADDRESSES:
            self._lines.clear()
        text = address.decode("ascii")
        rate = _last(self._rates, text)
        interval_ns = round(NS_PER_S / rate) if rate else 0
        change = _last(self._changes, text) or 0.0
        self._lines[address] = _Line(interval_ns, change, t_ns + interval_ns, t_ns, tags, payload)

    @staticmethod
    def _is_unchanged(line: _Line, tags: bytes, payload: bytes) -> bool:
        if not line.change or tags != line.tags or len(payload) != len(line.said):
            return False
        count = tags.count(b"f")
        if not count or count != len(tags) - 1:
            return payload == line.said
        pairs = zip(_floats(payload, count), _floats(line.said, count), strict=True)
        return all(math.fabs(now - before) < line.change for now, before in pairs)


def split(element: bytes) -> tuple[bytes, bytes, bytes]:
    """Return address, type tags and arguments of an element of a bundle."""
    end = element.index(0, 4)
    tags_at = 4 + ((end - 4) & ~3) + 4
    tags_end = element.index(0, tags_at)
    return element[4:end], element[tags_at:tags_end], element[tags_at + ((tags_end - tags_at) & ~3) + 4 :]


def _floats(payload: bytes, count: int) -> tuple[float, ...]:
    return struct.unpack(f">{count}f", payload)


def _last(rules: Rules, address: str) -> float:
    found = [value for pattern, value in rules if fnmatchcase(address, pattern)]
    return found[-1] if found else 0.0


def read_rules(uri: str, key: str, text: str, patterns: Mapping[str, str], most: float) -> list[tuple[str, float]]:
    """Read `10`, `30,joint:10` or `30,/emotus/*/joint/*:10`; patterns: what the word of a kind stands for.

    Raises UriError naming the part.
    """
    parts = text.split(",")
    if len(parts) > MAX_RULES:
        raise UriError(uri, f"{key} has {len(parts)} parts", mend=f"at most {MAX_RULES}")
    return [_rule(uri, key, part, patterns, most) for part in parts]


def _rule(uri: str, key: str, part: str, patterns: Mapping[str, str], most: float) -> tuple[str, float]:
    where, _, number = part.rpartition(":")
    pattern = patterns.get(where, where) if where else "*"
    if not pattern.startswith(("/", "*")):
        known = ", ".join(patterns)
        raise UriError(
            uri, f"{key}={part[:60]}: {where[:40]} is nothing that is said", mend=f"/an/address/*, or {known}"
        )
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= most:
        raise UriError(
            uri, f"{key}={part[:60]}", mend=f"a number from 0 to {most:g}, such as {key}=10 or {key}=30,joint:10"
        )
    return pattern, value
