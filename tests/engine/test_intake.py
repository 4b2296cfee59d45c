"""The intake: whatever a sensor sends, what leaves is in order, once, finite and believable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from faults.checker import check_arrivals, check_stats
from hypothesis import given, settings
from hypothesis import strategies as st
from support.performers import walker

from emotus.engine.body import JOINT_INDEX
from emotus.engine.clock import NS_PER_MS, NS_PER_S
from emotus.engine.intake import Intake
from emotus.engine.pose import Hole, Pose

HAND = JOINT_INDEX["LeftHand"]


def take(intake, poses):
    return [arrival for pose in poses for arrival in intake.push(pose)]


def seqs(arrivals):
    return [arrival.seq for arrival in arrivals if isinstance(arrival, Pose)]


def holes(arrivals):
    return [arrival for arrival in arrivals if isinstance(arrival, Hole)]


def moved(pose, joint, to):
    positions = pose.positions.copy()
    positions[joint] = to
    return replace(pose, positions=positions)


def test_what_comes_in_order_passes_at_once_and_untouched():
    """Poses that come as they should leave in the same call, as the very same objects."""
    intake = Intake("anna")
    for pose in walker(50):
        (passed,) = intake.push(pose)
        assert passed is pose
    assert intake.stats().processed == 50


def test_what_overtook_is_put_back():
    """Poses that overtook each other leave in the order of their counter, with nothing dropped."""
    intake, poses = Intake("anna"), list(walker(12, rate_hz=240.0))
    order = [0, 3, 1, 2, 4, 8, 7, 6, 5, 11, 10, 9]
    out = take(intake, [poses[i] for i in order])
    assert out == poses
    assert sum(intake.stats().dropped.values()) == 0


def test_a_missing_pose_holds_the_others_at_most_50_ms():
    """After 50 ms of waiting the held poses leave, and the missing one is counted as lost."""
    intake, poses = Intake("anna"), list(walker(8, rate_hz=60.0))
    out = take(intake, poses[:3] + poses[4:6])
    assert seqs(out) == [0, 1, 2]
    assert intake.stats().held.used == 2
    arrived_ns = poses[4].t_ns
    assert intake.poll(arrived_ns + 49 * NS_PER_MS) == ()
    assert seqs(intake.poll(arrived_ns + 50 * NS_PER_MS)) == [4, 5]
    assert intake.stats().lost == 1
    check_stats(intake.stats())


def test_at_most_eight_wait():
    """The ninth pose that waits for a missing one is the last: all leave."""
    intake, poses = Intake("anna"), list(walker(12, rate_hz=1000.0))
    assert seqs(take(intake, poses[:2] + poses[3:11])) == [0, 1]
    assert intake.stats().held.used == 8
    assert seqs(intake.push(poses[11])) == [3, 4, 5, 6, 7, 8, 9, 10, 11]


def test_one_that_comes_too_late_is_dropped_and_no_longer_lost():
    """A pose whose turn is over is counted as late, not as lost and not as a duplicate."""
    intake, poses = Intake("anna"), list(walker(20, rate_hz=60.0))
    out = take(intake, poses[:5] + poses[6:15] + [poses[5]] + poses[15:])
    assert seqs(out) == [i for i in range(20) if i != 5]
    stats = intake.stats()
    assert (stats.dropped["late"], stats.dropped["duplicate"], stats.lost) == (1, 0, 0)


def test_duplicates_pass_once():
    """The second of two alike is dropped, whether the first has passed or still waits."""
    intake, poses = Intake("anna"), list(walker(8, rate_hz=240.0))
    out = take(intake, [poses[i] for i in (0, 0, 1, 2, 1, 4, 4, 3, 3, 4, 5, 6, 7, 2)])
    assert seqs(out) == list(range(8))
    assert intake.stats().dropped["duplicate"] == 6


def test_the_counter_wraps():
    """The counter goes from 2**32 - 1 to 0 in order, out of order and with duplicates."""
    intake, poses = Intake("anna"), list(walker(10, rate_hz=240.0, start_seq=2**32 - 5))
    out = take(intake, [poses[i] for i in (0, 1, 3, 2, 2, 6, 5, 4, 7, 9, 8)])
    assert out == poses


@pytest.mark.parametrize("restart_at", [0, 3, 10**6, 2**31 + 7])
def test_a_restarted_counter_is_followed_soon(restart_at):
    """A source that counts from elsewhere without a pause is followed within 16 poses."""
    intake = Intake("anna")
    poses = list(walker(500, rate_hz=60.0, start_seq=4000))
    again = [replace(pose, seq=restart_at + i) for i, pose in enumerate(poses[200:])]
    out = take(intake, poses[:200] + again)
    assert len(seqs(out)) >= 500 - 16
    check_stats(intake.stats())
    check_arrivals(out)


def test_a_restart_just_behind_is_followed():
    """A source that restarts after twenty poses is followed within 20 more."""
    intake, poses = Intake("anna"), list(walker(120, rate_hz=60.0))
    out = take(intake, poses[:20] + [replace(pose, seq=pose.seq - 20) for pose in poses[20:]])
    assert len(seqs(out)) >= 100


def test_a_source_that_counts_by_four_is_not_held_up():
    """A sample counter beside a reduced rate is seen to count by four; then poses pass at once and none is lost."""
    intake = Intake("anna")
    poses = [replace(pose, seq=4 * pose.seq) for pose in walker(100, rate_hz=60.0)]
    take(intake, poses[:50])
    assert all(intake.push(pose) == (pose,) for pose in poses[50:])
    assert intake.stats().lost == 0


def test_a_link_that_only_loses_is_not_waited_for():
    """After eight losses that nothing made good poses pass at once; the first that comes late brings waiting back."""
    intake, poses = Intake("anna"), list(walker(240, rate_hz=60.0))
    kept = [pose for pose in poses if pose.seq % 10 != 5]
    take(intake, kept[:100])
    assert all(intake.push(pose) == (pose,) for pose in kept[100:150])
    assert intake.push(poses[155]) == ()
    assert intake.stats().dropped["late"] == 1
    assert any(intake.push(pose) == () for pose in kept[150:170])


def test_times_stamped_on_arrival_stay_in_order():
    """Where overtaking packets were stamped on arrival, they carry the times in the order of their counter."""
    intake, poses = Intake("anna"), list(walker(6, rate_hz=240.0))
    times = [pose.t_ns for pose in poses]
    order = [0, 2, 1, 3, 5, 4]
    out = take(intake, [replace(poses[i], t_ns=t_ns) for i, t_ns in zip(order, times, strict=True)])
    assert seqs(out) == [0, 1, 2, 3, 4, 5]
    assert [pose.t_ns for pose in out] == times


@pytest.mark.parametrize(("missing", "hole"), [(3, False), (4, True)])
def test_gaps_up_to_100_ms_are_left_to_bridge(missing, hole):
    """Three poses missing at 30 Hz (100 ms) are bridged; four leave a Hole before the next pose."""
    intake, poses = Intake("anna"), list(walker(40))
    before, after = poses[:20], [replace(p, seq=p.seq - missing) for p in poses[20 + missing :]]
    out = take(intake, before + after)
    assert len(holes(out)) == intake.stats().holes == int(hole)
    assert intake.stats().interpolated == (0 if hole else missing)
    if hole:
        at = out.index(holes(out)[0])
        assert (out[at].from_ns, out[at].to_ns) == (poses[19].t_ns, out[at + 1].t_ns)


def test_silence_is_told_once_within_200_ms():
    """A stream that falls silent gives one Hole, and none again when it comes back."""
    intake, poses = Intake("anna"), list(walker(30))
    take(intake, poses)
    end_ns = poses[-1].t_ns
    told = [(t_ns, hole) for t_ns in range(end_ns, end_ns + NS_PER_S, 50 * NS_PER_MS) for hole in intake.poll(t_ns)]
    assert [(hole.from_ns, hole.reason) for _, hole in told] == [(end_ns, "silence")]
    assert told[0][0] - end_ns <= 200 * NS_PER_MS
    later = list(walker(5, start_ns=end_ns + 2 * NS_PER_S, start_seq=30))
    intake.poll(end_ns + 2 * NS_PER_S)
    assert take(intake, later) == later


def test_time_that_goes_back_or_stands_still_is_dropped():
    """Poses whose time does not rise are dropped and counted."""
    intake, poses = Intake("anna"), list(walker(10))
    poses[4] = replace(poses[4], t_ns=poses[3].t_ns)
    poses[6] = replace(poses[6], t_ns=0)
    out = take(intake, poses)
    assert seqs(out) == [0, 1, 2, 3, 5, 7, 8, 9]
    assert intake.stats().dropped["backwards"] == 2


def test_a_clock_that_went_back_is_followed():
    """When a source's clock itself restarts, its poses flow again, after a Hole and with rising times."""
    intake = Intake("anna")
    old = list(walker(60, start_ns=3600 * NS_PER_S))
    new = list(walker(60, start_seq=60))
    out = take(intake, old + new)
    assert [hole.reason for hole in holes(out)] == ["clock"]
    assert len(seqs(out)) == 120 - 16
    check_arrivals(out)


def test_one_time_from_the_future_changes_nothing():
    """A single pose stamped an hour ahead is dropped, and all others pass without a Hole."""
    intake, poses = Intake("anna"), list(walker(30))
    poses[10] = replace(poses[10], t_ns=poses[10].t_ns + 3600 * NS_PER_S)
    out = take(intake, poses)
    assert seqs(out) == [i for i in range(30) if i != 10]
    assert holes(out) == []
    assert intake.stats().dropped["implausible"] == 1


def test_a_teleport_is_believed_when_it_lasts():
    """Hips that jump for one frame are dropped; hips that stay where they jumped to go on after a Hole."""
    intake, poses = Intake("anna"), list(walker(40, rate_hz=60.0))
    poses[10] = replace(poses[10], positions=poses[10].positions + 5)
    poses[20:] = [replace(pose, positions=pose.positions + 5) for pose in poses[20:]]
    out = take(intake, poses)
    assert seqs(out) == [i for i in range(40) if i != 10]
    assert [(hole.reason, hole.to_ns) for hole in holes(out)] == [("teleport", poses[20].t_ns)]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e38, 5.0])
def test_a_bad_joint_is_masked_where_it_was(bad):
    """A joint that cannot be there keeps its place about the hips with confidence 0; nothing given is altered."""
    intake, poses = Intake("anna"), list(walker(30, rate_hz=60.0))
    poses[10] = moved(poses[10], HAND, bad)
    given = poses[10].positions.copy()
    out = take(intake, poses)
    assert np.array_equal(poses[10].positions, given, equal_nan=True)
    assert out[10].confidence[HAND] == 0
    assert out[10].confidence.sum() == 20
    np.testing.assert_allclose(out[10].positions - out[10].root, poses[9].positions - poses[9].root, atol=0.05)
    assert out[11] is poses[11]
    assert intake.stats().masked_joints == 1


def test_the_joint_that_moved_is_blamed_and_not_its_neighbours():
    """An elbow in the wrong place leaves shoulder and hand alone."""
    intake, poses = Intake("anna"), list(walker(3, rate_hz=60.0))
    elbow = JOINT_INDEX["RightLowerArm"]
    poses[2] = moved(poses[2], elbow, poses[2].positions[elbow] + np.array([0, 0.3, 0.3], dtype=np.float32))
    out = take(intake, poses)
    assert np.flatnonzero(out[2].confidence == 0).tolist() == [elbow]


def test_a_bad_first_pose_is_mended_from_the_rest_pose():
    """With nothing seen before, a bad joint is where it is at rest."""
    (out,) = Intake("anna").push(moved(next(walker(1)), HAND, np.nan))
    assert out.confidence[HAND] == 0
    np.testing.assert_allclose(out.positions, next(walker(1)).positions, atol=1e-6)


@pytest.mark.parametrize("joint", [0, slice(0, 12)])
def test_without_hips_or_most_joints_a_pose_is_useless(joint):
    """A pose whose hips or most joints are not finite is dropped and counted."""
    intake, poses = Intake("anna"), list(walker(5))
    poses[2] = moved(poses[2], joint, np.nan)
    assert seqs(take(intake, poses)) == [0, 1, 3, 4]
    assert intake.stats().dropped["unusable"] == 1


def test_rotations_are_made_unit():
    """A rotation that is none keeps its last value, or is the identity; others come out with unit length."""
    half = np.sqrt(np.float32(0.5))
    good = np.tile(np.array([half, half, 0, 0], dtype=np.float32), (21, 1))
    bad = good.copy()
    bad[3], bad[4], bad[5] = np.nan, 0.0, 2 * good[5]
    first, second = walker(2)
    intake = Intake("anna")
    (out,) = intake.push(replace(first, rotations=bad))
    np.testing.assert_allclose(out.rotations[[3, 4, 5]], [[1, 0, 0, 0], [1, 0, 0, 0], good[5]], atol=1e-6)
    intake.push(replace(second, rotations=good))
    (out,) = intake.push(replace(second, seq=2, t_ns=2 * second.t_ns, rotations=bad))
    np.testing.assert_allclose(out.rotations, good, atol=1e-6)
    assert intake.stats().masked_joints == 4


def test_joints_the_source_lacks_are_not_counted():
    """A joint that comes with confidence 0 and no place is given one, and is nobody's fault."""
    intake = Intake("anna")
    poses = [
        replace(moved(pose, HAND, np.nan), confidence=np.where(np.arange(21) == HAND, 0, 1).astype(np.float32))
        for pose in walker(20)
    ]
    check_arrivals(take(intake, poses))
    assert (intake.stats().masked_joints, intake.stats().processed) == (0, 20)


def test_another_performer_may_step_in():
    """After a pause of some seconds a performer of half the size is as good as the first."""
    intake = Intake("anna")
    adult = list(walker(30))
    child = [replace(p, positions=p.positions * np.float32(0.4)) for p in walker(30, start_ns=5 * NS_PER_S)]
    out = take(intake, adult + child)
    assert len(seqs(out)) == 60
    assert intake.stats().masked_joints == 0


def test_odd_proportions_are_not_masked():
    """A trunk whose bones are shared out oddly, as figures made for games have it, is left as it is."""
    odd = list(walker(60))
    spine, chest = JOINT_INDEX["Spine"], JOINT_INDEX["Chest"]
    for i, pose in enumerate(odd):
        positions = pose.positions.copy()
        positions[spine, 1] += 0.25
        positions[chest, 1] += 0.12
        odd[i] = replace(pose, positions=positions)
    intake = Intake("anna")
    assert take(intake, odd) == odd
    assert intake.stats().masked_joints == 0


def test_a_skeleton_that_breathes_is_not_masked():
    """Bones that vary by a third, as of a webcam, are left as they are."""
    intake, rng = Intake("anna"), np.random.default_rng(5)
    poses = [
        replace(p, positions=(p.root + (p.positions - p.root) * rng.uniform(0.8, 1.2)).astype(np.float32))
        for p in walker(300)
    ]
    assert take(intake, poses) == poses


@pytest.mark.parametrize("field", ["positions", "confidence", "rotations"])
def test_arrays_of_another_shape_are_malformed(field):
    """A pose whose arrays are not those of the body is dropped and counted."""
    intake = Intake("anna")
    assert intake.push(replace(next(walker(1)), **{field: np.zeros((17, 3), dtype=np.float32)})) == ()
    assert intake.stats().dropped["malformed"] == 1


def test_double_precision_becomes_single():
    """Arrays of float64 leave as float32, with what does not fit masked."""
    pose = next(walker(1))
    positions = pose.positions.astype(np.float64)
    positions[HAND] = 1e300
    (out,) = Intake("anna").push(replace(pose, positions=positions))
    assert out.positions.dtype == np.float32
    assert out.confidence[HAND] == 0


def test_flush_gives_back_what_is_held():
    """At the end of a stream the poses that wait for one that never came are passed on."""
    intake, poses = Intake("anna"), list(walker(6, rate_hz=240.0))
    take(intake, poses[:3] + poses[4:])
    assert seqs(intake.flush()) == [4, 5]
    assert intake.stats().held.used == 0


def test_reset_forgets_everything():
    """After a reset the same poses give the same again, and the counters are at 0."""
    intake, poses = Intake("anna"), list(walker(10))
    first = take(intake, poses)
    intake.reset()
    assert intake.stats().received == 0
    assert take(intake, poses) == first


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_comes_the_books_balance(data):
    """Any mixture of counters, times, places and polls leaves finite poses at rising times, all accounted for."""
    intake, poses, out = Intake("anna"), list(walker(12)), []
    for pose in data.draw(st.lists(st.sampled_from(poses), max_size=30)):
        seq = data.draw(st.sampled_from([pose.seq, pose.seq, pose.seq, 0, 7, 2**31, 2**32 - 1]))
        t_ns = data.draw(st.sampled_from([pose.t_ns, pose.t_ns, pose.t_ns, 0, pose.t_ns + 10**12]))
        bad = data.draw(st.sampled_from([None, None, None, np.nan, np.inf, 1e38, 20.0]))
        joint = data.draw(st.integers(0, 20))
        out += intake.push(replace(pose if bad is None else moved(pose, joint, bad), seq=seq, t_ns=t_ns))
        if data.draw(st.booleans()):
            out += intake.poll(t_ns)
        check_stats(intake.stats())
    out += intake.flush()
    check_arrivals(out)
    check_stats(intake.stats())
    assert intake.stats().held.used == 0
