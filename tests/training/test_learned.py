"""The learned signature: the same seed the same network, no style label used, and figures of the right pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from support.movers import style

from emotus.engine.errors import DataError, InputError
from emotus.engine.signature_definition import Definition
from emotus.models.signature_store import LearnedSignature, load_signature, save_signature
from emotus.training import learned_evaluation as evaluation
from emotus.training import signature_report, signature_tables
from emotus.training.clips import Clip
from emotus.training.learned import LearnedRecipe, apart, embed, train_encoder
from emotus.training.learned_map import frames_of, learned_distances
from emotus.training.signature_files import Take, rows_of
from emotus.training.signature_map import Labels, make_map

QUICK = LearnedRecipe("contrastive", steps=40, batch=8, latent=4, channels=8)
VAE = replace(QUICK, kind="vae", noise=0.0)


def clip(style: int, activity: str, seed: int, count: int = 120) -> Clip:
    """Return a body whose posture tells the style and whose swing tells the activity."""
    rng = np.random.default_rng(1000 * style + seed)
    at = np.arange(count)[:, None] / 30
    posture = np.random.default_rng(style).normal(size=63)
    swing = np.random.default_rng(ord(activity)).normal(size=63) * np.sin(2 * np.pi * at + rng.uniform(0, 6))
    frames = np.ones((count, 90), dtype=np.float32)
    frames[:, :63] = posture + swing + 0.1 * rng.normal(size=(count, 63))
    return Clip(f"{activity}-{style}-{seed}", activity, f"style {style}", "0", -1, -1, frames)


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    """Return recordings of three styles in four activities, two each."""
    return [clip(style, activity, seed) for style in range(3) for activity in "abcd" for seed in range(2)]


@pytest.mark.parametrize("recipe", [QUICK, VAE, replace(QUICK, among="same")])
def test_the_same_seed_gives_the_same_network_whatever_the_styles_are_called(clips, recipe) -> None:
    """Training is repeatable, and a recording's style label changes nothing."""
    few = replace(recipe, steps=5)
    renamed = [replace(each, style="", name="") for each in clips]
    one, other, third = train_encoder(few, clips, 1), train_encoder(few, renamed, 1), train_encoder(few, clips, 2)
    frames = [each.frames for each in clips[:3]]
    assert np.array_equal(embed(one, frames), embed(other, frames))
    assert not np.array_equal(embed(one, frames), embed(third, frames))


@pytest.mark.parametrize("recipe", [QUICK, VAE])
def test_it_learns_what_recordings_have_in_common(clips, recipe) -> None:
    """After a few steps the halves of a new recording lie nearer to each other than to other recordings' halves."""
    net = train_encoder(recipe, clips, 0)
    new = [clip(style, activity, 7, 240) for style in range(3) for activity in "abcd"]
    halves = [embed(net, [each.frames[part] for each in new]) for part in (slice(0, 120), slice(120, 240))]
    far = cdist(*halves)
    assert (far.argmin(axis=1) == np.arange(len(new))).mean() > 0.8


def test_distances_are_euclidean() -> None:
    """They are SciPy's, symmetric and zero to itself."""
    points = np.random.default_rng(0).normal(size=(9, 4))
    assert apart(points) == pytest.approx(cdist(points, points), abs=1e-7)
    assert not apart(points).diagonal().any()


def test_separation_asks_pairs_of_two_activities_only(clips) -> None:
    """Signatures that tell the style are told apart wholly; those that tell the activity say nothing of it."""
    style = np.array([[float(each.style[-1]), 0.0] for each in clips])
    found = evaluation.separation(style, clips)
    assert found["auc"] == 1.0
    assert found["pairs"] == [72, 144]
    activity = np.array([[float(ord(each.activity)), 0.0] for each in clips])
    assert evaluation.separation(activity, clips)["auc"] == pytest.approx(0.5, abs=0.02)


def test_halves_find_their_own_style(monkeypatch: pytest.MonkeyPatch, clips) -> None:
    """Where signatures tell the style, the nearest half is always of the same style."""
    monkeypatch.setattr(evaluation, "LEAST_ACTIVITIES", 4)
    style = np.array([[float(each.style[-1]), 0.0] for each in clips])
    assert evaluation.halves(style, clips) == {"auc": 1.0, "hits": 1.0, "chance": 1 / 3}


def test_the_report_is_of_both_sessions_and_every_recipe(monkeypatch: pytest.MonkeyPatch, clips) -> None:
    """The recipe that is kept is the best where it is chosen, and the figures beside it are of the other session."""
    monkeypatch.setattr(evaluation, "LEAST_ACTIVITIES", 4)
    monkeypatch.setattr(evaluation, "RECIPES", (replace(QUICK, steps=10), replace(VAE, steps=10)))
    sessions = {evaluation.CHOOSING: clips, evaluation.REPORTED: clips[::2]}
    found = evaluation.evaluate_learned(sessions, clips, seeds=(0, 1), progress=lambda _: None)
    best = max(found["recipes"], key=lambda name: found["recipes"][name]["where_chosen"]["mean"])
    assert found["kept"] == best
    assert found["mean_posture"]["two_recordings"] > 0.95  # in these clips the posture is the style
    text = "\n".join(evaluation.to_lines(found, 0.538, 0.537))
    assert f"{best}: AUC {found['recipes'][best]['two_recordings']['mean']:.3f}" in text
    assert "learned less hand-made" in text


def test_a_file_lies_upon_itself_and_is_told_from_others(tmp_path: Path, clips) -> None:
    """Recordings are read by the path that runs live; one is at nought from itself; too short ones are refused."""
    net = train_encoder(replace(QUICK, steps=5), clips, 0)
    learned = load_signature(save_signature(tmp_path, LearnedSignature(net, "", "")))
    places = [f"synthetic:{name}?seconds=4" for name in ("sad", "sad", "angry")]
    found = learned_distances(places, learned)
    assert found[0, 1] == pytest.approx(0.0, abs=1e-6)
    assert found[0, 2] > 1e-3
    with pytest.raises(InputError, match="frames"):
        frames_of("synthetic:sad?seconds=0.2")


def test_too_few_recordings_teach_nothing(clips) -> None:
    """One line instead of a network that learnt nothing."""
    with pytest.raises(DataError, match="3 recordings"):
        train_encoder(QUICK, clips[:3], 0)


def test_a_map_can_be_drawn_by_the_learned_distances(tmp_path: Path) -> None:
    """Plane, clusters, tests, tables and pictures are of the distances given; the report names them."""
    pytest.importorskip("matplotlib")
    names = ["sad-1", "sad-2", "angry-1", "angry-2"]
    takes = [
        Take(name, f"/{name}.bvh", Definition(), rows_of(style(name[:-2], 4.0, seed=i), Definition()))
        for i, name in enumerate(names)
    ]
    points = np.array([[0.0, 0.0], [0.0, 1.0], [3.0, 0.0], [3.0, 1.0]])
    found = make_map(takes, Labels(("s", "s", "a", "a"), ("x", "y", "x", "y")), learned=apart(points))
    assert found.matrix == pytest.approx(cdist(points, points))
    assert found.plane.stress == pytest.approx(0.0, abs=1e-3)
    assert found.answers[0].within == pytest.approx(1.0)
    signature_report.write_report(found, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "the learned signature" in page
    assert "The plane by person" in page
    signature_tables.write_tables(found, tmp_path)
    assert (tmp_path / "pairs.csv").read_text().splitlines()[0].endswith(",learned")
