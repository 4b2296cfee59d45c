"""Which style the synthetic performer has at each moment: one for good, or the tour through them all."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Final

import numpy as np

from ..engine.skeleton import Float64
from .synthetic_styles import STYLES, TOUR, TOUR_BLEND_S, TOUR_HOLD_S, Style

# What differs between two performers of the same emotion, as a standard deviation of the factor.
_PERSONAL: Final = ("cadence_hz", "stride_m", "arm_swing", "arm_abduction", "elbow", "sway_m", "chest_turn")
_PERSONAL_SPREAD: Final = 0.05


def personal(style: Style, rng: np.random.Generator) -> Style:
    """Return the style as one individual shows it: a few per cent more or less of what people differ in."""
    factors = np.clip(1.0 + _PERSONAL_SPREAD * rng.standard_normal(len(_PERSONAL)), 0.88, 1.12)
    return replace(style, **{name: getattr(style, name) * float(f) for name, f in zip(_PERSONAL, factors, strict=True)})


def style_rows(emotion: str, seed: int) -> Float64:
    """Return the styles that an emotion passes through, (1, K), or (6, K) for the tour; columns as in FIELDS."""
    names = TOUR if emotion == "tour" else (emotion,)
    return np.array([astuple(personal(STYLES[name], np.random.default_rng(seed))) for name in names])  # (E, K)


def blend(rows: Float64, t_s: Float64) -> Float64:
    """Return the style at each time, (T, K): each row in turn, smoothly joined where there are several."""
    if len(rows) == 1:
        return np.broadcast_to(rows[0], (len(t_s), rows.shape[1]))
    at = t_s / TOUR_HOLD_S
    now = np.floor(at).astype(int)
    into_s = (at - now) * TOUR_HOLD_S - (TOUR_HOLD_S - TOUR_BLEND_S)
    share = smoothstep(into_s / TOUR_BLEND_S)[:, None]  # (T, 1)
    return (1.0 - share) * rows[now % len(rows)] + share * rows[(now + 1) % len(rows)]  # (T, K)


def tour_emotion(t_s: float) -> str:
    """Return the emotion that the tour shows t_s seconds after its start."""
    return TOUR[int(t_s // TOUR_HOLD_S) % len(TOUR)]


def smoothstep(x: Float64) -> Float64:
    """Return 0 below 0, 1 above 1, and between them the cubic that joins with no corner."""
    u = np.clip(x, 0.0, 1.0)
    return u * u * (3.0 - 2.0 * u)
