"""The mirror steers the partner by what is read of the performer, and never flickers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.engine.clock import NS_PER_S
from emotus.engine.events import Disclosure, EmotionEvent
from emotus.engine.mirror import DELAY_S, HOLD_S, Mirror
from emotus.models.primitive_store import PrimitiveInfo

EMOTIONS = ("angry", "happy", "sad", "proud", "unsure", "neutral")
VALENCE = {"angry": -0.6, "happy": 0.8, "sad": -0.7, "proud": 0.6, "unsure": -0.4, "neutral": 0.0}
AROUSAL = {"angry": 0.7, "happy": 0.5, "sad": -0.5, "proud": 0.3, "unsure": -0.2, "neutral": 0.0}
INFO = PrimitiveInfo("test", EMOTIONS, VALENCE, AROUSAL, dict.fromkeys(EMOTIONS, 1.0), "0" * 64, "", "")
FRAME_NS = NS_PER_S // 30


def _event(i: int, probs: dict[str, float], *, abstain: bool = False) -> EmotionEvent:
    label = max(probs, key=lambda each: probs[each])
    return EmotionEvent("anna", i, i * FRAME_NS, label, probs, 0.0, 0.0, 0.9, abstain, 1.0, Disclosure("m", "0"))


def _sure(label: str) -> dict[str, float]:
    return {each: 0.9 if each == label else 0.02 for each in EMOTIONS}


def _changes(mirror: Mirror, readings: list[dict[str, float]]) -> list[int]:
    return [i for i, probs in enumerate(readings) if mirror.hear(_event(i, probs)) is not None]


@given(st.sampled_from(EMOTIONS), st.sampled_from(("same", "opposite", "delayed", "amplified")))
@settings(max_examples=30, deadline=None)
def test_what_never_changes_settles(label: str, mode: str) -> None:
    """A constant reading changes the partner at most once, whatever the mode."""
    assert len(_changes(Mirror(INFO, mode), [_sure(label)] * 400)) == (label != "neutral")


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
@settings(max_examples=40, deadline=None)
def test_noise_changes_it_at_most_once_in_its_dead_time(seed: int, strength: float) -> None:
    """However wild the readings, two changes are never nearer than HOLD_S."""
    import numpy as np

    rng = np.random.default_rng(seed)
    readings = []
    for _ in range(600):
        raw = rng.dirichlet(np.full(len(EMOTIONS), strength))
        readings.append(dict(zip(EMOTIONS, raw.tolist(), strict=True)))
    changes = _changes(Mirror(INFO), readings)
    assert all(b - a >= HOLD_S * 30 - 1 for a, b in zip(changes, changes[1:], strict=False))


def test_two_readings_in_turn_do_not_make_it_swing() -> None:
    """Happy and sad in every other frame are neither: the partner stays as it is."""
    assert not _changes(Mirror(INFO), [_sure("happy"), _sure("sad")] * 300)[1:]


def test_it_answers_a_change_within_two_seconds() -> None:
    """A performer who turns from sad to happy is followed soon."""
    changes = _changes(Mirror(INFO), [_sure("sad")] * 150 + [_sure("happy")] * 150)
    assert len(changes) == 2
    assert changes[1] - 150 < 60


def test_each_mode_answers_in_its_way() -> None:
    """The same, its opposite on the plane, the same later, and the same and more."""
    shown = {}
    for mode in ("same", "opposite", "delayed", "amplified"):
        mirror = Mirror(INFO, mode)
        wishes = [(i, wish) for i in range(400) if (wish := mirror.hear(_event(i, _sure("sad")))) is not None]
        shown[mode] = wishes[0]
    assert shown["same"][1].emotion == "sad"
    assert (shown["opposite"][1].valence, shown["opposite"][1].arousal) == (0.7, 0.5)
    assert shown["delayed"][0] - shown["same"][0] == pytest.approx(DELAY_S * 30, abs=2)
    assert shown["amplified"][1].intensity == 1.5


def test_what_is_unsure_or_no_number_changes_nothing() -> None:
    """An abstention and a reading of NaN are no readings."""
    mirror = Mirror(INFO)
    assert all(mirror.hear(_event(i, _sure("sad"), abstain=True)) is None for i in range(200))
    assert all(mirror.hear(_event(i, {"sad": math.nan, "happy": 0.1})) is None for i in range(200, 400))


def test_there_is_no_other_mode() -> None:
    """A mode that is none is refused."""
    with pytest.raises(ValueError, match="same, opposite, delayed, amplified"):
        Mirror(INFO, "backwards")
