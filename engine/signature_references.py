"""The references of a live signature: their distributions, the plane they span and the clusters they form."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .clusters import best_clusters
from .errors import InputError
from .plane import Plane, make_plane
from .signature import Signature, distance
from .signature_definition import Definition, refuse_mixture
from .signature_tally import WIDTHS
from .skeleton import Float64

MAX_REFERENCES: int = 256  # distances of one update are told by name, and must fit on a wire


@dataclass(frozen=True)
class References:
    """Hold R references of one definition.

    names: unique. labels: what each is of. quantiles: (R, G, K). matrix: (R, R) their distances. plane: where they
    lie. clusters: (R,) from 0.
    """

    definition: Definition
    names: tuple[str, ...]
    labels: tuple[str, ...]
    quantiles: Float64
    matrix: Float64
    plane: Plane
    clusters: NDArray[np.int64]

    def distances(self, quantiles: Float64) -> Float64:
        """Return the distances (R,) of quantiles (G, K) from every reference; NaN where no pool is known in both."""
        flat, weights = self._flat
        apart = flat - quantiles.reshape(-1)  # (R, G * K)
        total = np.abs(apart, out=apart) @ weights  # (R,)
        if not math.isnan(float(np.add.reduce(total))):
            return total
        apart = np.abs(self.quantiles - quantiles) @ WIDTHS  # (R, G)
        known = ~np.isnan(apart)
        sums = np.where(known, apart, 0.0).sum(axis=1)
        return np.divide(sums, known.sum(axis=1), out=np.full_like(sums, np.nan), where=known.any(axis=1))

    @cached_property
    def _flat(self) -> tuple[Float64, Float64]:
        """Return all quantiles (R, G * K) and the weight (G * K,) of each in the mean over the pools."""
        count, groups, _ = self.quantiles.shape
        return self.quantiles.reshape(count, -1), np.tile(WIDTHS / groups, groups)


def make_references(signatures: Sequence[Signature]) -> References:
    """Return the references, in their order; raises InputError for none, too many, equal names and mixtures."""
    if not signatures:
        raise InputError("signature references", "there are none", mend="name a recording")
    if len(signatures) > MAX_REFERENCES:
        raise InputError("signature references", f"{len(signatures)} are given, and {MAX_REFERENCES} can be followed")
    twice = [name for name, count in Counter(each.name for each in signatures).items() if count > 1]
    if twice:
        raise InputError("signature references", f"{twice[0]} is given twice", mend="give each a name of its own")
    first = signatures[0]
    for other in signatures[1:]:
        refuse_mixture(other.name, other.definition, first.name, first.definition)
    matrix = distance_matrix(signatures)
    plane = make_plane(matrix)
    clusters, _ = best_clusters(plane.points, matrix)
    names, labels = tuple(each.name for each in signatures), tuple(each.label for each in signatures)
    quantiles = np.stack([each.quantiles for each in signatures])
    return References(first.definition, names, labels, quantiles, matrix, plane, clusters)


def distance_matrix(signatures: Sequence[Signature]) -> Float64:
    """Return the distances (R, R) between signatures; raises InputError for two with nothing in common."""
    quantiles = np.stack([each.quantiles for each in signatures])  # (R, G, K)
    known = ~np.isnan(quantiles[:, :, 0])  # (R, G)
    shared = known.astype(np.float64) @ known.T  # (R, R)
    if not shared.all():
        one, other = (int(i) for i in np.argwhere(shared == 0)[0])
        distance(signatures[one], signatures[other])  # raises, naming both
    scaled = np.where(known[:, :, None], quantiles, 0.0) * WIDTHS
    sums = np.zeros(shared.shape)
    flat, ones = scaled.reshape(len(scaled), -1), np.ones(scaled[0].size)
    for i in range(len(signatures) - 1):  # a row at a time: memory stays (R, G, K)
        if known.all():
            apart = flat[i + 1 :] - flat[i]
            sums[i, i + 1 :] = np.abs(apart, out=apart) @ ones
            continue
        apart = np.abs(scaled[i + 1 :] - scaled[i]).sum(axis=2)  # (R - i - 1, G)
        sums[i, i + 1 :] = (apart * (known[i + 1 :] & known[i])).sum(axis=1)
    return (sums + sums.T) / shared
