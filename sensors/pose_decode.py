"""What the two pose networks say, in numbers that mean something: boxes, regions, landmarks. Pure arithmetic.

Facts after PROTOCOLS.md 7.7: a detector (224 x 224) gives 2254 boxes with four points each, of which the first is the
middle of the hips and the second lies on a circle about the body; the region that they span is turned upright and given
to a second network (256 x 256), whose 39 landmarks include two for the region of the next picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..engine.skeleton import Float32, Float64
from .sighting import LANDMARKS, Person

DETECTOR_SIDE: Final = 224
LANDMARK_SIDE: Final = 256
POINTS: Final = 39  # 33 landmarks, two for the next region, four more
_STRIDES: Final = ((8, 2), (16, 2), (32, 6))  # cells of so many pixels, boxes a cell
_SURE: Final = 0.5
_SAME: Final = 0.3  # overlap from which two boxes are one person
_CLIP: Final = 80.0  # beyond that float32 overflows, and nothing changes
_ROOM: Final = 1.25  # a region is so much larger than the circle
_PATCH: Final = 7  # cells of the heat map about a landmark


@dataclass(frozen=True, slots=True)
class Region:
    """Hold a square of the picture: its middle and side in pixels, and by how many radians it is turned."""

    x: float
    y: float
    side: float
    turn: float

    def to_picture(self) -> Float64:
        """Return the affine matrix (2, 3) from the unit square to pixels of the picture."""
        c, s = math.cos(self.turn) * self.side, math.sin(self.turn) * self.side
        return np.array([[c, -s, self.x - 0.5 * (c - s)], [s, c, self.y - 0.5 * (s + c)]])


def anchors() -> Float32:
    """Return the middles (2254, 2) of the detector's cells, in shares of its picture."""
    rows: list[Float64] = []
    for stride, boxes in _STRIDES:
        side = DETECTOR_SIDE // stride
        y, x = np.mgrid[0:side, 0:side]  # (side, side) each
        middles = np.stack((x, y), axis=-1).reshape(-1, 2)
        rows.append(np.repeat((middles + 0.5) / side, boxes, axis=0))
    return np.concatenate(rows).astype(np.float32)


_ANCHORS: Final = anchors()


def detections(boxes: Float32, scores: Float32) -> tuple[Float32, Float32]:
    """Return the people found, best first: (P, 6, 2) of box corners and four points in shares of the picture, and (P,).

    boxes (2254, 12) and scores (2254,) as the network gives them. Boxes that overlap by 0.3 are one person, whose
    points are their mean, weighted by score.
    """
    sure = likely(scores.reshape(-1))
    rows = np.flatnonzero(sure >= _SURE)
    raw = boxes.reshape(-1, 6, 2)[rows] / DETECTOR_SIDE  # middle, size, four points
    middle, half = raw[:, 0] + _ANCHORS[rows], raw[:, 1] / 2
    points = raw[:, 2:] + _ANCHORS[rows][:, None]
    found = np.concatenate((np.stack((middle - half, middle + half), axis=1), points), axis=1)  # (N, 6, 2)
    return _merge(found.astype(np.float32), sure[rows].astype(np.float32))


def likely(x: Float32) -> Float32:
    """Return the probabilities that logits stand for; 0 where one is no number."""
    return (1.0 / (1.0 + np.exp(-np.clip(np.nan_to_num(x, nan=-_CLIP), -_CLIP, _CLIP)))).astype(np.float32)


def _merge(found: Float32, sure: Float32) -> tuple[Float32, Float32]:
    """Return one entry for each person of overlapping ones, by weighted non-maximum suppression."""
    left = np.argsort(-sure)
    people, scores = [], []
    while left.size:
        best = left[0]
        same = left[overlap(found[best, :2], found[left, :2]) > _SAME] if left.size else left
        same = same if same.size else left[:1]
        weight = sure[same][:, None, None]
        people.append((found[same] * weight).sum(axis=0) / weight.sum())
        scores.append(sure[best])
        left = np.setdiff1d(left, same, assume_unique=True)
        left = left[np.argsort(-sure[left])]
    if not people:
        return np.zeros((0, 6, 2), dtype=np.float32), np.zeros(0, dtype=np.float32)
    return np.stack(people).astype(np.float32), np.array(scores, dtype=np.float32)


def overlap(box: Float32, boxes: Float32) -> Float32:
    """Return the intersection over union (N,) of a box (2, 2), corners, with boxes (N, 2, 2)."""
    low, high = np.maximum(box[0], boxes[:, 0]), np.minimum(box[1], boxes[:, 1])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(np.clip(boxes[:, 1] - boxes[:, 0], 0, None), axis=1)
    union = areas + np.prod(np.clip(box[1] - box[0], 0, None)) - shared
    return (shared / np.maximum(union, 1e-9)).astype(np.float32)


def region_of(hips: Float32, rim: Float32) -> Region:
    """Return the region of a person by the middle of her hips and a point on the circle about her, (2,) in pixels.

    Turned so that the rim lies above the hips.
    """
    x, y = float(rim[0] - hips[0]), float(rim[1] - hips[1])
    turn = math.remainder(math.pi / 2 - math.atan2(-y, x), math.tau)
    return Region(float(hips[0]), float(hips[1]), 2 * math.hypot(x, y) * _ROOM, turn)


def landmarks(raw: Float32, heat: Float32 | None, world: Float32, region: Region) -> tuple[Person, Region]:
    """Return the person whom the second network sees in a region, and the region for the next picture.

    raw: (39 * 5,) x, y, z in its pixels, visibility, presence. heat: (64, 64, 39) or None. world: (39 * 3,) metres.
    """
    rows = raw.reshape(POINTS, 5)
    places = (rows[:, :2] / LANDMARK_SIDE).astype(np.float32)
    places = places if heat is None else refined(places, heat)
    matrix = region.to_picture()
    image = (places @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)  # (39, 2) pixels
    c, s = math.cos(region.turn), math.sin(region.turn)
    metres = world.reshape(POINTS, 3)[:LANDMARKS].astype(np.float32)
    turned = np.stack((c * metres[:, 0] - s * metres[:, 1], s * metres[:, 0] + c * metres[:, 1], metres[:, 2]), axis=1)
    visible = likely(rows[:LANDMARKS, 3])
    points = np.concatenate((turned, visible[:, None]), axis=1).astype(np.float32)  # (33, 4)
    return Person(points, image[:LANDMARKS]), region_of(image[33], image[34])


def refined(places: Float32, heat: Float32) -> Float32:
    """Move landmarks (39, 2), shares of the region, to the middle of the heat about them, where there is some."""
    out = places.copy()
    rows, columns = heat.shape[:2]
    reach = _PATCH // 2
    for k, (x, y) in enumerate(places):
        column, row = int(x * columns), int(y * rows)
        if not (0 <= column < columns and 0 <= row < rows):
            continue
        top, left = max(row - reach, 0), max(column - reach, 0)
        patch = heat[top : row + reach + 1, left : column + reach + 1, k]
        warm = likely(patch)
        if warm.max() < _SURE:
            continue
        ys, xs = np.mgrid[0 : patch.shape[0], 0 : patch.shape[1]]
        total = warm.sum()
        out[k] = ((left + (xs * warm).sum() / total) / columns, (top + (ys * warm).sum() / total) / rows)
    return out
