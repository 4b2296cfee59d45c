"""Signatures: the same number as POT, exact where it can be, finite whatever comes in."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.movers import no_joint, poses_of, rows_of, style, waver
from support.performers import REST

from emotus.engine.body import JOINT_NAMES
from emotus.engine.errors import InputError
from emotus.engine.signature import by_chance, distance, signature_from, signature_of
from emotus.engine.signature_definition import Definition
from emotus.engine.signature_tally import MIN_SAMPLES, WIDTHS, Grid, effective_number, spread

ot = pytest.importorskip("ot")

BODY = Definition(pool="body")
DEFINITION = Definition()


def made_of(samples, name="a", definition=BODY):
    """Return the signature of plain samples (n,), as many a frame as there are columns."""
    columns = len(definition.columns()[0])
    rows = np.full((-(-len(samples) // columns), columns), np.nan)
    rows.reshape(-1)[: len(samples)] = samples
    return signature_of(name, definition, rows)


@settings(max_examples=40)
@given(st.integers(MIN_SAMPLES, 3000), st.integers(MIN_SAMPLES, 3000), st.floats(0.05, 1.2), st.integers(0, 99))
def test_the_distance_is_that_of_all_samples(n, m, sigma, seed):
    """Never more than POT's on all samples but for the width of a bin, and within 1 % and chance of it."""
    rng = np.random.default_rng(seed)
    u, v = rng.lognormal(1.0, sigma, n), rng.lognormal(1.5, 0.8, m)
    ours, theirs = distance(made_of(u), made_of(v)), ot.wasserstein_1d(u, v)
    assert ours.total <= theirs * 1.005 + 0.01
    assert ours.total >= theirs - max(0.01 * theirs, 0.2 * ours.by_chance) - 0.01


def test_the_distance_is_pots_on_the_quantiles():
    """Quantiles are samples, the widths of their levels their weights."""
    a, b = (signature_of(name, DEFINITION, rows_of(style(name, 6.0))) for name in ("happy", "sad"))
    found = distance(a, b)
    for i, group in enumerate(DEFINITION.groups):
        theirs = ot.wasserstein_1d(a.quantiles[i], b.quantiles[i], WIDTHS, WIDTHS)
        assert found.by_group[group] == pytest.approx(theirs, abs=1e-9)
    assert found.total == pytest.approx(np.mean(list(found.by_group.values())))


@settings(max_examples=40)
@given(st.lists(st.floats(0, 400), min_size=MIN_SAMPLES, max_size=300))
def test_quantiles_never_fall_and_keep_the_mean(samples):
    """Whatever the samples are; the mean to the width of a step."""
    made = made_of(np.array(samples))
    assert (np.diff(made.quantiles[0]) >= -1e-9).all()
    assert made.quantiles[0] @ WIDTHS == pytest.approx(np.mean(samples), abs=1e-6)


def test_the_least_samples_are_spread_over_their_own_levels():
    """What little lies in the lowest bin is not heaped on the level above it, which would then exceed all samples."""
    samples = [0.0] * 8 + [6.103515625e-05] + [1.0] * 27
    assert made_of(np.array(samples)).quantiles[0].max() == pytest.approx(1.0, abs=1e-6)
    still = made_of(np.full(36, 0.01))
    assert still.quantiles[0] == pytest.approx(0.01, abs=1e-6)


def test_what_enters_and_leaves_again_leaves_no_trace():
    """Counts and sums are whole numbers: a million samples later they are those they were."""
    grid = Grid(DEFINITION)
    rng = np.random.default_rng(0)
    counts, sums = grid.tally(rng.lognormal(size=(1000, 20)))
    more = grid.tally(rng.lognormal(size=(5000, 20)))
    assert np.array_equal(sums + more[1] - more[1], sums)
    back, n = grid.quantiles(counts + more[0] - more[0], sums + more[1] - more[1])
    assert np.array_equal(back, grid.quantiles(counts, sums)[0])
    assert n.tolist() == [4000] * 5


def test_styles_lie_apart_and_takes_of_one_together():
    """Far more than chance between styles; a fraction of that within one."""
    made = {name: [signature_of(name, DEFINITION, rows_of(style(name, 10.0, seed=s))) for s in (1, 2)]
            for name in ("happy", "sad")}  # fmt: skip
    between = distance(made["happy"][0], made["sad"][0])
    within = distance(*made["happy"])
    assert between.total > 2 * between.by_chance
    assert within.total < 0.25 * between.total


def test_half_the_speed_is_a_quarter_of_the_gradient():
    """Time stretched by two: the second derivative falls by four, so the distance is three quarters of the mean."""
    fast, slow = (rows_of(poses_of(waver(600, hz, 0.1))) for hz in (0.8, 0.4))
    a, b = (signature_of(name, DEFINITION, rows) for name, rows in (("fast", fast), ("slow", slow)))
    arm = DEFINITION.groups.index("left-arm")
    mean = a.quantiles[arm] @ WIDTHS
    assert distance(a, b).by_group["left-arm"] == pytest.approx(0.75 * mean, rel=0.02)


def test_a_part_that_is_never_seen_is_unknown():
    """It is left out of the distance; nothing in common is an error that names both."""
    leg = [f"Left{name}" for name in ("UpperLeg", "LowerLeg", "Foot", "Toes")]
    whole = np.stack([pose.positions for pose in style("happy", 4.0)])
    a = signature_of("whole", DEFINITION, rows_of(poses_of(whole)))
    b = signature_of("part", DEFINITION, rows_of(poses_of(whole, confidence=no_joint(*leg))))
    assert set(a.known) - set(b.known) == {"left-leg"}
    assert "left-leg" not in distance(a, b).by_group
    assert distance(a, b).total == pytest.approx(0, abs=1e-3)  # the stature is taken from the bones that are seen
    others = [name for name in JOINT_NAMES if name not in leg and name != "Hips"]
    c = signature_of("legs", DEFINITION, rows_of(poses_of(whole, confidence=no_joint(*others))))
    assert c.known == ("left-leg",)
    with pytest.raises(InputError, match="no part in common with legs"):
        distance(b, c)


def test_two_frames_and_nothing_are_refused_in_one_line():
    """With the name, and what would be enough."""
    for rows in (rows_of(poses_of(waver(2, 1, 0.1))), np.zeros((0, 20))):
        with pytest.raises(InputError, match="short: 0 frames"):
            signature_of("short", DEFINITION, rows)


def test_a_constant_pose_has_a_signature_of_stillness():
    """All its samples are nothing; it is worth a single frame; distances to it are finite."""
    still = signature_of("still", DEFINITION, rows_of(poses_of(np.repeat(REST[None], 90, axis=0))))
    assert still.quantiles.max() == 0
    assert still.effective == 1.0
    assert distance(still, still).total == 0
    moving = signature_of("moving", DEFINITION, rows_of(style("angry", 4.0)))
    assert math.isfinite(distance(still, moving).by_chance)
    assert distance(still, moving).total == pytest.approx((moving.quantiles @ WIDTHS).mean())


def test_another_definition_is_refused_by_both_names():
    """Their definitions are told too."""
    rows = rows_of(style("happy", 3.0))
    a = signature_of("anna", DEFINITION, rows)
    b = signature_of("ben", Definition(scale="log"), rows_of(style("happy", 3.0), Definition(scale="log")))
    with pytest.raises(InputError, match=r"anna.*linear.*ben.*log"):
        distance(a, b)


def test_a_signature_comes_back_from_plain_values_bit_by_bit():
    """Through JSON; an unknown part stays unknown."""
    whole = np.stack([pose.positions for pose in style("happy", 3.0)])
    made = signature_of("x", DEFINITION, rows_of(poses_of(whole, confidence=no_joint("LeftFoot", "LeftToes", "Head"))))
    back = signature_from(json.loads(json.dumps(made.to_dict())))
    assert np.array_equal(back.quantiles, made.quantiles, equal_nan=True)
    assert (back.name, back.counts, back.effective) == (made.name, made.counts, made.effective)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"definition": None}, {"quantiles": []}, {"quantiles": [[1.0]] * 5}, {"counts": "x"},
        {"quantiles": [None] * 5}, {"effective": float("nan")}, {"seconds": None}, {"effective": 0},
        {"quantiles": [[float("nan")] * 96] * 4 + [[1.0, float("inf")] * 48]}, {"quantiles": [[2.0, 1.0] * 48] * 5},
    ],
)  # fmt: skip
def test_what_is_no_signature_is_refused(change):
    """Of another version, of another shape, with numbers that are none."""
    plain = signature_of("x", DEFINITION, rows_of(style("happy", 3.0))).to_dict()
    with pytest.raises(InputError, match="vault"):
        signature_from({**plain, **change}, "vault")


def test_the_effective_number_is_that_of_the_process():
    """White noise is worth all its samples, an AR(1) of rho its share (1 - rho) / (1 + rho), a constant one."""
    rng = np.random.default_rng(1)
    white = rng.normal(size=(4000, 3))
    assert effective_number(white) == pytest.approx(4000, rel=0.1)
    slow = np.zeros_like(white)
    for i in range(1, len(slow)):
        slow[i] = 0.9 * slow[i - 1] + white[i]
    assert effective_number(slow) == pytest.approx(4000 * 0.1 / 1.9, rel=0.25)
    assert effective_number(np.ones((50, 2))) == 1.0
    assert effective_number(np.full((50, 2), np.nan)) == 1.0


def test_chance_is_as_large_as_said():
    """Of independent samples of one distribution the mean distance is what `by_chance` tells, within a tenth."""
    rng = np.random.default_rng(2)
    found = [ot.wasserstein_1d(rng.gamma(2, size=300), rng.gamma(2, size=500)) for _ in range(200)]
    wide = float(spread(made_of(rng.gamma(2, size=4000)).quantiles)[0])
    assert by_chance(wide, 300, 500) == pytest.approx(np.mean(found), rel=0.1)
