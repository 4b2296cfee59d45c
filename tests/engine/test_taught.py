"""What was taught answers beside what ships: by evidence, forgetting nothing, and silent on what neither knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lessons import SIZE, make_lesson, plain_prior

from emotus.engine.events import UNKNOWN
from emotus.engine.recognise import Reading, silent
from emotus.engine.taught import FAMILIAR, TaughtHead, blend, is_strange, joined, labels_of
from emotus.engine.teach import fit

LABELS = ("dance", "sad", "storm")
SHIPPED = Reading("happy", {"happy": 0.7, "sad": 0.2, "neutral": 0.1}, 0.5, 0.4, 0.7, abstain=False)


@pytest.fixture(scope="module")
def head() -> TaughtHead:
    """Return a head that is sure of three labels and strict about what it does not know."""
    return replace(fit(make_lesson(LABELS, 4, apart=1.5), plain_prior()).head, strange=(0.0, 2.0))


def of(head: TaughtHead, label: str) -> np.ndarray:
    """Return the description of a movement in the middle of a label: (2 D + 1,), as the recogniser gives it."""
    middle = np.zeros(SIZE)
    middle[: head.styles.shape[1]] = head.centre + head.places[head.labels.index(label)]
    return np.concatenate((middle, np.full(SIZE + 1, 7.7))).astype(np.float32)


def test_a_taught_movement_gets_its_taught_label(head: TaughtHead) -> None:
    """In the middle of what was taught, the taught label wins over the shipped ones, and all are still there."""
    reading = blend(SHIPPED, head, of(head, "storm"), 90)
    assert reading.label == "storm"
    assert not reading.abstain
    assert list(reading.probs) == ["happy", "sad", "neutral", "dance", "storm"]
    assert (reading.valence, reading.arousal) == (SHIPPED.valence, SHIPPED.arousal)
    assert reading.confidence == reading.probs["storm"]


def test_a_movement_unlike_any_take_is_left_to_the_shipped_labels(head: TaughtHead) -> None:
    """Far from every take the shipped answer stands as it was: teaching makes nothing forgotten."""
    far = np.full(2 * SIZE + 1, 9.0, dtype=np.float32)
    reading = blend(SHIPPED, head, far, 90)
    assert float(head.familiarity(far)) < 1e-3
    assert reading.label == "happy"
    assert reading.probs["happy"] == pytest.approx(0.7, abs=1e-3)


def test_what_neither_knows_is_unknown(head: TaughtHead) -> None:
    """A movement unlike any take, of which the shipped recogniser does not know what it is either, has no label."""
    unsure = replace(SHIPPED, label=UNKNOWN, abstain=True)
    far = np.full(2 * SIZE + 1, 9.0, dtype=np.float32)
    assert blend(unsure, head, far, 90).label == UNKNOWN
    assert blend(SHIPPED, head, far, 90, only=True).label == UNKNOWN
    assert blend(SHIPPED, head, far, 90, only=True).confidence < FAMILIAR
    assert blend(unsure, head, of(head, "dance"), 90).label == "dance"


def test_noise_is_no_taught_label_either(head: TaughtHead) -> None:
    """Where the shipped recogniser sees no performance at all, no taught label is answered, however like it is."""
    strange = replace(SHIPPED, label=UNKNOWN, abstain=True, confidence=0.7 * 0.01)
    assert is_strange(strange)
    assert not is_strange(replace(SHIPPED, abstain=True))
    reading = blend(strange, head, of(head, "dance"), 90)
    assert reading.label == UNKNOWN
    assert reading.probs["dance"] == 0.0
    assert blend(strange, head, of(head, "dance"), 90, only=True).abstain


def test_only_the_taught_labels_on_request(head: TaughtHead) -> None:
    """Asked for the taught labels alone, the shipped ones are gone from the answer."""
    reading = blend(SHIPPED, head, of(head, "sad"), 90, only=True)
    assert tuple(reading.probs) == LABELS
    assert reading.label == "sad"
    assert labels_of(("happy", "sad"), head, only=True) == LABELS
    assert labels_of(("happy", "sad"), head) == ("happy", "sad", "dance", "storm")
    assert labels_of(("happy", "sad"), None) == ("happy", "sad")


def test_a_label_of_the_same_name_is_the_same_label() -> None:
    """Taught "sad" and shipped "sad" add up; "joy" and "happy" are two labels, for only names count."""
    probs = joined({"sad": 0.5, "happy": 0.5}, {"sad": 0.9, "joy": 0.1}, 0.6)
    assert probs == pytest.approx({"sad": 0.4 * 0.5 + 0.6 * 0.9, "happy": 0.2, "joy": 0.06})


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-30, 30, width=32), min_size=2 * SIZE + 1, max_size=2 * SIZE + 1), st.integers(1, 500))
def test_every_blend_is_a_reading(head: TaughtHead, features: list[float], frames: int) -> None:
    """Whatever is described: probabilities sum to one, confidence is in 0..1, the label is the best or unknown."""
    for shipped in (SHIPPED, silent(("a", "b"))):
        reading = blend(shipped, head, np.array(features, dtype=np.float32), frames)
        assert sum(reading.probs.values()) == pytest.approx(1.0)
        assert 0.0 <= reading.confidence <= 1.0
        best = max(reading.probs, key=reading.probs.__getitem__)
        assert reading.label == (UNKNOWN if reading.abstain else best)
