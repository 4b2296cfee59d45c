"""A Lab Streaming Layer of one process that gives: what pylsl offers to those who have streams."""

from __future__ import annotations

import time
from typing import Any


class Node:
    """A node of a stream's description."""

    def __init__(self) -> None:
        self.children: list[tuple[str, Any]] = []

    def append_child(self, name: str) -> Node:
        """Add a node below."""
        self.children.append((name, Node()))
        return self.children[-1][1]

    def append_child_value(self, name: str, value: str) -> Node:
        """Add a value below."""
        self.children.append((name, value))
        return self


class Info:
    """A stream's description."""

    def __init__(self, *told: Any) -> None:
        self.name, self.type, self.channel_count, self.rate_hz, self.format, self.source_id = told
        self._root = Node()

    def desc(self) -> Node:
        """Return its root."""
        return self._root


class Outlet:
    """Keep what was pushed; refuse a sample of another length, as pylsl does."""

    def __init__(self, info: Info, chunk_size: int, max_buffered: int) -> None:
        self.info = info
        self.max_buffered = max_buffered
        self.samples: list[tuple[list, float]] = []

    def push_sample(self, sample: list, timestamp: float) -> None:
        """Keep a sample."""
        if len(sample) != self.info.channel_count:
            raise ValueError(f"length of the sample ({len(sample)}) must correspond to the stream's channel count")
        self.samples.append((sample, timestamp))


class OutletLibrary:
    """Stand in for the module pylsl, its clock 1,000 seconds ahead of ours."""

    offset_s = 1000.0

    def __init__(self) -> None:
        self.outlets: dict[str, Outlet] = {}

    def local_clock(self) -> float:
        """Return its own time."""
        return time.monotonic() + self.offset_s

    def StreamInfo(self, *told: Any) -> Info:  # noqa: N802 - pylsl's name
        """Describe a stream."""
        return Info(*told)

    def StreamOutlet(self, info: Info, chunk_size: int, max_buffered: int) -> Outlet:  # noqa: N802 - pylsl's name
        """Open a stream."""
        self.outlets[info.name] = Outlet(info, chunk_size, max_buffered)
        return self.outlets[info.name]
