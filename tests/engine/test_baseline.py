"""A performer's baseline: gathered on the way, kept, brought back, merged, frozen, and refused where it is not hers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.engine import baseline as baselines
from emotus.engine.baseline import Baseline
from emotus.engine.errors import ProfileError
from emotus.engine.features import FRAME_SIZE
from emotus.engine.network import NetworkRecogniser
from emotus.models.baseline import CONTEXTS, RunningBaseline
from emotus.models.recogniser import FusedRecogniser, Shape
from emotus.models.store import Info

_J = 21
_INFO = Info("tiny", ("happy", "sad"), dict.fromkeys(("happy", "sad"), 0.0), dict.fromkeys(("happy", "sad"), 0.0),
             ((1.0, 2.0),), 0.5, 0.5, "", "none", "none")  # fmt: skip


@pytest.fixture(scope="module")
def recogniser() -> NetworkRecogniser:
    """One that believes its baseline, and calls nothing strange."""
    torch.manual_seed(0)
    network = FusedRecogniser(Shape(labels=2, channels=(4, 4))).eval()
    network.usual.halfway.fill_(0.1)
    network.usual.gain.fill_(0.9)
    with torch.no_grad():
        network.gate.weight.zero_()
        network.gate.bias.fill_(-1.0)
    return NetworkRecogniser(network, _INFO)


def _frames(count: int, seed: int = 1, lean: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    frames = np.zeros((count, FRAME_SIZE), dtype=np.float32)
    phase = rng.uniform(0, 6, 3 * _J)
    frames[:, : 3 * _J] = rng.normal(0, 0.3, 3 * _J) + 0.1 * np.sin(np.arange(count)[:, None] * 0.2 + phase) + lean
    frames[:, 3 * _J : 4 * _J] = 1.0
    return frames


def _perform(recogniser, frames, evidence=None):
    evidence = recogniser.start() if evidence is None else evidence
    reading = None
    for frame in frames:
        reading, evidence = recogniser.step(frame, evidence)
    return reading, evidence


def _some(seed: int = 0, size: int = 7) -> Baseline:
    rng = np.random.default_rng(seed)
    shape = (len(CONTEXTS), size)
    return Baseline("set", rng.normal(0, 1, shape), rng.uniform(0, 2, shape), rng.uniform(1, 90, len(CONTEXTS)), 2.0)


def test_what_was_gathered_can_be_kept_and_brought_back(recogniser):
    """A show that starts from a kept baseline reads relative to it from the first frame; one without does not."""
    _, evidence = _perform(recogniser, _frames(400))
    kept = recogniser.baseline(evidence)
    assert kept.evidence_s == pytest.approx((400 - 20) / 30, rel=0.1)
    kept = baselines.from_bytes(baselines.to_bytes(baselines.vouch(kept)))
    frame = _frames(1, seed=5)[0]
    known, unknown = recogniser.step(frame, recogniser.start(kept))[0], recogniser.step(frame, recogniser.start())[0]
    assert abs(known.probs["happy"] - unknown.probs["happy"]) > 1e-4


def test_a_frozen_baseline_stays(recogniser):
    """Frozen, it is the same after ten seconds of another movement; followed again, it moves."""
    _, evidence = _perform(recogniser, _frames(300))
    before = recogniser.baseline(evidence)
    _, still = _perform(recogniser, _frames(300, seed=2, lean=0.2), recogniser.frozen(evidence))
    after = recogniser.baseline(still)
    assert after.frozen
    assert np.array_equal(before.mean, after.mean)
    assert np.array_equal(before.seconds, after.seconds)
    _, moved = _perform(recogniser, _frames(300, seed=2, lean=0.2), recogniser.frozen(still, freeze=False))
    assert not np.allclose(before.mean, recogniser.baseline(moved).mean)
    assert recogniser.baseline(recogniser.start(before, freeze=True)).frozen


def test_nobody_seen_teaches_nothing(recogniser):
    """With most joints unknown, the baseline stays empty."""
    frames = _frames(200)
    frames[:, 3 * _J : 3 * _J + 12] = 0.0
    _, evidence = _perform(recogniser, frames)
    assert recogniser.baseline(evidence).evidence_s == 0.0


def test_the_last_frame_is_described(recogniser):
    """Deviations raw and relative differ by what is usual, and the weight of evidence rises from nought."""
    start = recogniser.start()
    assert not recogniser.describe(start).any()
    _, evidence = _perform(recogniser, _frames(400))
    described = recogniser.describe(evidence)
    size = (len(described) - 1) // 2
    assert described.dtype == np.float32
    assert np.isfinite(described).all()
    assert not np.allclose(described[:size], described[size:-1])
    assert 0.0 < described[-1] < 1.0


def test_bytes_give_back_the_same():
    """Everything comes back but for single precision."""
    one = dataclasses.replace(_some(), frozen=True)
    two = baselines.from_bytes(baselines.to_bytes(one))
    assert (two.features, two.vouched, two.frozen) == (one.features, one.vouched, one.frozen)
    for name in ("mean", "spread", "seconds"):
        assert np.allclose(getattr(one, name), getattr(two, name), rtol=1e-6)
    assert baselines.to_bytes(two) == baselines.to_bytes(one)


def _read(data: bytes) -> tuple[Baseline | None, str]:
    try:
        return baselines.from_bytes(data, "anna.emotus"), ""
    except ProfileError as error:
        return None, str(error)


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_other_bytes_are_refused_in_one_line(junk, place, value):
    """Garbage and altered baselines raise ProfileError or give finite numbers, nothing else."""
    good = bytearray(baselines.to_bytes(_some()))
    good[place % len(good)] = value
    for data in (junk, bytes(good), bytes(good[:place])):
        found, said = _read(data)
        assert "\n" not in said
        assert found is None or np.isfinite(found.mean).all()


def test_merging_is_pooling():
    """The mean and variance of two merged baselines are those of all their rows together."""
    rng = np.random.default_rng(3)
    rows = [rng.normal(1, 2, (n, 5)) for n in (40, 10)]
    parts = [
        Baseline("set", np.tile(r.mean(0), (4, 1)), np.tile(r.var(0), (4, 1)), np.full(4, float(len(r)))) for r in rows
    ]
    both, every = baselines.merge(parts), np.concatenate(rows)
    assert np.allclose(both.mean, every.mean(0))
    assert np.allclose(both.spread, every.var(0))
    assert np.allclose(both.seconds, 50.0)


def test_what_does_not_fit_is_refused(recogniser):
    """Another feature set, numbers that are none, nothing to merge: one clear sentence each."""
    with pytest.raises(ProfileError, match="made with the features set"):
        recogniser.start(_some())
    own = recogniser.baseline(recogniser.start())
    broken = dataclasses.replace(own, mean=own.mean + np.nan)
    with pytest.raises(ProfileError, match="no performer gives"):
        recogniser.start(broken)
    with pytest.raises(ProfileError, match="none to merge"):
        baselines.merge([])


def _follower(size: int = 3) -> RunningBaseline:
    return RunningBaseline(size, 30.0, 240.0, 20.0)


def test_one_outburst_does_not_move_it():
    """Two seconds far out move the mean of two minutes by less than a twentieth of a plain mean's move."""
    calm = np.random.default_rng(0).normal(0, 0.2, (360, 3))
    where = np.tile([0.0, 1.0, 0.0, 0.0], (360, 1))
    before = baselines.update(baselines.empty("set", 3), calm, where, _follower())
    after = baselines.update(before, np.full((6, 3), 8.0), where[:6], _follower())
    moved = np.abs(after.mean - before.mean)[1].max()
    assert 0 < moved < 0.4 * 8.0 * 6 / 366


def test_what_lies_further_out_than_moods_go_is_hers():
    """A sensor that shifts a feature by five deviations is taken off nearly whole, within a minute of one mood."""
    where = np.tile([0.0, 1.0, 0.0, 0.0], (180, 1))
    found = baselines.update(baselines.empty("set", 3), np.full((180, 3), 5.0), where, _follower())
    usual = baselines.to_usual(found, _follower())
    assert float(usual.offset[0, 0]) > 0.8 * 5.0


def test_variety_is_evidence_and_time_alone_is_not():
    """Ten minutes of one mood are taken off by a quarter at most; a minute of four moods by twice that share."""
    where = np.tile([0.0, 1.0, 0.0, 0.0], (1800, 1))
    follower = _follower()
    long = baselines.update(baselines.empty("set", 3), np.full((1800, 3), 1.0), where, follower)
    moods = np.repeat([[-0.5], [0.0], [1.5], [3.0]], 60, axis=0) * np.ones(3)
    varied = baselines.update(baselines.empty("set", 3), moods, where[:240], follower)
    pulls = [baselines.to_usual(each, follower) for each in (long, varied)]
    shares = [float(each.offset[0, 0] / each.mean[0, 1, 0]) for each in pulls]
    assert shares[0] < 0.25
    assert shares[1] > 2 * shares[0]
