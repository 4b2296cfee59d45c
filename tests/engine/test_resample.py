"""Resampling: any rate in, exactly the model's rate out, and every value at its time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp
from support.performers import walker

from emotus.engine.clock import NS_PER_MS, NS_PER_S
from emotus.engine.pose import Hole, Pose
from emotus.engine.resample import Resampler

PERIOD_NS = NS_PER_S / 30
FULL = np.ones(21, dtype=np.float32)


def run(poses, resampler=None):
    resampler = resampler or Resampler(30.0)
    return [(pose, frame) for pose in poses for frame in resampler.push(pose)]


def frames(poses):
    return [frame for _, frame in run(poses)]


def swinging(times_ns, hz=1.0, noise_m=0.0, seed=0):
    """Yield poses whose joints all swing by a metre at hz, at the given times."""
    rng = np.random.default_rng(seed)
    for seq, t_ns in enumerate(times_ns):
        value = np.sin(2 * np.pi * hz * t_ns / NS_PER_S)
        positions = (value + rng.normal(0, noise_m, (21, 3))).astype(np.float32)
        yield Pose("anna", seq, int(t_ns), positions, FULL)


def regular(rate_hz, seconds=4.0):
    return np.round(np.arange(seconds * rate_hz) / rate_hz * NS_PER_S)


@pytest.mark.parametrize("rate_hz", [29.5, 29.97, 30.0, 30.5])
def test_a_source_at_our_rate_passes_untouched(rate_hz):
    """About thirty poses a second, jittering by less than two milliseconds, leave as the very same objects."""
    rng = np.random.default_rng(1)
    poses = list(swinging(regular(rate_hz) + rng.uniform(-0.7e6, 0.7e6, round(4 * rate_hz))))
    assert all(pose is frame for pose, frame in run(poses))
    assert len(frames(poses)) == len(poses)


@pytest.mark.parametrize("rate_hz", [20.0, 25.0, 28.0, 32.5, 50.0, 60.0, 90.0, 100.0, 120.0, 125.0, 240.0])
def test_frames_leave_at_our_rate_at_their_time(rate_hz):
    """Frames lie on an even grid, one period apart, and each holds where the joints were at its time to 5 ms."""
    out = frames(swinging(regular(rate_hz)))
    times = np.array([frame.t_ns for frame in out])
    assert len(out) == pytest.approx(120, abs=2)
    assert np.abs(np.diff(times) - PERIOD_NS).max() <= 1
    values = np.array([frame.positions[0, 0] for frame in out])
    lag_s = np.abs(values - np.sin(2 * np.pi * times / NS_PER_S)) / (2 * np.pi)  # at most: error by the top speed
    assert lag_s.max() <= 0.005


@pytest.mark.parametrize("rate_hz", [25.0, 29.5, 60.0, 61.3, 125.0, 240.0])
def test_delay_does_not_creep(rate_hz):
    """After two minutes frames leave as soon after their time as at the start, within a period and a half."""
    pairs = run(swinging(regular(rate_hz, 120.0)))
    delays = np.array([pose.t_ns - frame.t_ns for pose, frame in pairs])
    assert delays.max() <= 0.5 * PERIOD_NS + NS_PER_S / rate_hz
    assert delays[-600:].mean() <= delays[:600].mean() + 0.1 * PERIOD_NS


@pytest.mark.parametrize("rate_hz", [30.0, 60.0, 120.0])
def test_jitter_is_taken_out(rate_hz):
    """With times off by 5 ms (one sigma) frames lie on the grid and are right to 5 ms in 99 of 100."""
    rng = np.random.default_rng(2)
    times = np.unique(np.maximum.accumulate(regular(rate_hz, 60.0) + rng.normal(0, 5e6, round(60 * rate_hz))))
    out = frames(swinging(times))
    assert len(out) == pytest.approx(1800, abs=3)
    at = np.array([frame.t_ns for frame in out])
    gaps = np.diff(at)
    assert np.abs(gaps - PERIOD_NS).max() <= 2 * NS_PER_MS
    assert (gaps > 0).all()
    errors_s = np.abs([f.positions[0, 0] - np.sin(2 * np.pi * f.t_ns / NS_PER_S) for f in out]) / (2 * np.pi)
    assert np.percentile(errors_s, 99) <= 0.005


@pytest.mark.parametrize(("rate_hz", "factor"), [(60.0, 0.65), (120.0, 0.5), (240.0, 0.36)])
def test_faster_sources_are_less_noisy(rate_hz, factor):
    """Averaging lets through no more of the noise of single poses than the root of their number says."""
    out = frames(swinging(regular(rate_hz, 60.0), hz=0.0, noise_m=0.01))
    assert np.std([frame.positions for frame in out[2:]]) <= factor * 0.01


def test_what_repeats_at_our_rate_does_not_alias():
    """A tremble of the sensor at 30 and 60 Hz, invisible at thirty frames a second, vanishes instead of aliasing."""
    for hz in (30.0, 60.0):
        values = np.array([frame.positions[0, 0] for frame in frames(swinging(regular(240.0) + 1e6, hz=hz))])
        assert np.abs(values[2:]).max() <= 0.01


def test_rotations_follow_slerp():
    """Interpolated and averaged rotations are within a tenth of a degree of slerp, whatever the signs."""
    rng = np.random.default_rng(3)
    ends = Rotation.random(21, random_state=4)
    turn = Rotation.from_rotvec(rng.normal(size=(21, 3)) * 2.0)  # about 200 degrees a second

    def at(t_s):
        q = (ends * turn**t_s).as_quat()[:, [3, 0, 1, 2]]
        return (q * rng.choice([-1, 1], (21, 1))).astype(np.float32)

    for rate_hz in (25.0, 60.0, 120.0):
        poses = [
            Pose("a", i, int(t), np.zeros((21, 3), np.float32), FULL, rotations=at(t / NS_PER_S))
            for i, t in enumerate(regular(rate_hz, 1.0))
        ]
        for frame in frames(poses)[1:]:
            want = ends * turn ** (frame.t_ns / NS_PER_S)
            got = Rotation.from_quat(frame.rotations[:, [1, 2, 3, 0]].astype(np.float64))
            assert np.degrees((want.inv() * got).magnitude()).max() < 0.1


def test_our_interpolation_is_slerps():
    """Halfway between two turns of 15 degrees our rotation is scipy's slerp to a thousandth of a degree."""
    ends = Rotation.from_euler("x", [[0], [15]], degrees=True)
    q = [np.tile(e.as_quat()[[3, 0, 1, 2]].astype(np.float32), (21, 1)) for e in ends]
    zeros = np.zeros((21, 3), np.float32)
    poses = [Pose("a", i, i * 40 * NS_PER_MS, zeros, FULL, rotations=q[i]) for i in range(2)]
    frame = frames(poses)[1]
    want = Slerp([0, 0.04], ends)(frame.t_ns / NS_PER_S)
    got = Rotation.from_quat(frame.rotations[0, [1, 2, 3, 0]].astype(np.float64))
    assert np.degrees((want.inv() * got).magnitude()) < 0.05


@pytest.mark.parametrize("rate_hz", [25.0, 30.0, 60.0, 125.0])
def test_frames_over_missing_poses_are_marked(rate_hz):
    """A stretch of 100 ms without poses is bridged by frames marked interpolated, and only these are."""
    poses = list(swinging(regular(rate_hz)))
    start_ns, end_ns = NS_PER_S, NS_PER_S + 100 * NS_PER_MS
    out = frames([pose for pose in poses if not start_ns < pose.t_ns < end_ns])
    marked = [frame.t_ns for frame in out if frame.interpolated]
    assert 2 <= len(marked) <= 4
    half_ns = PERIOD_NS / 2 + NS_PER_S / rate_hz
    assert start_ns - half_ns <= min(marked)
    assert max(marked) <= end_ns + half_ns
    assert len(out) == pytest.approx(120, abs=2)


def test_a_quarter_lost_leaves_the_rate_alone():
    """With a quarter of the poses lost frames still leave at our rate, each at its time."""
    rng = np.random.default_rng(7)
    for rate_hz in (30.0, 60.0):
        kept = [pose for pose in swinging(regular(rate_hz, 20.0)) if rng.random() > 0.25]
        times = np.array([frame.t_ns for frame in frames(kept)])
        assert np.abs(np.diff(times) - PERIOD_NS).max() <= 2 * NS_PER_MS


def test_confidence_is_the_least_of_those_used():
    """A joint unseen in one of the poses behind a frame is unseen in the frame."""
    poses = list(swinging(regular(60.0, 1.0)))
    unseen = FULL.copy()
    unseen[8] = 0
    poses[20] = replace(poses[20], confidence=unseen)
    out = frames(poses)
    hidden = [frame.t_ns for frame in out if frame.confidence[8] == 0]
    assert 1 <= len(hidden) <= 2
    assert all(abs(t_ns - poses[20].t_ns) <= PERIOD_NS for t_ns in hidden)


def test_a_hole_starts_a_new_grid():
    """A Hole passes on, the next pose leaves at once, nothing mixes across, and seq goes on by one."""
    before, after = list(walker(20, rate_hz=60.0)), list(walker(20, rate_hz=60.0, start_ns=10 * NS_PER_S + 7))
    hole = Hole("anna", before[-1].t_ns, after[0].t_ns, "gap")
    out = frames([*before, hole, *after])
    at = out.index(hole)
    assert np.array_equal(out[at + 1].positions, after[0].positions)
    assert out[at + 1].t_ns == after[0].t_ns
    numbers = [frame.seq for frame in out if isinstance(frame, Pose)]
    assert numbers == list(range(len(numbers)))


def test_times_rise_when_the_rate_changes():
    """A source that goes from 120 to 30 to 60 to 25 poses a second gives rising times without a jump."""
    rates = [120.0] * 120 + [30.0] * 60 + [60.0] * 60 + [25.0] * 60
    times = np.cumsum([0, *(NS_PER_S / rate for rate in rates)])
    gaps = np.diff([frame.t_ns for frame in frames(swinging(times))])
    assert gaps.min() > 0
    assert gaps.max() < 1.6 * PERIOD_NS


def test_no_time_no_frame_and_reset():
    """A pose at the time of the last gives nothing; after a reset seq starts from the next pose's."""
    resampler = Resampler(30.0)
    pose = next(walker(1, start_seq=5))
    assert resampler.push(pose) == (pose,)
    assert resampler.push(pose) == ()
    resampler.reset()
    other = replace(pose, seq=77)
    assert resampler.push(other) == (other,)
