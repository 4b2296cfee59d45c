"""The samples of a signature are the derivatives of known motions, wherever the body stands and whatever its size."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from support.movers import no_joint, poses_of, rows_of, style, waver
from support.performers import FULL, REST

from emotus.engine.body import JOINT_INDEX, MIRROR
from emotus.engine.errors import InputError
from emotus.engine.features import KNOWN_FROM
from emotus.engine.qualities_body import stature_m
from emotus.engine.signature_definition import Definition, definition_from
from emotus.engine.signature_samples import Sampler

HEIGHT_M = stature_m(REST, np.ones(21, dtype=bool))


def hand_column(definition: Definition) -> int:
    """Return the first column of the left hand."""
    return definition.columns()[0].index(JOINT_INDEX["LeftHand"])


@pytest.mark.parametrize(
    ("quantity", "factor"), [("gradient", 2), ("speed", 1), ("jerk", 3), ("velocity", 1), ("acceleration", 2)]
)
@pytest.mark.parametrize("smoothing", ["savgol", "butterworth", "none"])
def test_a_swing_has_the_derivatives_of_a_sine(quantity, factor, smoothing):
    """Of a slow sine the largest sample is amplitude times (2 pi f)^n over the height, within its smoothing."""
    definition = Definition(quantity=quantity, smoothing=smoothing, order=4)
    rows = rows_of(poses_of(waver(300, 0.5, 0.1)), definition)[20:]
    column = hand_column(definition) + (1 if quantity == "velocity" else 0)  # of a velocity, that upwards
    peak = 0.1 * (2 * math.pi * 0.5) ** factor / HEIGHT_M
    assert np.nanmax(rows[:, column]) == pytest.approx(peak, rel=0.04)
    assert (np.nanmin(rows[:, column]) < -0.9 * peak) == definition.signed


def test_an_angle_turns_as_fast_as_it_turns():
    """A forearm that turns at 2 rad/s about the elbow."""
    positions = np.repeat(REST[None], 60, axis=0).astype(np.float64)
    elbow, hand = JOINT_INDEX["LeftLowerArm"], JOINT_INDEX["LeftHand"]
    angle = 2.0 * np.arange(60) / 30
    positions[:, hand] = positions[:, elbow] + 0.25 * np.stack((np.cos(angle), np.sin(angle), 0 * angle), axis=1)
    definition = Definition(quantity="angular")
    assert rows_of(poses_of(positions), definition)[10:, hand_column(definition)] == pytest.approx(2.0, rel=0.01)


def test_place_heading_and_size_do_not_count():
    """A body twice as large, elsewhere, turned to another side gives the same samples; travelling evenly too."""
    for definition in (Definition(), Definition(about="world"), Definition(quantity="velocity")):
        plain = np.stack([pose.positions for pose in style("happy", 3.0)]).astype(np.float64)
        turned = plain @ np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]]) * 2 + (3.0, 0.0, -8.0)
        one, other = rows_of(poses_of(plain), definition), rows_of(poses_of(turned), definition)
        assert np.nanmax(np.abs(one - other)) < 0.02 * np.nanstd(one)


@pytest.mark.parametrize("definition", [Definition(), Definition(quantity="velocity"), Definition(quantity="angular")])
def test_a_mirrored_body_gives_the_samples_of_the_other_side(definition):
    """Left becomes right, and nothing else changes; outward stays outward."""
    plain = np.stack([pose.positions for pose in style("proud", 2.0)])
    mirrored = plain[:, list(MIRROR)] * (-1, 1, 1)
    one, other = rows_of(poses_of(plain), definition), rows_of(poses_of(mirrored), definition)
    limbs = [i for i, joint in enumerate(definition.columns()[0]) if MIRROR[joint] != joint]
    each = len(limbs) // 2  # the same number of columns on both sides, three a joint for a velocity
    joints = definition.columns()[0]
    step = 3 if definition.quantity == "velocity" else 1
    swap = [joints.index(MIRROR[joints[i]]) + (i - joints.index(joints[i])) for i in limbs]
    assert each % step == 0
    assert np.nanmax(np.abs(one[:, limbs] - other[:, swap])) < 1e-3 * np.nanmax(np.abs(one))


def test_what_is_not_known_gives_no_sample():
    """A joint never seen, one that comes back, a made-up frame, a NaN, hips that are lost."""
    definition = Definition()
    hand = hand_column(definition)
    assert np.isnan(rows_of(poses_of(waver(60, 1, 0.1), confidence=no_joint("LeftHand")))[:, hand]).all()
    poses = poses_of(waver(60, 1, 0.1))
    poses[30] = replace(poses[30], interpolated=True)
    rows = rows_of(poses)
    assert np.flatnonzero(np.isnan(rows[:, hand])).tolist() == [*range(6), *range(30, 37)]
    poses = poses_of(waver(60, 1, 0.1))
    broken = poses[30].positions.copy()
    broken[JOINT_INDEX["LeftHand"]] = np.nan
    poses[30] = replace(poses[30], positions=broken)
    rows = rows_of(poses)
    assert np.flatnonzero(np.isnan(rows[:, hand])).tolist() == [*range(6), *range(30, 37)]
    assert np.isnan(rows[10:]).sum() == 7
    assert np.isnan(rows_of(poses_of(waver(60, 1, 0.1), confidence=no_joint("Hips")))).all()
    assert KNOWN_FROM < 1.0 == FULL[0]


def test_nothing_is_computed_across_a_gap():
    """After a gap the differences begin anew: six frames of nothing, and no leap."""
    poses = poses_of(waver(40, 1, 0.1))
    sampler = Sampler(Definition())
    rows = [sampler.step(pose) for pose in poses[:20]]
    sampler.gap()
    rows += [sampler.step(pose) for pose in poses[25:]]
    empty = [i for i, row in enumerate(rows) if np.isnan(row).all()]
    assert empty == [*range(6), *range(20, 26)]


def test_trembling_far_too_fast_is_clipped():
    """A tracker that leaps by metres cannot outweigh a minute of dance."""
    assert np.nanmax(rows_of(poses_of(waver(60, 15.0 - 1e-3, 50.0)), Definition(smoothing="none"))) <= 500.0


@pytest.mark.parametrize(
    "wrong",
    [{"quantity": "mood"}, {"frames": 6}, {"order": 1}, {"frames": 3, "order": 3}, {"cutoff_hz": 20.0}, {"pool": "x"}],
)
def test_a_definition_that_cannot_be_computed_is_refused(wrong):
    """With what can be."""
    with pytest.raises(InputError, match="signature"):
        Definition(**wrong)


def test_a_definition_comes_back_from_plain_values():
    """And what is none is refused."""
    definition = Definition(quantity="jerk", scale="log")
    assert definition_from(definition.to_dict()) == definition
    assert definition.id != Definition().id
    for wrong in (None, {}, {**definition.to_dict(), "quantity": "mood"}, {**definition.to_dict(), "frames": "7"}):
        with pytest.raises(InputError):
            definition_from(wrong)


@pytest.mark.parametrize("quantity", ["gradient", "velocity", "jerk", "angular"])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_grid_goes_there_and_back(quantity, scale):
    """Every sample has one place on the grid, the larger the farther."""
    definition = Definition(quantity=quantity, scale=scale)
    samples = definition.squash(np.linspace(-40, 40, 101) if definition.signed else np.linspace(0, 40, 101))
    at = definition.position(samples)
    assert ((at >= 0) & (at <= 1)).all()
    assert (np.diff(at) > 0).all()
    assert definition.value(at) == pytest.approx(samples, abs=1e-9)
