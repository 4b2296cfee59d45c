"""The last twenty seconds of labels as a ribbon: what the movement appeared to express, how surely."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from .viewer_colors import MUTED, css, emotion_color
from .viewer_state import HISTORY_S, Mood

_WIDTH: Final = 300.0
_HEIGHT: Final = 22.0
_LEFT, _RIGHT = 16.0, 68.0  # as of the picture of valence and arousal below it
_BAND: Final = 10.0
_TEXT: Final = 'font-size="9" font-family="system-ui,sans-serif"'


def ribbon_svg(moods: Sequence[Mood]) -> str:
    """Draw a run of one label as one band of its colour, the stronger the surer; `unknown` stays thin and grey."""
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" style="width:100%;display:block" role="img"'
        f' aria-label="apparent expression, last {HISTORY_S:.0f} s">{"".join(map(_band, moods))}</svg>'
    )


def _band(mood: Mood) -> str:
    whole = _WIDTH - _LEFT - _RIGHT
    x = _LEFT + whole * (1.0 + max(mood.from_s, -HISTORY_S) / HISTORY_S)
    wide = max(_LEFT + whole * (1.0 + mood.to_s / HISTORY_S) - x, 0.8)
    known = mood.confidence > 0.0
    color, tall = (css(emotion_color(mood.label)), _BAND) if known else (css(MUTED), 2.0)
    strength = f' fill-opacity="{0.25 + 0.75 * mood.confidence:.2f}"' if known else ""
    word = f'<text x="{x:.1f}" y="{_HEIGHT - 2}" fill="{color}" {_TEXT}>{escape(mood.label)}</text>'
    return (
        f'<rect data-name="{escape(mood.label)}" x="{x:.1f}" y="{(_BAND - tall) / 2:.1f}" width="{wide:.1f}"'
        f' height="{tall}" fill="{color}"{strength}/>' + (word if known and wide > 5.2 * len(mood.label) else "")
    )
