"""The figures of teaching are kept, told as they are kept, and come of games that are fair to the peers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.performers import walker
from typer.testing import CliRunner

from emotus.__main__ import app
from emotus.engine.features import normalise
from emotus.training.clips import Clip
from emotus.training.episodes import episodes
from emotus.training.peer_features import HOP, WINDOW, windows_of
from emotus.training.report import shown
from emotus.training.shown import Shown
from emotus.training.teach_evaluation import GOALS, peers, to_text

ROOT = Path(__file__).resolve().parents[2]


def walked(count: int) -> np.ndarray:
    """Return network frames of somebody who walks."""
    poses = list(walker(count))
    return normalise(np.stack([p.positions for p in poses]), np.stack([p.confidence for p in poses]), 30.0)


def test_the_page_states_the_stored_figures() -> None:
    """docs/teaching.md shows what `emotus evaluate teach --shown` prints, to the letter."""
    text = to_text(shown("teach"))
    assert text in (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    result = CliRunner().invoke(app, ["evaluate", "teach", "--shown"])
    assert result.exit_code == 0
    assert text in result.stdout


def test_the_goals_are_met_by_the_stored_figures() -> None:
    """Each number of takes reaches its goal, beats both peers on the same draws, and the leak is named as one."""
    found = shown("teach").protocols
    for shots, goal in GOALS.items():
        ours = found["honest"][str(shots)]
        assert ours["accuracy"] >= goal
        for peer in ("random forest", "logistic regression"):
            assert len(found[peer][str(shots)]["draws"]) == len(ours["draws"])
            assert ours["accuracy"] > found[peer][str(shots)]["accuracy"] + 0.1
        assert found["leaky"][str(shots)]["accuracy"] > ours["accuracy"]


def test_peers_see_windows_of_the_clip_and_nothing_else() -> None:
    """Windows are cut every sixteen frames; their features are finite, 300 to 500 of them, and still for a statue."""
    frames = walked(WINDOW + 2 * HOP)
    rows = windows_of(frames)
    assert len(rows) == 3
    assert 300 <= rows.shape[1] <= 500
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(windows_of(frames[HOP:])[0], rows[1])
    still = windows_of(np.repeat(frames[:1], 20, axis=0))
    assert still.shape == (1, rows.shape[1])
    assert not still[:, : 7 * 16].any()  # speeds, accelerations and jerks


@pytest.mark.parametrize("name", ["logistic regression"])
def test_peers_learn_what_is_plain(name: str) -> None:
    """Told twice as fast from half as fast, a peer knows again which is which in another activity."""
    found: list[Shown] = []
    rng = np.random.default_rng(0)
    for style, tempo in (("fast", 3), ("slow", 1)):
        for activity in ("walk", "run", "dash"):
            frames = walked(80 * tempo)[::tempo] + rng.normal(scale=0.002, size=(80, 90)).astype(np.float32)
            clip = Clip(f"{style} {activity}", activity, style, "a", -1, 0, frames)
            found.append(Shown(clip, frames[:2], np.array([15, 23]), np.zeros(2), frames[:2]))
    (game,) = episodes(found, 1, 1, 0)
    probs = peers()[name](game)
    np.testing.assert_allclose(probs.sum(axis=1), 1.0)
    assert (probs.argmax(axis=1) == game.labels).all()
