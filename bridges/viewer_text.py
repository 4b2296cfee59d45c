"""The panel's words and bars as HTML. Everything that came from outside is escaped."""

from __future__ import annotations

from html import escape

from ..engine.events import UNKNOWN, EmotionEvent, MotionEvent
from .viewer_colors import MUTED, SYNTHETIC, css, emotion_color
from .viewer_lamps import WARN, health_html
from .viewer_state import SILENT_NS, PerformerState

_GREY = css(MUTED)
_FIGURES = "font-variant-numeric:tabular-nums"
_ROW = "display:flex;align-items:center;gap:.5em;margin:.18em 0;font-size:.82em"
_BODY = "font-family:system-ui,sans-serif;color:#e6e9ef;line-height:1.25;padding:.15em .45em"


def headline(emotion: EmotionEvent | None) -> str:
    """Return the label and its confidence in words: "apparent expression: sad 0.82"."""
    if emotion is None:
        return "movement only: no emotion is inferred"
    if emotion.abstain or emotion.label == UNKNOWN:
        return "apparent expression: unknown"
    return f"apparent expression: {emotion.label} {emotion.confidence:.2f}"


def reading_html(state: PerformerState, now_ns: int) -> str:
    """Return the big label, the probabilities as bars, and who says so."""
    if state.motion is not None:
        return _box(_made(state.motion))
    emotion = state.emotion
    silent = state.silent_ns(now_ns) > SILENT_NS
    parts = [_headline_html(emotion, faded=silent)]
    if emotion is not None:
        parts += [
            _bar(name, p, css(emotion_color(name)), strong=name == emotion.label) for name, p in emotion.probs.items()
        ]
        parts.append(_disclosure(emotion))
    return _box("".join(parts))


def details_html(state: PerformerState, now_ns: int) -> str:
    """Return the movement qualities and the state of the intake."""
    parts = []
    if state.qualities is not None:
        parts.append(_title("movement"))
        parts += [_bar(name, value, "#7d8aa5") for name, value in state.qualities.values.items()]
    parts += [_title("intake"), health_html(state, now_ns)]
    notice = state.notice(now_ns)
    if notice:
        parts.append(f'<div style="color:{WARN};font-size:.8em;margin-top:.3em">{escape(notice)}</div>')
    return _box("".join(parts))


def _headline_html(emotion: EmotionEvent | None, *, faded: bool) -> str:
    """Write the headline, its first words small and the label large in the emotion's colour."""
    small, _, large = headline(emotion).partition(": ")
    known = emotion is not None and not emotion.abstain
    color = css(emotion_color(emotion.label)) if emotion is not None and known else _GREY
    size = "1.9em" if emotion is not None else "1em"
    return (
        f'<div style="opacity:{0.45 if faded else 1}">'
        f'<span style="color:{_GREY};font-size:.8em">{escape(small)}: </span>'
        f'<div style="color:{color};font-size:{size};font-weight:700;line-height:1.15;margin-bottom:.15em">'
        f"{escape(large)}</div></div>"
    )


def _made(motion: MotionEvent) -> str:
    """Say of generated motion that it is synthetic, what was asked for, and how it was made."""
    large = f"color:{css(SYNTHETIC)};font-size:1.9em;font-weight:700;line-height:1.15"
    source = f"made by {escape(motion.model)} ({escape(motion.sha256[:8])}), seed {motion.seed}"
    return (
        f'<span style="color:{_GREY};font-size:.8em">generated, nobody moves here: </span><div style="{large}">'
        f"synthetic {escape(motion.emotion)} {motion.intensity:.2f}</div>"
        f'<div style="color:{_GREY};font-size:.72em;margin-top:.35em">{source}</div>'
    )


def said_of(state: PerformerState) -> tuple[str, str, str]:
    """Return a performer's name, what is said of her in a word and a number, and its colour."""
    emotion, motion = state.emotion, state.motion
    if motion is not None:
        return state.stream, f"synthetic {motion.emotion} {motion.intensity:.1f}", css(SYNTHETIC)
    if emotion is None:
        return state.stream, "movement only", _GREY
    if emotion.abstain or emotion.label == UNKNOWN:
        return state.stream, UNKNOWN, _GREY
    return state.stream, f"{emotion.label} {emotion.confidence:.2f}", css(emotion_color(emotion.label))


def _bar(name: str, value: float, color: str, *, strong: bool = False) -> str:
    """Write a name, a bar of value 0..1 and the number."""
    share = 100.0 * min(max(value, 0.0), 1.0) if value == value else 0.0
    weight = "font-weight:700" if strong else "color:#aab2c0"
    return (
        f'<div style="{_ROW}"><span style="width:7.2em;overflow:hidden;text-overflow:ellipsis;{weight}">{escape(name)}'
        '</span><span style="flex:1;height:.62em;background:#20252f;border-radius:.3em;overflow:hidden">'
        f'<span style="display:block;height:100%;width:{share:.1f}%;background:{color};border-radius:.3em"></span>'
        f'</span><span style="width:2.6em;text-align:right;{_FIGURES};{weight}">{value:.2f}</span></div>'
    )


def _disclosure(emotion: EmotionEvent) -> str:
    source = emotion.disclosure
    return (
        f'<div style="color:{_GREY};font-size:.72em;margin-top:.35em">inferred from movement by {escape(source.model)} '
        f"({escape(source.sha256[:8])}); it says how the movement looks, not what is felt</div>"
    )


def _title(text: str) -> str:
    return f'<div style="color:{_GREY};font-size:.72em;letter-spacing:.06em;margin-top:.5em">{escape(text)}</div>'


def _box(content: str) -> str:
    return f'<div style="{_BODY}">{content}</div>'
