"""Read OSC packets that are alike in everything but their float numbers in one step.

A tracker sends the same messages to the same addresses in the same order sixty times a second; only the floats in them
change. The first packet of a layout is decoded message by message within all bounds of `osc_codec`; a later one of the
same length, whose every byte outside the floats is the same, would decode to the same messages, so that only its
floats are taken out, and checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import OscError
from .osc_codec import BUNDLE, BUNDLE_HEAD, OscValue, decode
from .skeleton import Float32

P = TypeVar("P")
CAPACITY: Final = 256  # layouts remembered; a sender that packs nothing has one for each bone and face shape
_ALIKE: Final = 16  # of these with the same length and beginning: what is compared with a packet at most
_HEADS: Final = (40, 32, 24, 0)  # bytes that tell most layouts apart, as long as no float is among them
_SIZES: Final = {"f": 4, "i": 4, "h": 8, "d": 8, "t": 8}
_BIG_FLOAT: Final = np.dtype(">f4")


@dataclass(frozen=True, slots=True)
class Row:
    """Hold one message of a layout: its tags, its arguments in the first packet, and where its floats begin.

    first: the index of its first float in the floats of the packet.
    """

    address: str
    tags: str
    args: tuple[OscValue, ...]
    first: int


Plan = Callable[[tuple[Row, ...]], P]


@dataclass(frozen=True, slots=True)
class _Stencil(Generic[P]):
    """Know one layout: its bytes outside the floats, where these are, and what was planned for it."""

    fixed: NDArray[np.uint8]  # (N,) the bytes, 0 where a float or a time tag stands
    mask: NDArray[np.uint8]  # (N,) 255 where the byte counts
    at: NDArray[np.intp]  # (4 F,) the bytes of the floats
    plan: P

    def floats(self, raw: NDArray[np.uint8]) -> Float32 | None:
        """Return the floats (F,) of a packet of this layout, None of one of another."""
        if ((raw ^ self.fixed) & self.mask).any():
            return None
        return raw[self.at].view(_BIG_FLOAT).astype(np.float32)


class Stencils(Generic[P]):
    """Remember at most CAPACITY layouts, the newest first, each with what the receiver planned for it.

    plan: called once for each new layout, with its messages in order.
    """

    def __init__(self, plan: Plan[P]) -> None:
        self._plan = plan
        self.reset()

    def reset(self) -> None:
        """Forget every layout."""
        self._layouts: dict[tuple[int, bytes], list[_Stencil[P]]] = {}
        self.known = 0

    def read(self, data: bytes) -> tuple[P, Float32]:
        """Return the plan of a packet's layout and its floats (F,), all finite; raises OscError as `decode` does."""
        raw = np.frombuffer(data, dtype=np.uint8)
        for head in _HEADS:
            for stencil in self._layouts.get((len(data), data[:head]), ()):
                floats = stencil.floats(raw)
                if floats is not None:
                    if not np.isfinite(floats).all():
                        raise OscError("a number is infinite or NaN")
                    return stencil.plan, floats
        stencil = self._learn(data, raw)
        return stencil.plan, raw[stencil.at].view(_BIG_FLOAT).astype(np.float32)

    def _learn(self, data: bytes, raw: NDArray[np.uint8]) -> _Stencil[P]:
        """Decode a packet of a new layout within all bounds, and remember the layout."""
        messages = decode(data)
        if self.known >= CAPACITY:  # a sender with ever new layouts is read one message at a time, no more is lost
            self.reset()
        mask = np.full(len(data), 255, dtype=np.uint8)
        at: list[int] = []
        rows: list[Row] = []
        for message, (start, tags) in zip(messages, _arguments(data, 0, len(data), mask), strict=True):
            rows.append(Row(message.address, tags, message.args, len(at) // 4))
            at += _float_bytes(data, start, tags)
        where = np.array(at, dtype=np.intp)
        mask[where] = 0
        stencil = _Stencil(raw & mask, mask, where, self._plan(tuple(rows)))
        head = next(head for head in _HEADS if mask[:head].all())
        alike = self._layouts.setdefault((len(data), data[:head]), [])
        alike.insert(0, stencil)
        self.known += 1
        if len(alike) > _ALIKE:
            alike.pop()
            self.known -= 1
        return stencil


def _arguments(data: bytes, start: int, end: int, mask: NDArray[np.uint8]) -> Iterator[tuple[int, str]]:
    """Yield where the arguments of each message of a packet that was decoded begin, and their tags."""
    if not data.startswith(BUNDLE, start, end):
        tags_at = _after(data, start)
        yield _after(data, tags_at), data[tags_at + 1 : data.index(b"\0", tags_at)].decode("ascii")
        return
    mask[start + len(BUNDLE) : start + BUNDLE_HEAD.size] = 0  # the time tag, which nobody here waits for
    at = start + BUNDLE_HEAD.size
    while at < end:
        size = int.from_bytes(data[at : at + 4], "big")
        yield from _arguments(data, at + 4, at + 4 + size, mask)
        at += 4 + size


def _after(data: bytes, at: int) -> int:
    """Return where the string at `at` ends with its padding."""
    return at + ((data.index(b"\0", at) - at) & ~3) + 4


def _float_bytes(data: bytes, at: int, tags: str) -> Iterator[int]:
    """Yield the place of every byte of the floats among the arguments that begin at `at`."""
    for tag in tags:
        if tag == "f":
            yield from range(at, at + 4)
        if tag in "sS":
            at = _after(data, at)
        elif tag == "b":
            at += 4 + ((int.from_bytes(data[at : at + 4], "big") + 3) & ~3)
        else:
            at += _SIZES.get(tag, 0)
