"""Teaching the reader: discriminants that no activity misleads, and chances that say how often they are right."""

from __future__ import annotations

import numpy as np
import pytest

from emotus.training.generation_reader import Lesson, discriminants, left_out, softness_of

CONTENTS = ("bow", "guide", "walk")


def lesson(seed: int = 0, noise: float = 0.3) -> Lesson:
    """Return windows whose features 0 to 5 say the label, 6 the activity, loudly; the rest says nothing."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(6), 60)
    contents = np.tile(np.arange(3), 120)
    rows = noise * rng.normal(size=(360, 10))
    rows[np.arange(360), labels] += 1.0
    rows[:, 6] += 5.0 * contents
    return Lesson(rows, labels, labels.astype(str), np.array([CONTENTS[i] for i in contents]))


def test_an_activity_that_was_never_seen_is_read() -> None:
    """What differs between activities counts for nothing, so that emotions are read in one that was left out."""
    scores, labels = left_out(lesson())
    assert set(labels.tolist()) == {0, 1, 2, 3, 4}  # neutral is what it is in few activities: not asked
    assert (scores.argmax(axis=1) == labels).mean() > 0.9
    weight = np.abs(discriminants(lesson()).weight)
    assert weight[6].max() < 0.2 * weight[:6].max()


def test_other_styles_say_what_counts_for_little() -> None:
    """A feature that varies within other styles loses its weight, though the labelled windows do not show it."""
    own = lesson()
    rng = np.random.default_rng(5)
    rows = 0.3 * rng.normal(size=(80, 10))
    rows[:, 0] += 6.0 * rng.normal(size=80)
    styles = np.array(["1:old"] * 40 + ["1:giant"] * 40)
    more = Lesson(
        np.concatenate((own.rows, rows)),
        np.concatenate((own.labels, np.full(80, -1))),
        np.concatenate((own.conditions, styles)),
        np.concatenate((own.contents, np.array(["bow"] * 80))),
    )
    before, after = (np.abs(discriminants(each).weight) for each in (own, more))
    assert after[0].max() < 0.5 * before[0].max()


@pytest.mark.parametrize("wrong", [0.0, 0.3])
def test_one_that_is_often_wrong_speaks_more_softly(wrong: float) -> None:
    """Of scores that are right the softness is the least there is; with wrong ones among them it grows."""
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(6), 50)
    said = np.where(rng.random(300) < wrong, (labels + 1) % 6, labels)
    softness = softness_of(8.0 * np.eye(6)[said], labels)
    assert (softness == 1.0) == (wrong == 0.0)
