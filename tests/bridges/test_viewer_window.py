"""What surrounds the bodies: the notice at first exposure, lamps, the plane, the ribbon, partners, the stage."""

from __future__ import annotations

import gzip
import re
import tomllib
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sayings import emotion, motion, pose, status

from emotus.bridges.viewer import ViewerBridge
from emotus.bridges.viewer_furniture import ON_STAGE, furnish, furnish_zipped, told_html
from emotus.bridges.viewer_lamps import BAD, GOOD, WARN, everybody_html, lamp_of
from emotus.bridges.viewer_plane import plane_svg
from emotus.bridges.viewer_ribbon import ribbon_svg
from emotus.bridges.viewer_stage import SPACING_M, caption, places
from emotus.bridges.viewer_state import LOSS_NS, SILENT_NS, PerformerState
from emotus.bridges.viewer_text import reading_html, said_of
from emotus.engine.clock import NS_PER_S, MonotonicClock
from emotus.engine.events import EmotionEvent

EVIL = "<img src=x onerror=alert(1)>"


def told(*events, stream: str = "p1") -> PerformerState:
    state = PerformerState(stream, 0)
    for event in events:
        state.take(event, 0)
    return state


def words(html: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def feeling(label: str, t_s: float, confidence: float = 0.8, *, abstain: bool = False) -> EmotionEvent:
    at_ns = round(t_s * NS_PER_S)
    return replace(emotion(t_ns=at_ns), label=label, confidence=confidence, abstain=abstain)


@pytest.fixture
def bridge() -> Iterator[ViewerBridge]:
    viewer = ViewerBridge(port=0, clock=MonotonicClock())
    viewer.start()
    yield viewer
    viewer.close()


@pytest.mark.parametrize("zipped", [True, False])
def test_the_page_brings_the_notice_before_anything_else_runs(bridge: ViewerBridge, *, zipped: bool) -> None:
    """The page as it is sent has the card with the words of the notice, open, and may be framed by no other site."""
    asked = urllib.request.Request(f"http://127.0.0.1:{bridge.port}/")
    if zipped:
        asked.add_header("Accept-Encoding", "gzip")
    with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310
        body = answer.read()
        assert answer.headers.get_all("Content-Length") == [str(len(body))]
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    text = (gzip.decompress(body) if zipped else body).decode()
    card = text[text.index('id="emotus-card"') :]
    assert "hidden" not in card[: card.index(">")]
    assert "apparent expression" in card
    assert "not what anybody feels" in card
    assert text.rstrip().endswith("</html>")


def test_the_notice_ships_with_the_package() -> None:
    """What is put into the page lies in the wheel, where the package's data are named."""
    root = Path(__file__).parents[2]
    named = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert set((root / "bridges").glob("*.html")) == {
        path for pattern in named["emotus.bridges"] for path in (root / "bridges").glob(pattern)
    }
    assert (root / "bridges" / "viewer_page.html").exists()


def test_a_page_without_a_body_is_left_as_it_is() -> None:
    """Should viser's page ever look otherwise, it is served as it is, and never torn."""
    assert furnish(b"<p>no body</p>") == b"<p>no body</p>"
    assert gzip.decompress(furnish_zipped(gzip.compress(b"<body></body>"))).startswith(b"<body><!--")


def test_the_notice_names_the_model_or_that_none_reads() -> None:
    """Which model infers stands on the card as soon as it answers; where none does, that stands there."""
    assert "Inferred by bandai-stgcn (a1a1a1a1)." in words(told_html([told(pose(), emotion())], 0))
    assert "no emotion is inferred" in words(told_html([told(pose())], 0))
    assert "apparent expression" not in words(told_html([told(pose())], 0))
    assert "waiting for a performer" in words(told_html([], 0))
    assert 'data-beat="7"' in told_html([], 7 * NS_PER_S)


def test_a_lamp_tells_what_is_late_dropped_or_silent() -> None:
    """Green while all is well; amber with the reason for as long as a loss is news; red in silence."""
    state = told(pose(), emotion())
    assert lamp_of(state, 0).color == GOOD
    state.take(replace(status(), level="info", counters={"received": 10, "dropped_late": 1}), 0)
    assert lamp_of(state, 0).color == GOOD  # the first count tells nothing of when
    state.take(replace(status(), level="info", counters={"received": 90, "dropped_late": 4, "late": 2}), NS_PER_S)
    state.take(pose(1), NS_PER_S)
    lamp = lamp_of(state, NS_PER_S)
    assert (lamp.color, lamp.words) == (WARN, "live, late 3, unread, too late 2")
    state.take(pose(2), NS_PER_S + LOSS_NS)
    assert lamp_of(state, NS_PER_S + LOSS_NS).color == GOOD
    late = told(pose(), replace(emotion(), latency_ms=250.0))
    assert lamp_of(late, 0).words == "live, late by 250 ms"
    silent = lamp_of(state, NS_PER_S + LOSS_NS + 2 * SILENT_NS)
    assert (silent.color, silent.is_silent) == (BAD, True)


def test_generated_motion_is_called_synthetic_wherever_it_is_shown() -> None:
    """Caption, card, line and stage say `synthetic`, and name model and seed; no word claims an expression."""
    state = told(motion(), stream="anna.partner")
    shown = (caption("anna.partner", None, silent=False, motion=state.motion), said_of(state)[1])
    for text in (*shown, words(reading_html(state, 0)), words(told_html([state], 0))):
        assert "synthetic" in text
        assert "apparent expression" not in text
    assert f"seed {motion().seed}" in words(reading_html(state, 0))
    assert state.silent_ns(0) == 0
    assert 'fill="none"' in plane_svg([state]).split('data-name="dot"')[1]


def test_the_plane_has_a_dot_for_each_and_a_trail_that_ends_in_it() -> None:
    """Valence goes to the right and arousal up; the trail's last place is the dot's."""
    state = PerformerState("anna", 0)
    for i in range(20):
        state.take(replace(emotion(t_ns=i * NS_PER_S // 10), valence=-0.5 + 0.05 * i, arousal=0.5), 0)
    svg = plane_svg([state, told(pose())])
    ((x, y),) = re.findall(r'data-name="dot" cx="([\d.]+)" cy="([\d.]+)"', svg)
    trail = re.findall(r'data-name="trail" points="([^"]+)"', svg)[-1].split()
    assert trail[-1] == f"{x},{y}"
    across = [float(place.split(",")[0]) for place in trail]
    assert across == sorted(across)
    assert float(y) < 75 < 150 < float(x)


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=20))
def test_the_plane_stays_in_its_picture(values) -> None:
    """Whatever numbers come, every place drawn is a number within the picture."""
    state = PerformerState(EVIL, 0)
    for i, (valence, arousal) in enumerate(values):
        state.take(replace(emotion(t_ns=i * NS_PER_S // 10), valence=valence, arousal=arousal), 0)
    svg = plane_svg([state])
    assert "nan" not in svg
    assert "<img" not in svg
    for x, y in re.findall(r'c[x]="(-?[\d.]+)" cy="(-?[\d.]+)"', svg):
        assert 0 <= float(x) <= 300
        assert 0 <= float(y) <= 150


def test_the_ribbon_tells_the_labels_of_the_last_seconds_in_their_order() -> None:
    """One band a run, next to each other; what was unknown is thin."""
    events = [feeling("sad", i / 10) for i in range(50)] + [feeling("happy", 5 + i / 10) for i in range(50)]
    events += [feeling("unknown", 10 + i / 10, abstain=True) for i in range(30)]
    state = told(*events)
    moods = state.moods()
    assert [mood.label for mood in moods] == ["sad", "happy", "unknown"]
    assert all(a.to_s == b.from_s for a, b in zip(moods, moods[1:], strict=False))
    assert moods[-1].to_s == 0
    bands = re.findall(
        r'data-name="(\w+)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="([\d.]+)"', ribbon_svg(moods)
    )
    assert [name for name, *_ in bands] == ["sad", "happy", "unknown"]
    assert [float(height) for *_, height in bands] == [10.0, 10.0, 2.0]
    ends = [float(x) + float(wide) for _, x, wide, _ in bands]
    assert np.allclose(ends[:-1], [float(x) for _, x, *_ in bands][1:], atol=0.11)


def test_several_performers_are_told_of_in_a_line_each() -> None:
    """The lines above the cards name everybody, what is said of her, and her lamp."""
    states = [told(pose(), emotion(), stream="anna"), told(motion(), stream="anna.partner"), told(pose(), stream="ben")]
    html = everybody_html(states, 0, [said_of(state) for state in states])
    assert words(html) == "anna happy 0.50 anna.partner synthetic happy 1.0 ben movement only".replace(
        "happy 1.0", f"{motion().emotion} {motion().intensity:.1f}"
    )
    assert html.count(GOOD) == 3


def test_what_comes_from_outside_is_escaped_here_too() -> None:
    """A label or a name with markup in it shows as text on the card, the stage, the plane and the ribbon."""
    state = told(pose(), feeling(EVIL, 0.0), feeling(EVIL, 1.0), stream=EVIL)
    made = told(replace(motion(), emotion=EVIL, model=EVIL), stream=EVIL)
    html = told_html([state, made], 0) + plane_svg([state, made]) + ribbon_svg(state.moods()) + reading_html(made, 0)
    assert "<img" not in html + everybody_html([state], 0, [said_of(state)])
    assert html.count("&lt;img") >= 6


def test_the_stage_view_writes_no_more_than_can_be_read() -> None:
    """Of many performers the first few are written large, and their letters get smaller the more there are."""
    states = [told(pose(), emotion(), stream=f"p{i}") for i in range(12)]
    html = told_html(states, 0)
    assert html.count('class="who"') == ON_STAGE
    assert f'data-letters="{7 * ON_STAGE}"' in html


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 16])
def test_nobody_stands_where_another_does(count: int) -> None:
    """Any two places are farther apart than two bodies with their arms down."""
    spots = np.array(places(count))
    apart = np.linalg.norm(spots[:, None] - spots[None], axis=2)[~np.eye(count, dtype=bool)]
    assert (apart > 1.5).all()
    assert count < 2 or apart.min() <= SPACING_M
    assert abs(spots[:, 0].mean()) < 1e-9
