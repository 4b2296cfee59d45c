"""What is learnt of foreign bodies: where known ones end, and which speeds another person would not change."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from emotus.models.features import MotionFeatures
from emotus.models.foreign import movement_columns, posture_columns
from emotus.training.clips import LABELS, Clip
from emotus.training.foreign import Foreign, fit_foreign
from emotus.training.head import Head
from emotus.training.looks import Look

NOTHING = np.zeros((1, 90), dtype=np.float32)
EXTRACTOR = MotionFeatures(30.0, (1.0, 3.0), 5.0)
SIZE = EXTRACTOR.feature_count
TELLS, PERSONAL = movement_columns(EXTRACTOR)[:2]
HEAD = Head(np.zeros(SIZE), np.ones(SIZE), np.zeros((6, SIZE)), np.zeros(6), 3.0)


def _look(name: str, label: int, activity: int, rows: np.ndarray) -> Look:
    style = "normal" if LABELS[label] == "neutral" else LABELS[label]
    clip = Clip(name, f"act{activity}", style, "-3", label, activity % 3, NOTHING)
    return Look(clip, rows.astype(np.float32), rows.astype(np.float32))


def _library() -> Any:
    """Return looks in which one column tells the label, and another differs from person to person only."""
    rng = np.random.default_rng(0)
    own, others = [], []
    for activity in range(6):
        for label in range(6):
            rows = rng.normal(0, 0.3, (6, SIZE))
            rows[:, TELLS] += 0.5 * (label - 2.5)
            rows[:, PERSONAL] += 0.5 * (label - 2.5)
            own.append(_look(f"{activity}-{label}", label, activity, rows))
            for _ in range(3):
                person = rows.copy()
                person[:, PERSONAL] += rng.normal(0, 2.0)
                others.append(_look(f"{activity}-{label}", label, activity, person))
    return SimpleNamespace(extractor=EXTRACTOR, set1=own, set2=own, labelled=own, others=others, hidden=own)


@pytest.fixture(scope="module")
def found() -> Foreign:
    """Return what is learnt of that library."""
    return fit_foreign(_library(), HEAD, lambda clip: clip.activity == "act5", 1.0)


def test_known_bodies_are_none_and_far_ones_are(found: Foreign) -> None:
    """Families that were left out while the bound was set stay within it; a posture far away does not."""
    rows = np.concatenate([look.rows for look in _library().set1])
    assert np.mean(found.share(HEAD.flat(rows)) > 0) < 0.1
    rows[:, posture_columns(EXTRACTOR)] += 4.0
    assert found.share(HEAD.flat(rows)).min() == 1.0


def test_what_differs_between_persons_is_hardly_believed(found: Foreign) -> None:
    """Both columns tell the label of who was recorded, but only one of them would of somebody else."""
    tells, personal = (np.abs(found.weight[:, list(found.movement).index(c)]).max() for c in (TELLS, PERSONAL))
    assert personal < 0.3 * tells


def test_an_activity_that_was_left_out_is_read_on_a_foreign_body(found: Foreign) -> None:
    """Its logits are those of its speeds, whatever the others say; on a known body they stay what they were."""
    out = [look for look in _library().others if look.clip.activity == "act5"]
    rows = np.stack([look.rows.mean(axis=0) for look in out])
    rows[:, posture_columns(EXTRACTOR)] += 4.0
    logits = found.correct(np.tile([9.0, 0, 0, 0, 0, 0], (len(rows), 1)), HEAD.flat(rows))
    assert np.mean(logits.argmax(axis=1) == [look.clip.label for look in out]) > 0.5
    same = np.zeros((1, SIZE))
    kept = np.array([[9.0, 0, 0, 0, 0, 0]])
    assert np.array_equal(found.correct(kept, same), kept)
