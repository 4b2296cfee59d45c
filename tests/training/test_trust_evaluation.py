"""The figures of explain, steady and unknown count what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.acted import frames_of

from emotus.engine.errors import DataError
from emotus.engine.network import load
from emotus.models.occlusion import explain
from emotus.models.store import load_recogniser
from emotus.training import explain_evaluation, steady_evaluation, unknown_evaluation
from emotus.training.clips import Clip
from emotus.training.shows import joined, looped, played


def test_changes_are_counted_in_every_five_seconds() -> None:
    """The first label changes nothing; two changes four seconds apart fall into one window, six apart into none."""
    before = ["unknown"] * 9
    near = before + ["sad"] * 300 + ["happy"] * 120 + ["sad"] * 300
    far = before + ["sad"] * 300 + ["happy"] * 180 + ["sad"] * 300
    assert steady_evaluation.per_window(near).max() == 2
    assert steady_evaluation.per_window(far).max() == 1
    assert steady_evaluation.per_window(before + ["sad"] * 200).max() == 0
    assert steady_evaluation.counted([near, far])["shows_at_most_one"] == 1


def test_holding_a_label_is_what_is_compared() -> None:
    """Of a happy walk the label as said changes less often than as recognised, and only while that is asked for."""
    recogniser, walk = load("bandai-stgcn"), steady_evaluation.synthetic("happy", 15, 0)
    said = [event.label for event in played(recogniser, walk)]
    with steady_evaluation.as_recognised():
        recognised = [event.label for event in played(recogniser, walk)]
    assert steady_evaluation.per_window(recognised).sum() > steady_evaluation.per_window(said).sum()
    assert [event.label for event in played(recogniser, walk)] == said


def test_a_show_goes_on_where_it_was() -> None:
    """Movements joined do not jump: no joint moves faster over the seam than within either, and the floor stays."""
    walk = steady_evaluation.synthetic("happy", 2, 0)
    show = looped(walk, 200)
    assert show.shape == (200, 21, 3)
    within = np.linalg.norm(np.diff(walk, axis=0), axis=-1).max()
    assert np.linalg.norm(np.diff(show, axis=0), axis=-1).max() < 3 * within
    again = joined(walk, walk)
    assert abs(float(again[:, :, 1].min() - walk[:, :, 1].min())) < 0.02


def test_a_chair_keeps_its_shape_and_a_waver_hers_but_for_a_hand() -> None:
    """What is thrown is rigid, and of who waves only one hand moves."""
    rng, body = np.random.default_rng(0), np.random.default_rng(1).normal(0, 0.5, (21, 3))
    chair = unknown_evaluation.tumble(body, rng)
    sizes = np.linalg.norm(chair[:, 3] - chair[:, 15], axis=-1)
    assert np.ptp(sizes) < 0.02
    assert np.ptp(chair[:, 3], axis=0).max() > 0.3
    moved = np.ptp(unknown_evaluation.wave(body, rng), axis=0).max(axis=-1)
    assert np.flatnonzero(moved > 0.05).tolist() == [8]


def test_named_joints_lower_the_answer_more_than_others() -> None:
    """On bodies that the network never met, losing the three joints named costs more than losing three by lot."""
    model, info = load_recogniser()
    clips = [Clip(f"{k}", "", "", "", -1, -1, frames_of(k % 3, k, 60)) for k in range(4)]
    ways = {"lost joints": lambda frames: explain(model, frames, info.temperature(len(frames)))}
    found = explain_evaluation.compared(model, info, clips, ways)["lost"]["lost joints"]["3"]
    assert found["named"] > found["others"] + 0.02
    assert found["more"] == 1.0


def test_the_sign_test_is_that_of_the_books() -> None:
    """Ten of ten is 2 / 1024, five of ten is 1, and nothing is certain of nothing."""
    assert explain_evaluation.sign_test(10, 0) == pytest.approx(2 / 1024)
    assert explain_evaluation.sign_test(5, 5) == 1.0
    assert explain_evaluation.sign_test(0, 0) == 1.0


def test_gradient_times_input_shares_out_the_answer() -> None:
    """What was used before sums to one, too."""
    model, _ = load_recogniser()
    shares = explain_evaluation.gradient_times_input(model, torch.from_numpy(frames_of(0, 1)))
    assert float(shares.sum()) == pytest.approx(1.0, abs=1e-5)


def test_missing_data_is_named(tmp_path: Path) -> None:
    """Without the folds there is one sentence, for all three."""
    for evaluation in (explain_evaluation, steady_evaluation, unknown_evaluation):
        with pytest.raises(DataError, match=r"bandai-1-folds\.json"):
            evaluation.evaluate(tmp_path, progress=lambda _: None)
