"""A performer's health as a lamp: green while all is well, amber while something is late or lost, red in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from ..engine.clock import NS_PER_S
from .viewer_colors import MUTED, css
from .viewer_state import SILENT_NS, PerformerState, dropped

GOOD, WARN, BAD = "#3fb950", "#d29922", "#f85149"
_GREY: Final = css(MUTED)
_FIGURES: Final = "font-variant-numeric:tabular-nums"
_ROW: Final = "display:flex;align-items:center;gap:.5em;margin:.18em 0;font-size:.82em"
_NAME: Final = "flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
_BREATH_MS: Final = 100.0  # answers older than this are late, whatever the cause


@dataclass(frozen=True, slots=True)
class Lamp:
    """Say how one stream is: a colour, words, and whether nothing comes any more."""

    color: str
    words: str
    is_silent: bool = False


def lamp_of(state: PerformerState, now_ns: int) -> Lamp:
    """Return the lamp of a performer: what is silent, late or dropped just now, the worst first."""
    silent_ns = state.silent_ns(now_ns)
    if silent_ns > SILENT_NS:
        return Lamp(BAD, f"silent for {silent_ns / NS_PER_S:.0f} s", is_silent=True)
    troubles: list[str] = []
    if state.emotion is not None and state.emotion.latency_ms > _BREATH_MS:
        troubles.append(f"late by {state.emotion.latency_ms:.0f} ms")
    troubles += [f"{name} {n}" for name, n in state.losses(now_ns).items()]
    if troubles or state.notice(now_ns):
        return Lamp(WARN, ", ".join(["live", *troubles]))
    return Lamp(GOOD, "live")


def health_html(state: PerformerState, now_ns: int) -> str:
    """Write the lamp, the rate and the age of the answers, and the counts since the beginning."""
    lamp = lamp_of(state, now_ns)
    facts = [lamp.words]
    if state.rate_hz is not None:
        facts.append(f"{state.rate_hz:.1f} poses/s")
    if state.emotion is not None:
        facts.append(f"latency {state.emotion.latency_ms:.1f} ms")
    return (
        f'<div style="{_ROW}"><span style="{dot_style(lamp)}"></span><span>{escape(" · ".join(facts))}</span></div>'
        + _counts(state)
    )


def everybody_html(states: Sequence[PerformerState], now_ns: int, rows: Sequence[tuple[str, str, str]]) -> str:
    """Write a line a performer: her lamp, her name and what is said of her; rows: (name, words, colour)."""
    lines = "".join(
        f'<div style="{_ROW}"><span style="{dot_style(lamp_of(state, now_ns))}"></span>'
        f'<span style="{_NAME}">{escape(name)}</span>'
        f'<b style="color:{color};font-size:1.15em;{_FIGURES}">{escape(words)}</b></div>'
        for state, (name, words, color) in zip(states, rows, strict=True)
    )
    return f'<div style="font-family:system-ui,sans-serif;color:#e6e9ef;padding:.15em 1.1em .15em .45em">{lines}</div>'


def dot_style(lamp: Lamp) -> str:
    """Return the style of a lamp's dot."""
    return f"width:.7em;height:.7em;border-radius:50%;flex:none;background:{lamp.color}"


def _counts(state: PerformerState) -> str:
    """Write what was received, dropped (and why), missing and masked."""
    counters = state.counters
    lost = dropped(counters)
    why = f" ({', '.join(f'{name} {n}' for name, n in lost.items())})" if lost else ""
    pairs = [
        ("received", f"{counters.get('received', 0)}"),
        ("dropped", f"{sum(lost.values())}{why}"),
        ("holes", f"{counters.get('holes', 0)}"),
        ("masked joints", f"{counters.get('masked_joints', 0)}"),
    ]
    if counters.get("late"):
        pairs.append(("frames unread, too late", f"{counters['late']}"))
    cells = "".join(
        f'<span style="color:{_GREY}">{escape(name)}</span><span style="text-align:right">{escape(value)}</span>'
        for name, value in pairs
    )
    return (
        '<div style="display:grid;grid-template-columns:auto 1fr;gap:.05em .8em;font-size:.8em;'
        f'{_FIGURES}">{cells}</div>'
    )
