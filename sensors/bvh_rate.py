"""The time between two frames, as files round it and as it was meant."""

from __future__ import annotations

import math
import re
from typing import Final

RATES_HZ: Final = (
    24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0, 48.0, 50.0,
    60000 / 1001, 60.0, 90.0, 100.0, 120000 / 1001, 120.0, 240.0,
)  # fmt: skip
DEFAULT_S: Final = 1.0 / 30.0
SHORTEST_S, LONGEST_S = 1e-4, 10.0  # outside of it a frame time is no frame time (33.3: someone wrote milliseconds)
_TOLERANCE: Final = 1.001e-3  # 0.1 %, and 0.0333 belongs to 30 a second
_EXACT_DIGITS: Final = 18  # more digits than any float needs: whoever writes them means that very number


def snap_frame_time(frame_time_s: float) -> float:
    """Return the exact frame time of the film or capture rate nearest to it, if one is within 0.1 %, or itself."""
    nearest = min(RATES_HZ, key=lambda rate: abs(frame_time_s * rate - 1.0))
    return 1.0 / nearest if abs(frame_time_s * nearest - 1.0) <= _TOLERANCE else frame_time_s


def read_frame_time(text: str) -> float | None:
    """Return the frame time in seconds that a text means; None when it means none."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    if not (math.isfinite(value) and SHORTEST_S <= value <= LONGEST_S):
        return None
    return value if len(re.sub(r"\D", "", text)) >= _EXACT_DIGITS else snap_frame_time(value)


def write_frame_time(frame_time_s: float) -> str:
    """Return a text that reads back to the very same frame time, one that would be snapped included."""
    short = repr(frame_time_s)
    return short if read_frame_time(short) == frame_time_s else f"{frame_time_s:.25f}"
