"""The protocols count what they say: walkers stay apart, draws are those of the table, and nothing leaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotus.engine.errors import DataError
from emotus.training import performer_evaluation as evaluation
from emotus.training import performer_protocols as protocols
from emotus.training.clips import Clip
from emotus.training.gait_features import one_sided, whole
from emotus.training.performer_readers import linear

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def _gaits(walkers: int = 10) -> protocols.Gaits:
    """Return walkers of four gaits each, one of each label, two walkers a fold, and a crowd of three."""
    clip = Clip("", "gait", "", "", -1, -1, np.zeros((1, 90), dtype=np.float32))
    who = np.array([f"w{i // 4}" for i in range(4 * walkers)] + ["SCENE_all"] * 3)
    labels = np.array([i % 4 for i in range(4 * walkers)] + [0, 0, 1])
    folds = np.array([i // 8 for i in range(4 * walkers)] + [0, 0, 0])
    return protocols.Gaits([clip] * len(who), who, labels, folds)


def test_the_protocols_are_those_of_the_table() -> None:
    """Every gait with nothing known, three draws of one and of two others, all four, three beside the neutral one."""
    gaits = _gaits()
    counts = {known: len(protocols.rows_of(gaits, known).gaits) for known in protocols.KNOWN}
    assert counts == {"nothing": 43, "one": 120, "two": 120, "all": 40, "neutral": 30}
    for known in ("one", "two", "neutral"):
        rows = protocols.rows_of(gaits, known)
        for i, others in zip(rows.gaits, rows.known, strict=True):
            assert i not in others
            assert {str(gaits.walkers[j]) for j in others} == {str(gaits.walkers[i])}


def test_relative_rows_lose_what_a_walker_always_does() -> None:
    """A constant of each walker is gone from rows relative to all her gaits, and from those relative to one."""
    gaits, rng = _gaits(), np.random.default_rng(0)
    nature = {who: rng.normal(0, 9, 3) for who in set(gaits.walkers)}
    plain = rng.normal(0, 1, (43, 3))
    moved = plain + np.array([nature[who] for who in gaits.walkers])
    for known in ("one", "two", "all"):
        rows = protocols.rows_of(gaits, known)
        assert np.allclose(rows.relative(plain, divided=False), rows.relative(moved, divided=False))


def test_nobody_is_read_by_who_saw_her() -> None:
    """With labels that only the walker's number tells, out-of-fold answers are no better than chance allows."""
    gaits, rng = _gaits(), np.random.default_rng(1)
    rows = protocols.rows_of(gaits, "nothing")
    seen: list[int] = []

    def reader(learnt: np.ndarray, labels: np.ndarray, tests: np.ndarray) -> np.ndarray:
        seen.append(len(set(learnt[:, 0]) & set(tests[:, 0])))
        return np.full((len(tests), len(set(labels))), 0.25)

    numbers = np.unique(gaits.walkers, return_inverse=True)[1][:, None].astype(float)
    evaluation.out_of_fold(reader, gaits, rows, np.concatenate((numbers, rng.normal(size=(43, 2))), axis=1))
    assert seen == [0] * 5


def test_the_linear_reader_reads_what_is_linear() -> None:
    """Labels that a direction tells are found among many features, in the span of few rows."""
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(2)
    labels = np.arange(60) % 3
    rows = rng.normal(0, 1, (60, 30))
    rows[:, :3] += 6 * np.eye(3)[labels]
    probs = linear(1.0)(rows[:45], labels[:45], rows[45:])
    assert np.mean(probs.argmax(axis=1) == labels[45:]) > 0.8
    assert np.allclose(probs.sum(axis=1), 1.0)


def test_intervals_hold_the_figure_and_mcnemar_counts_pairs() -> None:
    """The interval surrounds the accuracy; a reader against itself differs in nothing; against its opposite in all."""
    pytest.importorskip("scipy")
    labels = np.tile([0, 1], 20)
    probs = np.where(np.arange(40)[:, None] < 30, np.eye(2)[labels], 1 - np.eye(2)[labels])
    low, high = evaluation.interval(probs, labels, np.array([f"w{i // 4}" for i in range(40)]))
    assert low <= 0.75 <= high
    assert evaluation.mcnemar(probs, probs, labels, np.arange(40)) == [0, 0, 1.0]
    assert evaluation.mcnemar(probs, 1 - probs, labels, np.arange(40))[:2] == [30, 10]


def test_a_mirrored_gait_looks_the_same_whole() -> None:
    """Features of a gait and of its mirror image are the same once both sides are folded, and 338 of them."""
    from emotus.training.augment import mirror

    rng = np.random.default_rng(3)
    frames = np.zeros((75, 90), dtype=np.float32)
    frames[:, :63] = rng.normal(0, 0.3, 63) + 0.1 * np.sin(np.arange(75)[:, None] * 0.2 + rng.uniform(0, 6, 63))
    assert np.allclose(whole(frames), whole(mirror(frames)))
    assert one_sided(frames).shape == whole(frames).shape == (338,)
    assert not np.allclose(one_sided(frames), one_sided(mirror(frames)))


def test_missing_data_is_named(tmp_path: Path) -> None:
    """Without the gaits there is one sentence."""
    with pytest.raises(DataError, match=r"emotion_gait\.npz"):
        evaluation.evaluate(tmp_path, seeds=(0,), progress=lambda _: None)


def test_the_walkers_of_the_data_are_told_apart() -> None:
    """Thirty walkers acted four emotions each, once; the two who share a fold are two."""
    if not (DATA / "emotion_gait.npz").is_file():
        pytest.skip("no ../shared/data")
    gaits = protocols.load(DATA, "intended", lambda _: None)
    assert len(gaits.clips) == 120
    assert {who: len(set(gaits.labels[gaits.walkers == who])) for who in set(gaits.walkers)} == dict.fromkeys(
        set(gaits.walkers), 4
    )
    assert len(set(gaits.walkers)) == 30
