"""The live signature: equal to that of the same window offline, in bounded memory, and it finds its reference."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from support.movers import poses_of, rows_of, style
from support.performers import REST

from emotus.engine.clock import NS_PER_S, ManualClock
from emotus.engine.errors import InputError
from emotus.engine.events import SignatureEvent
from emotus.engine.pipeline import Engine
from emotus.engine.pose import Hole
from emotus.engine.signature import distance, signature_of
from emotus.engine.signature_definition import Definition
from emotus.engine.signature_references import make_references
from emotus.engine.signature_tracker import SignatureTracker

ot = pytest.importorskip("ot")

DEFINITION = Definition()
NAMES = ("happy", "sad", "angry")


@pytest.fixture(scope="module")
def made():
    """Return a signature of twenty seconds of each style."""
    return [signature_of(name, DEFINITION, rows_of(style(name, 20.0, seed=5)), name) for name in NAMES]


@pytest.fixture(scope="module")
def references(made):
    """Return them as references."""
    return make_references(made)


def follow(tracker, poses):
    """Return the tracker's events."""
    return [event for event in map(tracker.step, poses) if event is not None]


@pytest.mark.parametrize("frames", [45, 300, 301, 700, 2000])
def test_live_equals_offline_on_the_same_window(references, made, frames):
    """Distances of all windows after any number of frames, the samples of many frames having come and gone."""
    poses = style("proud", frames / 30.0, seed=2)[:frames]
    tracker = SignatureTracker(references)
    last = follow(tracker, poses)[-1]
    rows = rows_of(poses)
    for seconds, told in ((10.0, last.distances), *((float(s), d) for s, d in last.windows.items())):
        if seconds == 10.0:  # read at every frame; the others lag by up to three
            offline = signature_of("window", DEFINITION, rows[-round(seconds * 30) :])
            assert told == pytest.approx({each.name: distance(offline, each).total for each in made}, abs=1e-6)
    for window, seconds in enumerate((2.0, 10.0, 60.0)):
        offline = signature_of("window", DEFINITION, rows[-round(seconds * 30) :])
        live = tracker.signature("live", window)
        assert live.quantiles == pytest.approx(offline.quantiles, abs=1e-6)
        assert live.counts == offline.counts
        assert live.effective == pytest.approx(offline.effective, rel=1e-6)


def test_the_distance_told_is_pots_on_all_samples(references):
    """On the samples of window and reference themselves, within half a per cent."""
    poses = style("neutral", 12.0, seed=2)
    told = follow(SignatureTracker(references), poses)[-1].distances
    groups = np.array(DEFINITION.columns()[1])
    live = rows_of(poses)[-300:]
    for name in NAMES:
        rows = rows_of(style(name, 20.0, seed=5))
        rows = rows[~np.isnan(rows).any(axis=1)]
        theirs = [ot.wasserstein_1d(live[:, groups == g].ravel(), rows[:, groups == g].ravel()) for g in range(5)]
        assert told[name] == pytest.approx(np.mean(theirs), rel=5e-3)


def test_the_dot_moves_to_whom_she_moves_like(references):
    """Sad, then angry: within the window the nearest changes, and the place is that reference's."""
    poses = [*style("sad", 15.0, seed=9), *style("angry", 15.0, seed=9)]
    poses = [replace(pose, seq=i, t_ns=round(i * NS_PER_S / 30)) for i, pose in enumerate(poses)]
    events = follow(SignatureTracker(references), poses)
    before, after = (next(event for event in events if event.seq == seq) for seq in (449, 899))
    assert (before.nearest, before.label, after.nearest) == ("sad", "sad", "angry")
    for event in (before, after):
        place = references.plane.points[NAMES.index(event.nearest)]
        assert np.linalg.norm(np.subtract(event.xy, place)) < 0.25 * references.matrix.max()
        assert event.confidence > 0.5
    assert before.cluster == references.clusters[1]


def test_a_swap_of_persons_is_seen_within_five_seconds(references):
    """The short window's nearest is the other one, and the drift is far beyond chance."""
    poses = [*style("sad", 30.0, seed=9), *style("angry", 5.0, seed=9)]
    poses = [replace(pose, seq=i, t_ns=round(i * NS_PER_S / 30)) for i, pose in enumerate(poses)]
    events = {event.seq: event for event in follow(SignatureTracker(references), poses)}
    assert events[899].drift < 1.5
    short = {seq: events[seq].windows["2"] for seq in range(900, 1050)}
    swapped = [seq for seq, distances in short.items() if min(distances, key=distances.get) == "angry"]
    assert swapped[0] - 900 <= 3 * 30
    assert max(events[seq].drift for seq in range(900, 1050)) > 2


def test_poison_is_bounded_by_its_share_of_the_window(references):
    """k of n frames, whatever is in them, move no share of the samples by more than k / n; references stay."""
    kept = references.quantiles.copy()
    poses = style("sad", 60.0, seed=9)
    clean, dirty = SignatureTracker(references), SignatureTracker(references)
    follow(clean, poses)
    wild = style("angry", 1.0, seed=9)
    poison = [replace(pose, positions=other.positions) for pose, other in zip(poses[900:930], wild, strict=True)]
    follow(dirty, [*poses[:900], *poison, *poses[930:]])
    reached = 30 + DEFINITION.span - 1  # a poisoned frame reaches all samples whose differences span it
    groups = np.array(DEFINITION.columns()[1])
    for g in range(5):
        a, b = (np.sort(each.windows.rows(2)[:, groups == g], axis=None) for each in (clean, dirty))
        a, b = a[~np.isnan(a)], b[~np.isnan(b)]
        at = np.concatenate((a, b))
        apart = np.searchsorted(a, at, "right") / a.size - np.searchsorted(b, at, "right") / b.size
        assert 0.005 < np.abs(apart).max() <= reached / 1790 + 0.003  # a hair by the stature
    assert np.array_equal(references.quantiles, kept)


def test_nothing_is_told_before_anything_is_known(references):
    """Two frames, a body of which nothing is seen; stillness has an answer of its own."""
    assert follow(SignatureTracker(references), style("happy", 2 / 30)) == []
    unseen = poses_of(np.repeat(REST[None], 60, axis=0), confidence=np.zeros(21, dtype=np.float32))
    assert follow(SignatureTracker(references), unseen) == []
    still = follow(SignatureTracker(references), poses_of(np.repeat(REST[None], 90, axis=0)))[-1]
    assert all(math.isfinite(x) for x in (*still.distances.values(), *still.xy, still.drift, still.confidence))
    assert still.nearest == "sad"


def test_a_leap_and_a_second_of_nothing_forget_the_performer(references):
    """A short hole costs a few samples; after a longer one, somebody else may stand there."""
    poses = style("sad", 10.0, seed=9)
    tracker = SignatureTracker(references)
    follow(tracker, poses)
    tracker.fall_silent(Hole("anna", poses[-1].t_ns, poses[-1].t_ns + NS_PER_S // 2, "gap"))
    later = replace(poses[-1], t_ns=poses[-1].t_ns + NS_PER_S // 2)
    assert tracker.step(later) is not None
    tracker.fall_silent(Hole("anna", later.t_ns, later.t_ns + 1, "teleport"))
    assert tracker.step(replace(later, t_ns=later.t_ns + NS_PER_S // 30)) is None
    follow(tracker, poses)
    assert tracker.step(replace(poses[-1], t_ns=poses[-1].t_ns + 2 * NS_PER_S)) is None


def test_memory_is_bounded(references):
    """Below 256 KB a performer, before and after an hour's worth of wrapping round."""
    tracker = SignatureTracker(references)
    follow(tracker, style("happy", 5.0))
    assert tracker.nbytes < 256_000
    assert tracker.windows.stats().capacity == 1800


def test_the_engine_tells_where_she_is_only_where_asked(references):
    """Off unless asked for, and not of a stream that may not be signed."""
    poses = style("sad", 4.0, seed=9)

    def told(**options):
        engine = Engine(None, ManualClock(), live=False, **options)
        return [e for pose in poses for e in engine.step(pose) if isinstance(e, SignatureEvent)]

    assert told() == []
    assert told(signature=references, may_sign=lambda stream: stream != "anna") == []
    events = told(signature=references)
    assert len(events) > 80
    assert events == told(signature=references)
    assert events[-1].nearest == "sad"


def test_references_are_refused_in_words(made):
    """None, one name twice, two definitions, too many."""
    other = Definition(scale="log")
    log = signature_of("log", other, rows_of(style("happy", 5.0), other))
    for wrong, words in (([], "none"), ([made[0]] * 2, "twice"), ([made[0], log], "another definition")):
        with pytest.raises(InputError, match=words):
            make_references(wrong)
    with pytest.raises(InputError, match="256"):
        make_references([replace(made[0], name=str(i)) for i in range(300)])


def test_one_reference_is_enough(made):
    """Whose plane is a point; nothing else can be nearer."""
    event = follow(SignatureTracker(make_references(made[:1])), style("sad", 3.0))[-1]
    assert (event.nearest, event.confidence) == ("happy", 1.0)
    assert all(map(math.isfinite, event.xy))
