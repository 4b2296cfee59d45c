"""The evaluation counts what it says it counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotus.engine.errors import DataError
from emotus.training.clips import Clip
from emotus.training.evaluate import Tested as AnsweredClip
from emotus.training.evaluate import evaluate, summary
from emotus.training.looks import Look


def _tested(label: int, probs: list[float], frames: int = 130, strange: float = 0.0) -> AnsweredClip:
    nothing = np.zeros((frames, 1), dtype=np.float32)
    clip = Clip(f"{label}-{probs}", "walk", "s", "-3", label, 0, np.zeros((frames, 90), dtype=np.float32))
    return AnsweredClip(Look(clip, nothing, nothing), np.tile(np.array(probs), (frames, 1)), np.full(frames, strange))


def test_right_wrong_and_unanswered_are_counted() -> None:
    """Two of three clips right; a third of the windows too unsure to be answered."""
    run = [
        _tested(0, [0.9, 0.1, 0, 0, 0, 0]),
        _tested(1, [0.1, 0.9, 0, 0, 0, 0]),
        _tested(2, [0.25, 0.25, 0.2, 0.1, 0.1, 0.1]),
    ]
    found = summary([run, run], range(6))
    assert found["accuracy"] == [pytest.approx(2 / 3, abs=1e-4), 0.0]
    assert found["recalls"]["angry"] == 1.0
    assert found["recalls"]["sad"] == 0.0
    assert found["answered"]["share"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["answered"]["accuracy"] == 1.0
    assert found["evidence"]["4.0"]["clips"] == 3


def test_what_is_strange_is_not_answered() -> None:
    """A confident window that is strange counts as unknown."""
    found = summary([[_tested(0, [0.9, 0.1, 0, 0, 0, 0], strange=0.9)]], range(6))
    assert found["answered"]["share"] == 0.0
    assert found["answered"]["rejected_as_strange"] == 1.0


def test_labels_that_another_set_lacks_are_renormalised_away() -> None:
    """With proud and unsure left out, the best of the remaining four answers; no clip reaches four seconds."""
    found = summary([[_tested(5, [0.1, 0.1, 0.0, 0.4, 0.1, 0.3], frames=75)]], (0, 1, 2, 5))
    assert found["accuracy"][0] == 1.0
    assert found["chance"] == 0.25
    assert list(found["evidence"]) == ["0.5", "1.0", "2.0"]


def test_what_cannot_be_evaluated_is_refused(tmp_path: Path) -> None:
    """Unknown models and protocols, and missing data, are named."""
    with pytest.raises(DataError, match="magic"):
        evaluate("magic", tmp_path, progress=print)
    with pytest.raises(DataError, match="no such protocol"):
        evaluate("bandai-stgcn", tmp_path, protocols=("guess",), progress=print)
    with pytest.raises(DataError, match="missing"):
        evaluate("bandai-stgcn", tmp_path, progress=print)
