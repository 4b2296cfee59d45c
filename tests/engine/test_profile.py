"""A profile: what is kept of a performer, the same after a round through bytes, and no use to anybody else."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.engine.baseline import CONTEXTS, Baseline
from emotus.engine.errors import ProfileError
from emotus.engine.profile import MOST_TAKES, Profile, describe, from_bytes, new_profile, to_bytes
from emotus.engine.swap import BONES, Proportions
from emotus.engine.taught import TaughtTake

RNG = np.random.default_rng(3)


def take(label: str = "joy", number: int = 1) -> TaughtTake:
    rows = RNG.normal(size=(8, 40)).astype(np.float32)
    return TaughtTake(label, rows, "f 1", f"id{number}", f"take {number}", 20.0)


def full() -> Profile:
    """Return a profile with something of everything in it."""
    c = len(CONTEXTS)
    baseline = Baseline("f 1", RNG.normal(size=(c, 40)), RNG.random((c, 40)), np.array([3.0, 30.0, 9.0, 0.5]), 2.5)
    mean = RNG.normal(size=BONES)
    mean[3] = np.nan
    deviation = np.where(np.isnan(mean), np.nan, 0.01)
    return Profile(
        "0123456789abcdef", 1e9, 1.1e9, "bandai-stgcn", "ab" * 32, baseline, Proportions(mean, deviation, 60),
        (take(), take("storm", 2)), {"unknown": 0.4}, b"signature",
    )  # fmt: skip


def test_a_profile_is_the_same_after_a_round_through_bytes():
    """Everything in it comes back, what was never seen as NaN again."""
    one = full()
    other = from_bytes(to_bytes(one))
    assert (other.subject, other.model, other.sha256) == (one.subject, one.model, one.sha256)
    assert (other.created_s, other.updated_s) == (one.created_s, one.updated_s)
    assert (other.thresholds, other.signature, other.labels) == (one.thresholds, one.signature, {"joy": 1, "storm": 1})
    assert np.allclose(other.baseline.mean, one.baseline.mean, atol=1e-6)
    assert np.array_equal(other.body.mean, one.body.mean, equal_nan=True)
    for mine, theirs in zip(one.takes, other.takes, strict=True):
        assert np.array_equal(mine.rows, theirs.rows)
        assert (mine.label, mine.take_id, mine.name, mine.seconds) == (
            theirs.label, theirs.take_id, theirs.name, theirs.seconds,
        )  # fmt: skip


def test_an_empty_profile_is_one_too_and_names_nobody():
    """Before the first warm-up there is a pseudonym, a model, and nothing else; no two pseudonyms are alike."""
    one, other = (new_profile("m", "0" * 64, 5.0) for _ in range(2))
    assert one.subject != other.subject
    again = from_bytes(to_bytes(one))
    assert again.baseline is None
    assert again.body is None
    assert again.takes == ()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 4000), st.integers(0, 255))
def test_anything_else_is_a_profile_error(data, at, byte):
    """Rubbish, cut and altered profiles give a profile or one documented error."""
    whole = bytearray(to_bytes(full()))
    whole[at % len(whole)] = byte
    for candidate in (data, bytes(whole), bytes(whole[:at])):
        with contextlib.suppress(ProfileError):
            assert isinstance(from_bytes(candidate, "anna.emotus"), Profile)


def test_another_version_and_another_model_say_so():
    """Each names what was found and what was wanted, and how to mend it."""
    data = to_bytes(full()).replace(b"\xa7version\x01", b"\xa7version\x07", 1)
    with pytest.raises(ProfileError, match="is of version 7, and this emotus reads 1"):
        from_bytes(data, "anna.emotus")
    with pytest.raises(ProfileError, match=r"^anna\.emotus: was made with the model bandai-stgcn \(abababab\), not"):
        full().require_model("other", "cd" * 32, "anna.emotus")


def test_takes_come_and_go_by_number():
    """They are counted from 1, there is an end to them, and a number there is not is an error."""
    profile = full()
    assert [each.label for each in profile.without_take(1).takes] == ["storm"]
    assert [each.label for each in profile.with_take(take("calm", 3)).takes] == ["joy", "storm", "calm"]
    for number in (0, 3, -1):
        with pytest.raises(ProfileError, match="has no take"):
            profile.without_take(number)
    while len(profile.takes) < MOST_TAKES:
        profile = profile.with_take(take())
    with pytest.raises(ProfileError, match="takes are in it"):
        profile.with_take(take())


def test_what_is_shown_of_it_tells_nothing_of_a_body():
    """Labels, takes, seconds and the model are shown, and not one number of a body or a movement."""
    profile = full()
    text = "\n".join(describe(profile))
    assert "42 s of evidence (still 3 s, walking 30 s, gesturing 9 s" in text
    assert "take 2: 'storm', 20.0 s, take 2" in text
    assert f"{profile.body.mean[0]:.3f}" not in text
    assert f"{profile.baseline.mean[0, 0]:.3f}" not in text
