"""The plane of valence and arousal as one small SVG: a dot a performer, and the way she came in the last seconds."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np

from ..engine.skeleton import Float64
from .viewer_colors import MUTED, SYNTHETIC, css, emotion_color
from .viewer_state import PerformerState

TAIL_S: Final = 8.0
_SIZE: Final = 150.0
_WIDTH: Final = 300.0  # as the other pictures of the panel, so that their letters are of one size
_EDGE: Final = 14.0
_TEXT: Final = 'font-size="9" font-family="system-ui,sans-serif"'
_GREY: Final = css(MUTED)


def plane_svg(states: Sequence[PerformerState]) -> str:
    """Draw everybody's dot in the colour of her label, each with a tail; what is generated is drawn as a ring."""
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {_SIZE:.0f}" style="width:100%;display:block;padding:.2em 0" role="img"'
        f' aria-label="valence and arousal">{_axes()}{"".join(_performer(state) for state in states)}</svg>'
    )


def _at(valence: float, arousal: float) -> tuple[float, float]:
    """Return where a place of the plane is drawn; what lies beyond it, at its edge."""
    half = _SIZE / 2 - _EDGE
    v, a = (float(np.clip(each, -1.0, 1.0)) for each in (valence, arousal))
    return _WIDTH / 2 + half * v * (_WIDTH / _SIZE - 0.35), _SIZE / 2 - half * a


def _axes() -> str:
    left, right = _at(-1, 0)[0], _at(1, 0)[0]
    top, bottom = _at(0, 1)[1], _at(0, -1)[1]
    words = (
        (_WIDTH / 2, top - 4, "middle", "arousal"),
        (right + 4, _SIZE / 2 - 4, "end", "valence"),
        (left, top + 6, "start", "tense"),
        (right, top + 6, "end", "elated"),
        (left, bottom, "start", "gloomy"),
        (right, bottom, "end", "calm"),
    )
    return (
        f'<path d="M{left} {_SIZE / 2}H{right}M{_WIDTH / 2} {top}V{bottom}" stroke="#2b313d" fill="none"/>'
        f'<ellipse cx="{_WIDTH / 2}" cy="{_SIZE / 2}" rx="{(right - left) / 2}" ry="{(bottom - top) / 2}"'
        ' stroke="#20252f" fill="none"/>'
        + "".join(f'<text x="{x}" y="{y}" text-anchor="{a}" fill="{_GREY}" {_TEXT}>{w}</text>' for x, y, a, w in words)
    )


def _performer(state: PerformerState) -> str:
    if state.motion is not None:
        if not np.isfinite([state.motion.valence, state.motion.arousal]).all():
            return ""
        return _dot(state, _at(state.motion.valence, state.motion.arousal), css(SYNTHETIC), hollow=True)
    ages, valence, arousal = state.history()
    known = np.isfinite(valence) & np.isfinite(arousal) & (ages >= -TAIL_S)
    if state.emotion is None or not known.any():
        return ""
    color = css(MUTED if state.emotion.abstain else emotion_color(state.emotion.label))
    points = [_at(v, a) for v, a in zip(valence[known].tolist(), arousal[known].tolist(), strict=True)]
    return _tail(ages[known], points, color) + _dot(state, points[-1], color, hollow=False)


def _tail(ages_s: Float64, points: Sequence[tuple[float, float]], color: str) -> str:
    """Draw the way in two halves, the older one fainter."""
    middle = int(np.searchsorted(ages_s, -TAIL_S / 3))
    pieces = ((points[: middle + 1], 0.25), (points[middle:], 0.7))
    return "".join(
        f'<polyline data-name="trail" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in part)}" fill="none"'
        f' stroke="{color}" stroke-opacity="{strength}" stroke-width="1.6" stroke-linejoin="round"/>'
        for part, strength in pieces
        if len(part) > 1
    )


def _dot(state: PerformerState, place: tuple[float, float], color: str, *, hollow: bool) -> str:
    x, y = place
    beside, anchor = (x - 7, "end") if x > 0.7 * _WIDTH else (x + 7, "start")
    fill = "none" if hollow else color
    name = state.stream if len(state.stream) <= 14 else f"{state.stream[:13]}…"
    return (
        f'<circle data-name="dot" cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{fill}" stroke="{color}" stroke-width="1.5"/>'
        f'<text x="{beside:.1f}" y="{y + 3:.1f}" text-anchor="{anchor}" fill="{color}" {_TEXT}>{escape(name)}</text>'
    )
