"""What the pose networks say is read as it was meant: boxes, regions, landmarks, each drawn and found again."""

from __future__ import annotations

import math
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from emotus.engine.errors import InputError
from emotus.sensors.pose_decode import (
    DETECTOR_SIDE,
    LANDMARK_SIDE,
    Region,
    anchors,
    detections,
    landmarks,
    overlap,
    refined,
    region_of,
)
from emotus.sensors.pose_networks import load_networks

regions = st.builds(
    Region, st.floats(-200, 900), st.floats(-200, 900), st.floats(20, 900), st.floats(-math.pi + 0.01, math.pi)
)


def draw(people: list[tuple[float, float]], *, near: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return raw boxes and scores of people 0.2 wide at places, each seen by the `near` cells next to it."""
    middles = anchors()
    boxes = np.zeros((len(middles), 12), dtype=np.float32)
    scores = np.full(len(middles), -9.0, dtype=np.float32)
    for x, y in people:
        for k in np.argsort(np.hypot(*(middles - (x, y)).T))[:near]:
            way = (np.array([x, y]) - middles[k]) * DETECTOR_SIDE
            boxes[k] = [*way, 0.2 * DETECTOR_SIDE, 0.3 * DETECTOR_SIDE, *np.tile(way, 4)]
            boxes[k, 7] -= 0.1 * DETECTOR_SIDE  # the rim, above
            scores[k] = 4.0
    return boxes, scores


def test_there_are_as_many_cells_as_the_network_has():
    """2254 boxes: two a cell of 8 and of 16 pixels, six a cell of 32; all within the picture."""
    cells = anchors()
    assert len(cells) == 2 * 28 * 28 + 2 * 14 * 14 + 6 * 7 * 7 == 2254
    assert (cells > 0).all()
    assert (cells < 1).all()
    assert np.unique(cells, axis=0).shape == (28 * 28 + 14 * 14 + 7 * 7, 2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=4, unique=True))
def test_each_person_is_found_once(cells):
    """However many cells see one, there is one entry each, at its place, and none where nobody is."""
    people = [(0.25 * x, 0.25 * y) for x, y in cells]
    found, sure = detections(*draw(people))
    assert len(found) == len(sure) == len(people)
    assert np.array(sorted(map(tuple, found[:, 2].round(3).tolist()))) == pytest.approx(np.array(sorted(people)))
    assert found[:, 3, 1] == pytest.approx(found[:, 2, 1] - 0.1)
    assert found[:, 1] - found[:, 0] == pytest.approx(np.tile((0.2, 0.3), (len(people), 1)))


def test_odd_scores_are_survived():
    """Scores beyond every bound neither overflow nor warn."""
    boxes, scores = draw([(0.5, 0.5)])
    scores[scores > 0] = 1e30
    scores[scores < 0] = -1e30
    scores[:5] = np.nan
    assert len(detections(boxes, scores)[0]) == 1


def test_overlap_is_that_of_the_areas():
    """The same box 1, half of it a half, one apart 0, one without size 0."""
    box = np.array([[0, 0], [2, 2]], dtype=np.float32)
    others = np.array([[[0, 0], [2, 2]], [[0, 0], [1, 2]], [[3, 3], [4, 4]], [[1, 1], [1, 1]]], dtype=np.float32)
    assert overlap(box, others) == pytest.approx([1.0, 0.5, 0.0, 0.0])


@pytest.mark.parametrize(("rim", "degrees"), [((0, -100), 0), ((100, 0), 90), ((-100, 0), -90)])
def test_a_region_is_turned_so_that_the_rim_is_above(rim, degrees):
    """A person who stands is not turned, one who lies is by a quarter; the side is 2.5 times the way to the rim."""
    hips = np.array([320.0, 240.0], dtype=np.float32)
    region = region_of(hips, hips + np.array(rim, dtype=np.float32))
    assert math.degrees(region.turn) == pytest.approx(degrees)
    assert (region.x, region.y, region.side) == pytest.approx((320, 240, 250))


@given(regions)
def test_the_middle_and_the_corners_of_a_region_are_where_they_should_be(region):
    """Its middle is its place, its sides have its length, and it is turned as told (scipy turns the same)."""
    matrix = region.to_picture()
    corners = np.array([[0, 0], [1, 0], [0.5, 0.5]]) @ matrix[:, :2].T + matrix[:, 2]
    assert corners[2] == pytest.approx((region.x, region.y), abs=1e-6)
    side = Rotation.from_euler("z", region.turn).apply([region.side, 0, 0])[:2]
    assert corners[1] - corners[0] == pytest.approx(side, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(regions, st.integers(0, 2**32 - 1))
def test_landmarks_come_out_where_they_were_seen(region, seed):
    """Pixels of the region become pixels of the picture, metres are turned back, visibility is a probability."""
    rng = np.random.default_rng(seed)
    seen = rng.uniform(0.1, 0.9, (39, 2))
    raw = np.zeros((39, 5), dtype=np.float32)
    raw[:, :2] = seen * LANDMARK_SIDE
    raw[:, 3] = 2.0
    world = rng.normal(size=(39, 3)).astype(np.float32)
    person, following = landmarks(raw.ravel(), None, world.ravel(), region)
    matrix = region.to_picture()
    assert person.image == pytest.approx(seen[:33] @ matrix[:, :2].T + matrix[:, 2], abs=0.01)
    turned = Rotation.from_euler("z", region.turn).apply(world[:33])
    assert person.world[:, :3] == pytest.approx(turned, abs=1e-4)
    assert person.world[:, 3] == pytest.approx(1 / (1 + math.exp(-2)))
    assert following.x == pytest.approx(float(seen[33] @ matrix[0, :2] + matrix[0, 2]), abs=0.01)


def test_landmarks_move_to_the_heat():
    """A landmark lands in the middle of the warm cells about it; where nothing is warm it stays; so at the border."""
    heat = np.full((64, 64, 39), -20.0, dtype=np.float32)
    heat[29:32, 41:44, 0] = 5.0
    heat[0, 0, 2] = 5.0
    places = np.full((39, 2), 0.5, dtype=np.float32)
    places[0] = (40.5 / 64, 31.5 / 64)
    places[2] = (0.001, 0.001)
    places[3] = (1.5, -0.2)
    moved = refined(places, heat)
    assert moved[0] == pytest.approx((42 / 64, 30 / 64), abs=1e-4)
    assert np.array_equal(moved[1], places[1])
    assert moved[2] == pytest.approx((0.0, 0.0), abs=1e-4)
    assert np.array_equal(moved[3], places[3])


def test_networks_that_are_not_there_are_told(tmp_path):
    """A folder and a .task file without them say what is wanted; a runtime that is missing says how to get it."""
    (tmp_path / "notes.txt").write_text("none here")
    with pytest.raises(InputError, match=r"does not hold the two pose networks \(one file name with detect"):
        load_networks("webcam:0", tmp_path)
    with zipfile.ZipFile(tmp_path / "empty.task", "w") as archive:
        archive.writestr("pose_detector.tflite", b"")
    with pytest.raises(InputError, match="does not hold the two pose networks"):
        load_networks("webcam:0", tmp_path / "empty.task")
