"""The reference plane: distances drawn as points, and one more point placed without drawing anew.

Metric multidimensional scaling by majorisation (SMACOF: de Leeuw 1977; Borg & Groenen, Modern Multidimensional
Scaling, ch. 8), started from the classical solution (Torgerson 1952), so that the same distances give the same picture.
A new point is first put where its distances linearly lead (landmark MDS: de Silva & Tenenbaum 2004) and then moved by
the same majorisation with all others held: no refit, the orientation kept, nothing remembered from frame to frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .skeleton import Float64

_STEPS: Final = 8  # of a placement, each twice as far as majorisation goes (de Leeuw & Heiser 1980)
_NEAR: Final = 1e-12
Complex = NDArray[np.complex128]


def classical_plane(matrix: Float64) -> Float64:
    """Return points (n, 2) of a symmetric distance matrix (n, n): the first two principal coordinates."""
    n = len(matrix)
    squares = np.square(matrix)
    centred = -(squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()) / 2
    values, vectors = np.linalg.eigh(centred)
    points = vectors[:, ::-1][:, :2] * np.sqrt(np.maximum(values[::-1][:2], 0.0))
    return _settled(np.pad(points, ((0, 0), (0, 2 - min(n, 2)))))


def smacof(matrix: Float64, start: Float64, *, steps: int = 300, tolerance: float = 1e-6) -> tuple[Float64, float]:
    """Return points (n, 2) whose distances are nearest to the matrix, and their stress.

    stress is Kruskal's stress-1, the root of the squared errors over the squared distances. Ends after `steps`, or
    when the squared error falls by less than `tolerance` of itself.
    """
    n, points = len(matrix), start - start.mean(axis=0)
    if n < 2 or not matrix.any():
        return np.zeros((n, 2)), 0.0
    apart = distances_of(points)
    before = _errors(matrix, apart)
    for _ in range(steps):
        ratio = np.divide(matrix, apart, out=np.zeros_like(matrix), where=apart > _NEAR)
        points = (ratio.sum(axis=1)[:, None] * points - ratio @ points) / n  # the Guttman transform
        apart = distances_of(points)
        now = _errors(matrix, apart)
        if before - now <= tolerance * before:
            break
        before = now
    stress = np.sqrt(2 * _errors(matrix, apart) / np.square(matrix).sum())
    return _settled(points), float(stress)


def distances_of(points: Float64) -> Float64:
    """Return the distances (n, n) between points (n, 2)."""
    x, y = points.T
    return np.hypot(x[:, None] - x, y[:, None] - y)


def _errors(matrix: Float64, apart: Float64) -> float:
    return float(np.square(matrix - apart).sum() / 2)


def _settled(points: Float64) -> Float64:
    """Turn points (n, 2) to their principal axes, the farthest one of each axis on its positive side."""
    points = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    turned = points @ axes.T if axes.shape == (2, 2) else points
    far = turned[np.abs(turned).argmax(axis=0), (0, 1)]
    return turned * np.where(far < 0, -1.0, 1.0)


@dataclass(frozen=True)
class Plane:
    """Hold reference points (R, 2), in the unit of the distances, and the stress of the picture."""

    points: Float64
    stress: float

    def place(self, distances: Float64) -> tuple[float, float]:
        """Return where a new point at these distances (R,) from the references belongs."""
        points, lead, sizes, middle = self._leads
        at = complex(*(lead @ (sizes - distances * distances)))
        for _ in range(_STEPS):
            away = at - points
            away *= distances / np.maximum(np.abs(away), _NEAR)
            at = 2 * (middle + complex(np.add.reduce(away)) / len(points)) - at
        return at.real, at.imag

    @cached_property
    def _leads(self) -> tuple[Complex, Float64, Float64, complex]:
        """Return the points as complex numbers, and what turns squared distances into a place."""
        about = self.points - self.points.mean(axis=0)
        lead: Float64 = np.asarray(np.linalg.pinv(about, rcond=1e-9) / 2, dtype=np.float64)  # (2, R)
        centred = lead - np.asarray(lead.mean(axis=1), dtype=np.float64)[:, None]
        points = self.points[:, 0] + 1j * self.points[:, 1]
        return points, centred, np.square(about).sum(axis=1), complex(points.sum()) / len(points)


def make_plane(matrix: Float64) -> Plane:
    """Return the plane of a distance matrix (n, n): symmetric, finite, zero on its diagonal."""
    return Plane(*smacof(matrix, classical_plane(matrix)))
