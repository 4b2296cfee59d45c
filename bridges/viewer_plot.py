"""The last twenty seconds of valence and arousal, drawn as one small SVG: no chart library, 4 KB a picture."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..engine.skeleton import Float64
from .viewer_colors import MUTED, css
from .viewer_state import HISTORY_S

VALENCE: Final = "#48d1b2"
AROUSAL: Final = "#ff9a4d"
_WIDTH: Final = 300.0
_HEIGHT: Final = 78.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 16.0, 68.0, 6.0, 14.0
_TEXT: Final = 'font-size="9" font-family="system-ui,sans-serif"'


def plot_svg(ages_s: Float64, valence: Float64, arousal: Float64) -> str:
    """Draw two lines over -1..1 from ages in seconds (0 now, negative before), and their latest values."""
    lines = "".join(
        _line(ages_s, values, color, name)
        for values, color, name in ((valence, VALENCE, "valence"), (arousal, AROUSAL, "arousal"))
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" style="width:100%;display:block;padding:.2em 0" role="img"'
        f' aria-label="valence and arousal, last {HISTORY_S:.0f} s">{_grid()}{lines}{_ends(valence, arousal)}</svg>'
    )


def _x(age_s: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (1.0 + age_s / HISTORY_S)


def _y(value: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1.0 - min(max(value, -1.0), 1.0)) / 2.0


def _line(ages_s: Float64, values: Float64, color: str, name: str) -> str:
    known = np.isfinite(values) & (ages_s >= -HISTORY_S)
    points = " ".join(f"{_x(a):.1f},{_y(v):.1f}" for a, v in zip(ages_s[known], values[known], strict=True))
    return (
        f'<polyline data-name="{name}" points="{points}" fill="none" stroke="{color}" stroke-width="1.8"'
        ' stroke-linejoin="round"/>'
    )


def _grid() -> str:
    """Draw the lines at -1, 0 and 1 and name the times."""
    grey, right = css(MUTED), _WIDTH - _RIGHT
    rows = "".join(
        f'<line x1="{_LEFT}" x2="{right}" y1="{_y(v)}" y2="{_y(v)}" stroke="#2b313d"/>'
        f'<text x="{_LEFT - 4}" y="{_y(v) + 3}" text-anchor="end" fill="{grey}" {_TEXT}>{v:g}</text>'
        for v in (-1.0, 0.0, 1.0)
    )
    times = "".join(
        f'<text x="{_x(age)}" y="{_HEIGHT - 2}" text-anchor="middle" fill="{grey}" {_TEXT}>{words}</text>'
        for age, words in ((-15.0, "-15 s"), (-10.0, "-10 s"), (-5.0, "-5 s"), (0.0, "now"))
    )
    return rows + times


def _ends(valence: Float64, arousal: Float64) -> str:
    """Name each line at its right end, with the latest value; kept apart where the lines meet."""
    if not len(valence) or not np.isfinite([valence[-1], arousal[-1]]).all():
        return ""
    gap = 10.0
    at = [_y(float(valence[-1])), _y(float(arousal[-1]))]
    upper = 0 if at[0] <= at[1] else 1
    at[1 - upper] = max(at[1 - upper], at[upper] + gap)
    return "".join(
        f'<text x="{_WIDTH - _RIGHT + 4}" y="{y + 3:.1f}" fill="{color}" {_TEXT}>{name} {value[-1]:+.1f}</text>'
        for y, color, name, value in ((at[0], VALENCE, "valence", valence), (at[1], AROUSAL, "arousal", arousal))
    )
