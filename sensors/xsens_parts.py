"""Put the parts of a split Xsens sample together, or drop them all: a pose is whole or it is none."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from .xsens_wire import Header

_OPEN: Final = 3  # samples of one character and type that may be unfinished at once
_KEYS: Final = 64  # characters x types

_Key = tuple[int, int]  # character, type
_Moment = tuple[int, int]  # sample counter and time code, so that parts of two senders never make one pose


class _Sample:
    """Hold the parts of one sample that have come."""

    __slots__ = ("items", "parts", "whole")

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}
        self.items = 0
        self.whole: int | None = None  # parts in all, known once the last has come

    def add(self, header: Header, payload: bytes) -> bool:
        """Add a part; return False for one that came before."""
        if header.part in self.parts:
            return False
        self.parts[header.part] = payload
        self.items += header.items
        if header.last:
            self.whole = header.part + 1
        return True

    @property
    def complete(self) -> bool:
        """Tell whether every part has come."""
        return self.whole is not None and len(self.parts) == self.whole == max(self.parts) + 1

    def joined(self) -> bytes:
        """Return the payloads in order."""
        return b"".join(self.parts[part] for part in sorted(self.parts))


class Parts:
    """Collect parts by character, type and sample counter.

    At most 3 samples of a character and type are open at once; a sample that is complete closes those begun before it,
    and what never became whole is counted and forgotten. Bounded: 64 pairs of character and type, 16 parts a sample.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget every part."""
        self._samples: OrderedDict[_Key, OrderedDict[_Moment, _Sample]] = OrderedDict()
        self.dropped = 0  # samples that were never whole
        self.repeated = 0  # parts that came twice

    def add(self, header: Header, payload: bytes) -> tuple[int, bytes] | None:
        """Return items and payload of the sample that this part completes, or None."""
        key = (header.character, header.kind)
        samples = self._samples.get(key)
        if header.last and header.part == 0:  # unsplit, as nearly all are
            if samples:
                self._forget(key)
            return header.items, payload
        if samples is None:
            samples = self._begin(key)
        moment = (header.sample, header.time_ms)
        sample = samples.setdefault(moment, _Sample())
        self.repeated += not sample.add(header, payload)
        if sample.complete:
            del samples[moment]
            self._forget(key)
            return sample.items, sample.joined()
        while len(samples) > _OPEN:
            samples.popitem(last=False)
            self.dropped += 1
        return None

    def _begin(self, key: _Key) -> OrderedDict[_Moment, _Sample]:
        while len(self._samples) >= _KEYS:
            self._forget(next(iter(self._samples)))
        return self._samples.setdefault(key, OrderedDict())

    def _forget(self, key: _Key) -> None:
        self.dropped += len(self._samples.pop(key, ()))
