"""One table of the streams that leave the engine: rate, latency budget, what is dropped when late.

Code, documentation and tests read this table; nothing else states these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MODEL_RATE_HZ: Final = 30.0
GENERATED_RATE_HZ: Final = 60.0


@dataclass(frozen=True, slots=True)
class Stream:
    """Describe one type of event: its nominal rate a performer, its latency budget and its drop policy."""

    type: str
    rate_hz: float
    budget_ms: float
    drop: Literal["latest-wins", "keep"]


STREAMS: Final[dict[str, Stream]] = {
    "emotion": Stream("emotion", MODEL_RATE_HZ, 50.0, "latest-wins"),
    "qualities": Stream("qualities", MODEL_RATE_HZ, 50.0, "latest-wins"),
    "signature": Stream("signature", MODEL_RATE_HZ, 50.0, "latest-wins"),
    "pose": Stream("pose", MODEL_RATE_HZ, 50.0, "latest-wins"),
    "motion": Stream("motion", GENERATED_RATE_HZ, 20.0, "latest-wins"),
    "status": Stream("status", 1.0, 200.0, "keep"),
}
