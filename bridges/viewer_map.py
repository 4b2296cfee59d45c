"""The plane of the references as one small SVG: where they lie, which belong together, and how the performer moves."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np

from ..engine.events import SignatureEvent
from ..engine.signature_references import References
from ..engine.skeleton import Float64
from .viewer_colors import MUTED, cluster_color, css

NAMED: Final = 24  # references whose names stand beside their points; of more, only that which is nearest
_WIDTH: Final = 300.0
_HEIGHT: Final = 190.0
_EDGE: Final = 26.0  # round the references: room for their names, and for a performer who is near none
_SPAN_Y: Final = _HEIGHT - 2 * _EDGE
_SPAN_X: Final = _WIDTH - 3 * _EDGE  # names stand to the right of their points
_TEXT: Final = 'font-size="9" font-family="system-ui,sans-serif"'
_DOT: Final = "#ffffff"
_LONGEST: Final = 18  # letters of a name that are drawn


def map_svg(references: References, event: SignatureEvent, ages_s: Float64, trail: Float64) -> str:
    """Draw the references, each in its cluster's colour, and the performer's dot with her tail.

    ages_s: (N,) seconds before the newest place, 0 the last; trail: (N, 2) places on the plane, the newest last. The
    plane stays as the references span it: a performer farther out is drawn hollow at the edge.
    """
    frame = _Frame(references.plane.points, np.asarray(event.xy))
    nearest = references.names.index(event.nearest) if event.nearest in references.names else -1
    marks = "".join(_reference(references, i, frame, i == nearest) for i in range(len(references.names)))
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" style="width:100%;display:block;padding:.2em 0" role="img"'
        f' aria-label="signature map">{_tail(frame, ages_s, trail)}{marks}{_dot(frame, event)}</svg>'
    )


class _Frame:
    """Lay the plane out in the picture: the references fill it, both axes at one scale, y up."""

    def __init__(self, points: Float64, dot: Float64) -> None:
        low, high = points.min(axis=0), points.max(axis=0)
        self.middle = (low + high) / 2
        wide, tall = high - low
        if max(wide, tall) < 1e-9:  # one reference, or all alike: the performer's distance sets the scale
            wide = tall = 2.5 * max(float(np.abs(dot - self.middle).max()), 0.1)
        self.scale = min(_SPAN_X / max(wide, 1e-9), _SPAN_Y / max(tall, 1e-9))
        self.right = _EDGE + _SPAN_X / 2, _HEIGHT / 2

    def at(self, points: Float64) -> Float64:
        """Return where points (..., 2) are drawn, those far out at the edge."""
        drawn = self.place(points)
        return np.clip(drawn, (5.0, 5.0), (_WIDTH - 5.0, _HEIGHT - 5.0))

    def place(self, points: Float64) -> Float64:
        """Return where points (..., 2) belong, in the picture or beyond it."""
        return np.asarray(self.right) + (points - self.middle) * self.scale * np.array([1.0, -1.0])


def _reference(references: References, i: int, frame: _Frame, nearest: bool) -> str:
    x, y = frame.at(references.plane.points[i]).tolist()
    color = css(cluster_color(int(references.clusters[i])))
    mark = f'<circle data-name="reference" cx="{x:.1f}" cy="{y:.1f}" r="{5 if nearest else 3.5}" fill="{color}"/>'
    if not nearest and len(references.names) > NAMED:
        return mark
    name, weight = references.names[i], ' font-weight="700"' if nearest else ""
    shown = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    left = x > 0.72 * _WIDTH
    beside, anchor = (x - 7, "end") if left else (x + 7, "start")
    place = f'x="{beside:.1f}" y="{y + 3:.1f}" text-anchor="{anchor}"'
    return mark + f'<text {place} fill="{color}"{weight} {_TEXT}>{escape(shown)}</text>'


def _tail(frame: _Frame, ages_s: Float64, trail: Float64) -> str:
    """Draw the way of the last seconds, fainter where it is older."""
    if len(trail) < 2:
        return ""
    points = frame.at(trail)
    oldest = max(-float(ages_s[0]), 1e-9)
    pieces: list[str] = []
    for part in _thirds(len(points)):
        strength = 0.75 + 0.6 * float(ages_s[part[-1]]) / oldest
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points[part].tolist())
        pieces.append(
            f'<polyline data-name="tail" points="{way}" fill="none" stroke="{_DOT}" stroke-width="1.4"'
            f' stroke-opacity="{strength:.2f}" stroke-linejoin="round" stroke-linecap="round"/>'
        )
    return "".join(pieces)


def _thirds(n: int) -> Sequence[list[int]]:
    """Return the indices of n points in three runs that share their ends."""
    ends = [0, n // 3, 2 * n // 3, n - 1]
    return [list(range(a, b + 1)) for a, b in itertools.pairwise(ends) if b > a]


def _dot(frame: _Frame, event: SignatureEvent) -> str:
    """Draw where the performer is now, hollow where she is beyond the picture."""
    xy = np.asarray(event.xy)
    x, y = frame.at(xy).tolist()
    inside = bool(np.allclose(frame.place(xy), (x, y)))
    ring = css(cluster_color(event.cluster))
    return (
        f'<circle data-name="dot" cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{_DOT if inside else "none"}"'
        f' stroke="{ring}" stroke-width="2"/>'
    )


def told_html(event: SignatureEvent) -> str:
    """Return in words what she moves like, and how sure that is."""
    label = f" ({event.label})" if event.label and event.label != event.nearest else ""
    apart = event.distances.get(event.nearest)
    facts = [f"sure {event.confidence:.2f}", f"last {event.window_s:g} s"]
    if apart is not None:
        facts.insert(0, f"distance {apart:.2f}")
    return (
        '<div style="font-family:system-ui,sans-serif;color:#e6e9ef;line-height:1.25;padding:.15em .45em;'
        f'font-size:.82em"><span style="color:{css(MUTED)};font-size:.88em;letter-spacing:.06em">moves most like</span>'
        f' <b style="color:{css(cluster_color(event.cluster))}">{escape(event.nearest + label)}</b>'
        f'<div style="color:{css(MUTED)};font-variant-numeric:tabular-nums">{escape(" · ".join(facts))}</div></div>'
    )
