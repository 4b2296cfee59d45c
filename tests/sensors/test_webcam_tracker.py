"""Each person in the picture keeps her stream: through crossings, absences and strangers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from support.fake_camera import person, standing

from emotus.engine.clock import NS_PER_S
from emotus.sensors.sighting import Sighting
from emotus.sensors.webcam_performers import Performers
from emotus.sensors.webcam_tracker import Tracker

FRAME_NS = NS_PER_S // 30


def at(x: float, y: float = 240.0, size: float = 200.0):
    """Return an outline as the tracker takes it."""
    return np.array([x, y], dtype=np.float32), size


def test_two_people_keep_their_places_when_the_order_changes():
    """Whoever is listed first, each is found again where she was."""
    tracker = Tracker(2)
    assert tracker.step([at(100), at(500)], 0) == [0, 1]
    assert tracker.step([at(495), at(110)], FRAME_NS) == [1, 0]
    assert tracker.step([at(120)], 2 * FRAME_NS) == [0]
    assert tracker.step([at(490)], 3 * FRAME_NS) == [1]


def test_people_who_come_near_each_other_are_not_exchanged():
    """Two who walk towards each other, and back, at a tenth of their size a frame, keep their places."""
    tracker = Tracker(2)
    for k in range(60):
        way = 8.0 * min(k, 60 - k)
        places = tracker.step([at(40 + way), at(560 - way)], k * FRAME_NS)
        assert places == [0, 1]


def test_a_place_is_kept_for_a_second_and_no_longer():
    """Who is hidden for a moment finds her place again; after that it is free for anyone."""
    tracker = Tracker(1)
    assert tracker.step([at(100)], 0) == [0]
    assert tracker.step([], 5 * FRAME_NS) == []
    assert tracker.step([at(600)], 10 * FRAME_NS) == [None]  # a stranger far away takes nobody's place
    assert tracker.step([at(150)], 20 * FRAME_NS) == [0]
    assert tracker.step([at(600)], 20 * FRAME_NS + NS_PER_S + 1) == [0]


def test_more_people_than_places_are_passed_over_and_counted():
    """Only those who are followed give poses; the others are counted and nothing is kept of them."""
    performers = Performers("anna", people=1)
    two = (person(at=(150, 240)), person(at=(500, 240)))
    for k in range(10):
        poses = performers.poses(Sighting(k, 0, 640, 480, two), k * FRAME_NS)
        assert [pose.stream for pose in poses] == ["anna"]
    assert performers.bystanders == 10


def test_each_person_is_a_stream_with_numbers_of_its_own():
    """anna-1 and anna-2 rise one by one, whatever the order in which they are seen."""
    performers = Performers("anna", people=2)
    seqs: dict[str, list[int]] = {"anna-1": [], "anna-2": []}
    for k in range(12):
        two = [person(at=(150, 240)), person(at=(500, 240))][:: 1 if k % 2 else -1]
        for pose in performers.poses(Sighting(k, 0, 640, 480, tuple(two)), k * FRAME_NS):
            seqs[pose.stream].append(pose.seq)
    assert seqs == {"anna-1": list(range(12)), "anna-2": list(range(12))}


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 640), min_size=1, max_size=4), st.data())
def test_the_ways_add_up_to_the_least_that_is_possible(before, data):
    """With people who all find a place, no other pairing is shorter (scipy's assignment says so)."""
    now = data.draw(st.lists(st.integers(0, 640), min_size=1, max_size=4))
    size = 2000.0  # everybody is near enough
    tracker = Tracker(4)
    tracker.step([at(x, size=size) for x in before], 0)
    places = tracker.step([at(x, size=size) for x in now], FRAME_NS)
    ways = np.abs(np.subtract.outer(np.array(before, float), np.array(now, float)))
    best = ways[linear_sum_assignment(ways)].sum()
    ours = sum(ways[place, i] for i, place in enumerate(places) if place is not None and place < len(before))
    assert ours == pytest.approx(best, abs=1e-3)
    assert len(set(places) - {None}) == len([place for place in places if place is not None])


def test_who_was_away_starts_afresh():
    """After a second nobody knows whether it is she: smoothing, doubt and the room begin anew; numbers go on."""
    performers = Performers("anna", smooth="strong")
    first = performers.poses(Sighting(0, 0, 640, 480, (person(at=(100, 240)),)), 0)[0]
    moved = standing(lean_m=0.5)
    again = performers.poses(Sighting(1, 0, 640, 480, (person(moved, at=(500, 240)),)), 2 * NS_PER_S)[0]
    assert again.seq == first.seq + 1
    assert again.root[[0, 2]] == pytest.approx((0, 0), abs=1e-5)
    assert performers.delay_ms() == 0.0
