"""How well walkers are told again: the attacker is given what is there, and chance is what it should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotus.engine.body import BODY
from emotus.training import blinding
from emotus.training.blinding import Body, again, blind, bones, chance, movement

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
FULL = np.ones((30, 21), dtype=np.float32)


def body(walker: int, seed: int, source: str = "here") -> Body:
    """Return somebody with arms and legs of her own length, who moves as nobody in particular."""
    rng = np.random.default_rng(100 * walker + seed)
    own = BODY.offsets * np.random.default_rng(walker).uniform(0.8, 1.2, size=(21, 1))
    sway = own + 0.3 * np.sin(np.arange(30) / 5)[:, None, None] * rng.normal(size=(21, 3)) * [0, 0, 0.2]
    sway *= np.linalg.norm(own, axis=1, keepdims=True) / np.linalg.norm(sway, axis=2, keepdims=True)
    points = np.zeros((30, 21, 3))
    for joint, parent in enumerate(BODY.parents):
        points[:, joint] = own[joint] if parent < 0 else points[:, parent] + sway[:, joint]
    return f"w{walker}", source, points.astype(np.float32), FULL


@pytest.fixture(scope="module")
def bodies() -> list[Body]:
    """Return eight walkers, four gaits each."""
    return [body(walker, seed) for walker in range(8) for seed in range(4)]


def test_chance_is_the_share_of_ones_own_other_gaits(bodies) -> None:
    """Of 31 other gaits three are of the same walker; other sources count for nothing; a lone walker is not asked."""
    assert chance(bodies) == pytest.approx(3 / 31, abs=1e-4)
    alone = [body(9, seed, "elsewhere") for seed in range(3)]
    assert chance([*bodies, *alone]) == pytest.approx(3 / 31, abs=1e-4)


def test_bones_tell_walkers_apart_until_they_are_blinded(bodies) -> None:
    """Lengths of bones name everybody; of blinded bodies the lengths are all the same."""
    assert again(bodies, bones) > 0.9
    shown = [blind(each) for each in bodies]
    assert again(shown, bones) == pytest.approx(chance(bodies), abs=1e-3)


def test_movement_does_not_know_the_size_of_a_body() -> None:
    """Somebody a quarter larger who moves alike has the same movement."""
    walker, source, points, confidence = body(1, 1)
    larger = (walker, source, points * np.float32(1.25), confidence)
    assert movement(larger) == pytest.approx(movement((walker, source, points, confidence)), abs=1e-4)


@pytest.mark.skipif(not (DATA / "emotion_gait.npz").exists(), reason="Emotion-Gait is not here (../shared/data)")
def test_real_walkers_are_told_by_their_bones_and_less_so_when_blinded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blinding takes the bones away; what the way of moving still tells is reported, not hidden."""
    gaits = [each for each in blinding.load_gait_bodies(DATA) if each[1] == "BML"][:60]
    monkeypatch.setattr(blinding, "load_gait_bodies", lambda _: gaits)
    monkeypatch.setattr(blinding, "utility", lambda *_: dict.fromkeys(
        ("same_best_label", "probability_moved", "abstains_plain", "abstains_blinded"), 0.0))  # fmt: skip
    report = blinding.evaluate(DATA, progress=lambda _: None)
    told, by_chance = report.protocols["told_again"], report.protocols["chance"]
    assert told["bones"]["plain"] > 5 * by_chance
    assert told["bones"]["blinded"] == pytest.approx(by_chance, abs=1e-3)
    text = blinding.to_text(report)
    assert f"by posture and movement: {told['posture and movement']['plain']:.3f} without" in text
    assert f"{told['all of these']['blinded']:.3f} with it" in text
