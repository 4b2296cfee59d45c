"""The room: who moves like whom, how much together; only of those who may be compared, and nothing kept of who left."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support.performers import walker

from emotus.engine.clock import ManualClock
from emotus.engine.events import PoseEvent, QualitiesEvent
from emotus.engine.group import LAG_S, MOST, STREAM, TOGETHER_S, Group, _best, synchrony
from emotus.engine.pipeline import Engine
from emotus.engine.signature import distance, signature_of
from emotus.engine.signature_definition import Definition
from emotus.engine.signature_samples import Sampler

RATE_HZ = Definition().rate_hz


def smooth(rng, frames: int) -> np.ndarray:
    return np.convolve(rng.normal(size=frames + 20), np.ones(9) / 9, "same")[10:-10]


def told(engine: Engine, *people) -> list[QualitiesEvent]:
    events = [event for frames in zip(*people, strict=True) for pose in frames for event in engine.step(pose)]
    return [event for event in events if event.stream == STREAM]


def people(count: int, frames: int, **options) -> list[list]:
    return [list(walker(frames, rate_hz=30.0, stream=f"p{k}", **options)) for k in range(count)]


def test_who_follows_is_together_and_who_moves_alone_is_not():
    """A copy a quarter of a second late is wholly together; of fifty strangers hardly one seems half so."""
    rng = np.random.default_rng(0)
    lead = smooth(rng, 480)
    late = np.roll(lead, 7) + 0.02 * smooth(rng, 480)
    assert synchrony(lead, late, RATE_HZ) > 0.8
    strangers = [synchrony(smooth(rng, 480), smooth(rng, 480), RATE_HZ) for _ in range(50)]
    print(f"synchrony of strangers: mean {np.mean(strangers):.2f}, most {max(strangers):.2f}")
    assert np.mean(strangers) < 0.2


def test_the_same_beat_out_of_step_is_not_being_together():
    """Two who keep the same tempo, always: what they show out of time is as much, and is taken off."""
    t = np.arange(480) / RATE_HZ
    assert synchrony(np.sin(6 * t), np.sin(6 * t + 1), RATE_HZ) == pytest.approx(0.0, abs=0.05)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
def test_synchrony_is_a_share_whatever_the_scale(seed, offset, scale):
    """Always within 0 to 1, the same for both, blind to where and how large the signals are, finite for stillness."""
    rng = np.random.default_rng(seed)
    one, other = smooth(rng, 480), smooth(rng, 480)
    found = synchrony(one, other, RATE_HZ)
    assert 0.0 <= found <= 1.0
    assert synchrony(one * scale + offset, other, RATE_HZ) == pytest.approx(found, abs=1e-4)
    assert synchrony(np.zeros(480), other, RATE_HZ) == 0.0


def test_the_best_lag_is_scipys():
    """Each correlation is Pearson's, and the greatest of all lags is taken."""
    rng = np.random.default_rng(3)
    part, around = smooth(rng, 120), smooth(rng, 150)
    wanted = max(stats.pearsonr(part, around[k : k + 120]).statistic for k in range(31))
    assert _best(part, around, 15) == pytest.approx(wanted, abs=1e-12)
    assert synchrony(part, part, RATE_HZ) is None  # too short to tell
    assert TOGETHER_S > LAG_S


def test_the_distance_of_two_is_that_of_their_signatures():
    """What the room says of two performers is what the offline signatures of the same ten seconds say."""
    mine = people(2, 330)
    mine[1] = [
        dataclasses.replace(p, positions=p.positions * np.float32(1.0 + 0.1 * np.sin(k / 3)))
        for k, p in enumerate(mine[1])
    ]
    group, definition = Group(), Definition()
    samplers, rows = [Sampler(definition), Sampler(definition)], [[], []]
    said = None
    for frames in zip(*mine, strict=True):
        for k, pose in enumerate(frames):
            rows[k].append(samplers[k].step(pose))
            event = PoseEvent(pose.stream, pose.seq, pose.t_ns, pose.positions, pose.confidence, pose.rotations)
            found = group.step(event)
            if found is not None:
                said = found, [np.array(each[-300:]) for each in rows]
    event, last = said
    wanted = distance(*(signature_of(name, definition, each) for name, each in zip("ab", last, strict=True))).total
    assert event.values["distance_p0_p1"] == pytest.approx(wanted, rel=0.02)
    assert event.values["distance_p0_p1"] > 0


def test_the_engine_tells_once_a_second_and_only_of_those_who_may_be_compared():
    """Three on the stage, one of whom did not consent to signatures: the room knows two."""
    engine = Engine(None, ManualClock(), live=False, group=Group(), may_sign=lambda stream: stream != "p1")
    events = told(engine, *people(3, 300))
    assert 8 <= len(events) <= 11
    assert {name for event in events for name in event.values if "p1" in name} == set()
    assert events[-1].values["performers"] == 2.0
    assert events[-1].values["distance_p0_p2"] == pytest.approx(0.0, abs=0.1)  # one walk, a frame apart
    times = [event.t_ns for event in events]
    assert all(b > a for a, b in zip(times, times[1:], strict=False))


def test_who_leaves_is_forgotten_and_one_alone_is_no_room():
    """After she is sent off nothing of her is compared; with one left nothing is told."""
    engine = Engine(None, ManualClock(), live=False, group=Group())
    first, second = people(2, 240)
    assert told(engine, first[:120], second[:120])
    engine.forget("p1")
    assert [e for pose in first[120:] for e in engine.step(pose) if e.stream == STREAM] == []
    assert told(Engine(None, ManualClock(), live=False), first[:60], second[:60]) == []  # not asked for


def test_a_crowd_is_bounded():
    """At most eight are compared; of the others it is counted that they are not."""
    group = Group()
    for pose in (each[0] for each in people(MOST + 3, 1)):
        group.step(PoseEvent(pose.stream, pose.seq, pose.t_ns, pose.positions, pose.confidence))
    assert group.left_out == 3
    assert len(group._members) == MOST
