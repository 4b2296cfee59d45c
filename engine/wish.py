"""A wish: what the generator is asked to show, checked and bounded before it gets there."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..models.primitive_store import PrimitiveInfo
from .errors import InputError
from .skeleton import Float32

NEUTRAL: Final = "neutral"
MAX_INTENSITY: Final = 1.5
MAX_SPEED_M_S: Final = 3.0
_BEYOND: Final = 0.3  # of what is asked for beyond what was played: farther out the network knows no mood any more
_STRONGER: Final = 1.3  # how far from neutral the network is asked to go for what was played: it draws towards the mean
_NEARNESS: Final = 0.05  # squared distance on the plane at which a mood has lost most of its say


@dataclass(frozen=True, slots=True)
class Wish:
    """Ask for a mood and a way.

    emotion: one the generator knows; intensity: 0 neutral, 1 as played, up to 1.5. valence, arousal: a point of the
    plane instead of an emotion, both or neither. travels: whether to go somewhere; speed_m_s: how fast, None for the
    mood's own pace, negative for backwards. direction_deg: whither to face and go, 0 to +Z (the audience), 90 to +X.
    """

    emotion: str = NEUTRAL
    intensity: float = 1.0
    valence: float | None = None
    arousal: float | None = None
    travels: bool = False
    speed_m_s: float | None = None
    direction_deg: float = 0.0


def checked(wish: Wish, emotions: Sequence[str]) -> Wish:
    """Return the wish within its bounds; raises InputError for an unknown emotion or what is no number."""
    if wish.emotion not in emotions:
        near = difflib.get_close_matches(wish.emotion, emotions, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        mend = f"{hint}it knows {', '.join(emotions)}"
        raise InputError(str(wish.emotion)[:40], "the generator knows no such emotion", mend=mend)
    given = {"valence": wish.valence, "arousal": wish.arousal, "intensity": wish.intensity}
    given |= {"speed": wish.speed_m_s, "direction": wish.direction_deg}
    for name, value in given.items():
        if value is not None and not math.isfinite(value):
            raise InputError(f"{name} {value}", "is no number", mend="give a finite one")
    if (wish.valence is None) != (wish.arousal is None):
        raise InputError("valence, arousal", "one is given without the other", mend="give both, or an emotion")
    return replace(
        wish,
        intensity=_within(wish.intensity, 0.0, MAX_INTENSITY),
        valence=None if wish.valence is None else _within(wish.valence, -1.0, 1.0),
        arousal=None if wish.arousal is None else _within(wish.arousal, -1.0, 1.0),
        speed_m_s=None if wish.speed_m_s is None else _within(wish.speed_m_s, -MAX_SPEED_M_S, MAX_SPEED_M_S),
        direction_deg=math.remainder(wish.direction_deg, 360.0),
    )


def moods_of(wish: Wish, info: PrimitiveInfo) -> Float32:
    """Return the weight of each emotion (L,), summing to one: on the way from neutral to the mood, or beyond it."""
    if wish.valence is None or wish.arousal is None:
        mood = np.array([float(each == wish.emotion) for each in info.emotions], dtype=np.float32)
    else:
        mood = at_point(wish.valence, wish.arousal, info)
    neutral = np.array([float(each == NEUTRAL) for each in info.emotions], dtype=np.float32)
    strength = min(wish.intensity, 1.0) + _BEYOND * max(wish.intensity - 1.0, 0.0)
    return (neutral + strength * (mood - neutral)).astype(np.float32)


def at_point(valence: float, arousal: float, info: PrimitiveInfo) -> Float32:
    """Return the weight of each emotion (L,) at a point of the plane: those near have most to say."""
    points = np.array([(info.valence[each], info.arousal[each]) for each in info.emotions])
    far = ((points - (valence, arousal)) ** 2).sum(axis=1)
    say = np.exp(-(far - far.min()) / _NEARNESS)
    return (say / say.sum()).astype(np.float32)


def place_of(wish: Wish, info: PrimitiveInfo) -> tuple[float, float]:
    """Return valence and arousal of what is asked for, -1..1."""
    if wish.valence is not None and wish.arousal is not None:
        return wish.valence, wish.arousal
    valence, arousal = info.valence[wish.emotion], info.arousal[wish.emotion]
    return _within(wish.intensity * valence, -1.0, 1.0), _within(wish.intensity * arousal, -1.0, 1.0)


def command_of(wish: Wish, info: PrimitiveInfo) -> Float32:
    """Return the network's command (L + 3,): moods, velocity to the left and ahead in m/s, whether it travels.

    The moods are farther from neutral than wished (guidance, as Ho and Salimans, 2022, with neutral for no condition).
    """
    moods = moods_of(wish, info)
    neutral = np.array([float(each == NEUTRAL) for each in info.emotions], dtype=np.float32)
    pace = float(sum(weight * info.pace[each] for weight, each in zip(moods, info.emotions, strict=True)))
    speed = _within(pace, 0.2, 2.0) if wish.speed_m_s is None else wish.speed_m_s
    travels = wish.travels and speed != 0.0
    way = (0.0, speed, 1.0) if travels else (0.0, 0.0, 0.0)
    stronger = neutral + _STRONGER * (moods - neutral)
    return np.concatenate((stronger, np.array(way, dtype=np.float32)), dtype=np.float32)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
