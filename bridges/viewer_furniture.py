"""What stands on the page beside viser's own: the notice at first exposure, a lamp, and the stage view (`?stage=1`).

It is put into viser's page when that is sent (`furnish`); what it tells comes through one hidden element of the panel
(`told_html`), which the page looks at five times a second.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Final

from ..engine.clock import NS_PER_S
from .viewer_colors import MUTED, SYNTHETIC, css, emotion_color
from .viewer_lamps import lamp_of
from .viewer_state import PerformerState

ON_STAGE: Final = 6  # whose labels the stage view writes: more could not be read from the back of a studio
_FURNITURE: Final = Path(__file__).with_name("viewer_page.html")
_SHORTEST: Final = 7  # letters: shorter labels are written no larger


@lru_cache(maxsize=4)
def furnish(page: bytes) -> bytes:
    """Return a page of HTML with our furniture at the end of its body, or as it is where it has no body."""
    before, end, after = page.rpartition(b"</body>")
    return before + _FURNITURE.read_bytes() + end + after if end else page


@lru_cache(maxsize=4)
def furnish_zipped(page: bytes) -> bytes:
    """Return the same of a page compressed by gzip, and compressed again."""
    return gzip.compress(furnish(gzip.decompress(page)), mtime=0)


def told_html(states: Sequence[PerformerState], now_ns: int) -> str:
    """Return the hidden element that the page looks at: a beat a second, the lamps, the model, the labels at large."""
    shown = [state for state in states if state.emotion is not None or state.motion is not None][:ON_STAGE]
    letters = max((len(_label(state)) for state in shown), default=0)
    wide = max(letters, _SHORTEST) * max(len(shown), 1)
    return (
        f'<div id="emotus-told" data-beat="{now_ns // NS_PER_S}" data-letters="{wide}">'
        f'<div data-part="lamp">{_lamps(states, now_ns)}</div><div data-part="model">{_model(states)}</div>'
        f'<div data-part="stage">{"".join(_large(state, now_ns) for state in shown)}</div></div>'
    )


def _lamps(states: Sequence[PerformerState], now_ns: int) -> str:
    """Write a lamp a performer, and what is being done here."""
    dots = "".join(f'<i style="background:{lamp_of(state, now_ns).color}"></i>' for state in states)
    if not states:
        return f'<i style="background:{css(MUTED)}"></i><span>waiting for a performer</span>'
    reads = any(state.emotion is not None for state in states)
    only = (
        "generated motion" if all(state.is_generated for state in states) else "movement only, no emotion is inferred"
    )
    return f"{dots}<span>{'apparent expression, inferred from movement' if reads else only}</span>"


def _model(states: Sequence[PerformerState]) -> str:
    """Name the models that answer, each once."""
    told = {state.emotion.disclosure for state in states if state.emotion is not None}
    names = sorted(f"{each.model} ({each.sha256[:8]})" for each in told)
    if names:
        return f"Inferred by {escape(' and '.join(names))}."
    if any(not state.is_generated for state in states):
        return "At this moment movement is shown and no emotion is inferred."
    return "The model is named here as soon as it answers."


def _label(state: PerformerState) -> str:
    if state.motion is not None:
        return state.motion.emotion
    return "" if state.emotion is None else "unknown" if state.emotion.abstain else state.emotion.label


def _large(state: PerformerState, now_ns: int) -> str:
    """Write one performer's name, label and confidence to be read from afar."""
    lamp, label = lamp_of(state, now_ns), _label(state)
    motion, emotion = state.motion, state.emotion
    if motion is not None:
        color, share, words = css(SYNTHETIC), min(motion.intensity / 1.5, 1.0), f"synthetic · {motion.intensity:.1f}"
    else:
        assert emotion is not None  # noqa: S101 - those without either are not shown
        color = css(MUTED if emotion.abstain else emotion_color(emotion.label))
        share, words = (emotion.confidence, f"{emotion.confidence:.2f}") if not emotion.abstain else (0.0, "&nbsp;")
    faded = "opacity:.4" if lamp.is_silent else ""
    return (
        f'<div class="who" style="{faded}"><div class="name"><i style="background:{lamp.color}"></i>'
        f' {escape(state.stream)}</div><div class="label" style="color:{color}">{escape(label)}</div>'
        f'<div class="sure"><b style="width:{100 * share:.0f}%;background:{color}"></b></div>'
        f'<div class="name">{words}</div></div>'
    )
