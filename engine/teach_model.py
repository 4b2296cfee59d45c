"""The model behind teaching: where labels lie, seen through takes whose like activities move them alike.

Gaussian, diagonal in the coordinates of the prior. A take is the performer's centre, plus the place of its label, plus
what its activity does: the labels' places have the variances that styles have among other people (Prince and Elder,
2007), the activity has variance one, shared between takes the more, the more alike they look (Rasmussen and Williams,
Gaussian Processes for Machine Learning, 2006, 2.7). So a style that was taught walking is known again running, and what
several labels have in common because all were shown walking is not taken for a style.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models.teach_prior import TeachPrior
from .skeleton import Float64
from .taught import TaughtHead, likeness

Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Points:
    """Hold N takes of K labels as points: z (N, E) in the prior's coordinates, u (N, Q) of what is done, y (N,)."""

    labels: tuple[str, ...]
    z: Float64
    u: Float64
    y: Ints

    def keep(self, kept: NDArray[np.bool_]) -> Points:
        """Return those points for which kept (N,) holds."""
        return Points(self.labels, self.z[kept], self.u[kept], self.y[kept])

    @property
    def counts(self) -> Ints:
        """Return the takes of each label, (K,)."""
        return np.bincount(self.y, minlength=len(self.labels))


@dataclass(frozen=True, eq=False)
class Places:
    """Hold what the takes tell: the performer's centre (E,), each label's place about it (K, E), how unsure (E,) that
    is (a variance), and how takes pull at what looks like them, (N, E).
    """

    centre: Float64
    labels: Float64
    unsure: Float64
    pull: Float64


def place(points: Points, prior: TeachPrior) -> Places:
    """Return the expected places of all labels, given the takes."""
    shared = prior.share * likeness(points.u, points.u, prior.width)  # (N, N)
    shared[np.diag_indices_from(shared)] = 1.0
    inverse = np.linalg.inv(shared)
    member = np.eye(len(points.labels))[points.y]  # (N, K)
    told = member.T @ inverse  # (K, N)
    evidence = told @ member  # (K, K): takes of each label, less what they share
    alone = np.eye(len(points.labels)) / prior.between[:, None, None]
    cover = np.linalg.inv(evidence + alone)  # (E, K, K)
    ones, pooled = inverse.sum(axis=1), told.sum(axis=1)  # (N,), (K,)
    lent = cover @ pooled  # (E, K)
    least = ones.sum() - lent @ pooled
    centre = (ones @ points.z - np.einsum("ek,ke->e", lent, told @ points.z)) / least
    labels = np.einsum("ekl,le->ke", cover, told @ (points.z - centre))
    pull = prior.share * inverse @ (points.z - centre - labels[points.y])  # (N, E)
    takes = float(points.counts.mean())
    return Places(centre, labels, prior.between / (takes * prior.between + 1.0), pull)


def head_of(
    points: Points, prior: TeachPrior, divisor: float, accuracy: float, threshold: float | None = None
) -> TaughtHead:
    """Return the head that the takes make: linear discriminants over the features, less what activities do."""
    places = place(points, prior)
    weight = places.labels / (1.0 + places.unsure)  # (K, E)
    over = weight @ prior.basis.T  # (K, D)
    first = slice(0, prior.styles)
    mean = prior.mean @ prior.basis
    return TaughtHead(
        labels=points.labels,
        features=prior.features,
        weight=over,
        bias=-0.5 * (places.labels * weight).sum(axis=1) - weight @ places.centre - over @ prior.mean,
        divisor=divisor,
        settle=prior.settle,
        activity=prior.activity,
        width=prior.width,
        anchors=points.u + prior.mean @ prior.activity,
        pull=places.pull @ weight.T,
        styles=prior.basis[:, first],
        centre=(places.centre + mean)[first],
        places=places.labels[:, first],
        drift=places.pull[:, first],
        near=1.0 + places.unsure[first],
        far=1.0 + prior.between[first],
        strange=(prior.strange[0] if threshold is None else threshold, prior.strange[1]),
        accuracy=accuracy,
    )
