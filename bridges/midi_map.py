"""Which number becomes which MIDI controller. Those that the standard leaves undefined are used: 20-31 and 102-119."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from ..engine.errors import UriError
from ..engine.events import EmotionEvent, MotionEvent, QualitiesEvent

ControlMap = Mapping[str, int]
FIRST_LABEL: Final = 102  # 18 labels have controllers of their own
LABELS: Final = 18
SIGNED: Final = frozenset(("valence", "arousal"))  # -1..1; all else is 0..1
DEFAULT: Final[dict[str, int]] = {
    "valence": 20,
    "arousal": 21,
    "confidence": 22,
    "energy": 23,
    "smoothness": 24,
    "fluidity": 25,
    "contraction": 26,
    "symmetry": 27,
    "impulsiveness": 28,
    "intensity": 29,
}
MAX_CONTROLS: Final = 128


def values_of(
    event: EmotionEvent | QualitiesEvent | MotionEvent, controls: ControlMap | None, labels: Sequence[str]
) -> dict[int, float] | None:
    """Return controllers and values 0..1 of an event; None where one is not finite.

    controls: None for ours, in which the labels, in the model's order, have controllers from 102 on.
    """
    if isinstance(event, QualitiesEvent):
        named = dict(event.values)
    elif isinstance(event, EmotionEvent):
        named = dict(event.probs) | {
            "valence": event.valence, "arousal": event.arousal, "confidence": event.confidence
        }  # fmt: skip
    else:
        named = {"valence": event.valence, "arousal": event.arousal, "intensity": event.intensity, event.emotion: 1.0}
    if not all(map(math.isfinite, named.values())):
        return None
    known = (
        {label: FIRST_LABEL + i for i, label in enumerate(labels[:LABELS])} | DEFAULT if controls is None else controls
    )
    return {known[name]: (value + 1) / 2 if name in SIGNED else value for name, value in named.items() if name in known}


def read_controls(uri: str, text: str) -> dict[str, int]:
    """Read `valence:20,happy:102`; raises UriError naming the part."""
    found: dict[str, int] = {}
    parts = text.split(",")
    for part in parts[: MAX_CONTROLS + 1]:
        name, _, number = part.rpartition(":")
        if not name or not (number.isascii() and number.isdigit()) or not 0 <= int(number[:4]) <= 119:
            mend = "a name and a controller from 0 to 119, such as cc=valence:20,happy:102"
            raise UriError(uri, f"cc={part[:40]}", mend=mend)
        found[name] = int(number)
    if len(found) > MAX_CONTROLS or len(set(found.values())) < len(found):
        raise UriError(uri, "two numbers share a controller in cc", mend="give each its own")
    return found
