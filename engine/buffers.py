"""What every bounded buffer tells of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BufferStats:
    """Tell how full a buffer is, how much it can hold and how much it has dropped since the start."""

    used: int
    capacity: int
    dropped: int
