"""The motor signature: how a body moves, as the distribution of its velocity gradient, kept as quantiles (DESIGN.md 3).

    poses -> Sampler -> samples -> Grid -> quantiles        (signature_samples.py, signature_tally.py)
    two signatures -> 1-D Wasserstein of each pool, averaged over the pools known in both

A signature is of a way to move, never of what a person feels. It can identify a person: it is made only when asked
for, and nothing here writes it anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import numpy as np

from .errors import InputError
from .signature_definition import Definition, definition_from, refuse_mixture
from .signature_tally import MIN_SAMPLES, QUANTILES, WIDTHS, Grid, effective_number, spread
from .skeleton import Float64

VERSION: Final = 1
MAX_NAME: Final = 128


@dataclass(frozen=True)
class Signature:
    """Hold one signature.

    name: of the recording or the reference. quantiles: (G, K), of each pool of the definition, NaN where too few
    samples are known. counts: samples of each pool. effective: how many independent frames they are worth. seconds:
    of motion seen. label: what it is a signature of, for grouping: a person, a style; empty where nobody said.
    """

    name: str
    definition: Definition
    quantiles: Float64
    counts: tuple[int, ...]
    effective: float
    seconds: float
    label: str = ""

    @property
    def known(self) -> tuple[str, ...]:
        """Return the names of the pools that are known."""
        sure = ~np.isnan(self.quantiles[:, 0])
        return tuple(name for name, known in zip(self.definition.groups, sure, strict=True) if known)

    def to_dict(self) -> dict[str, object]:
        """Return the signature as plain values, from which `signature_from` makes it again, bit by bit."""
        rows = [None if math.isnan(row[0]) else row.tolist() for row in self.quantiles]
        return {
            "version": VERSION,
            "name": self.name,
            "label": self.label,
            "definition": self.definition.to_dict(),
            "quantiles": rows,
            "counts": list(self.counts),
            "effective": self.effective,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True)
class Distance:
    """Hold how far two signatures lie apart.

    total: the mean over the pools known in both, in the definition's unit. by_group: of each of them. by_chance: what
    two signatures of the very same way to move would show with so few independent frames.
    """

    total: float
    by_group: Mapping[str, float]
    by_chance: float


def signature_of(name: str, definition: Definition, rows: Float64, label: str = "") -> Signature:
    """Return the signature of rows (T, C) of samples; raises InputError where no pool has samples enough."""
    grid = Grid(definition)
    quantiles, counts = grid.quantiles(*grid.tally(rows))
    if np.isnan(quantiles).all():
        frames = int((~np.isnan(rows)).any(axis=1).sum())
        problem = f"{frames} frames of it can be measured, and no part has the {MIN_SAMPLES} samples that tell of it"
        raise InputError(name, problem, mend="a second of motion at least, without holes")
    worth = effective_number(frame_means(definition, rows))
    seconds = float((~np.isnan(rows)).any(axis=1).sum()) / definition.rate_hz
    return Signature(name, definition, quantiles, tuple(counts.tolist()), worth, seconds, label)


def frame_means(definition: Definition, rows: Float64) -> Float64:
    """Return the mean sample of each pool in each frame (T, G) of rows (T, C); NaN where none is known."""
    groups = np.array(definition.columns()[1])
    known = ~np.isnan(rows)
    member = np.eye(len(definition.groups))[groups]  # (C, G)
    seen = known @ member
    sums = np.where(known, rows, 0.0) @ member
    return np.divide(sums, seen, out=np.full_like(sums, np.nan), where=seen > 0)


def distance(one: Signature, other: Signature) -> Distance:
    """Return the distance between two signatures; raises InputError for other definitions and for nothing in common."""
    refuse_mixture(one.name, one.definition, other.name, other.definition)
    apart = np.abs(one.quantiles - other.quantiles) @ WIDTHS  # (G,)
    both = ~np.isnan(apart)
    if not both.any():
        known = f"{', '.join(one.known)} against {', '.join(other.known)}"
        raise InputError(one.name, f"it has no part in common with {other.name}: {known}")
    wide = (spread(one.quantiles) + spread(other.quantiles))[both].mean() / 2
    chance = by_chance(float(wide), one.effective, other.effective)
    named = zip(one.definition.groups, apart.tolist(), strict=True)
    return Distance(float(apart[both].mean()), {name: d for name, d in named if not math.isnan(d)}, chance)


def by_chance(wide: float, worth: float, other_worth: float = math.inf) -> float:
    """Return the distance that chance alone puts between samples so spread, worth so many independent ones each."""
    return math.sqrt(2 / math.pi) * wide * math.sqrt(1 / worth + 1 / other_worth)


def signature_from(values: object, place: str = "signature") -> Signature:
    """Return the signature of plain values; raises InputError naming the place where they are not of this version."""
    if not isinstance(values, dict):
        raise InputError(place, "holds no signature")
    plain = cast("dict[str, object]", values)
    if plain.get("version") != VERSION:
        raise InputError(
            place, f"a signature of version {plain.get('version')}", mend=f"make it anew: {VERSION} is read"
        )
    definition = definition_from(plain.get("definition"), place)
    try:
        quantiles = _rows(plain["quantiles"], len(definition.groups))
        counts = tuple(int(cast("int", n)) for n in cast("list[object]", plain["counts"]))
        worth, seconds = float(cast("float", plain["effective"])), float(cast("float", plain["seconds"]))
    except (KeyError, TypeError, ValueError):
        raise InputError(place, "its signature is incomplete or of another shape") from None
    sound = len(counts) == len(quantiles) and math.isfinite(worth) and worth >= 1 and math.isfinite(seconds)
    if not sound or np.isnan(quantiles).all():
        raise InputError(place, "its signature is incomplete or of another shape")
    name, label = str(plain.get("name", ""))[:MAX_NAME], str(plain.get("label", ""))[:MAX_NAME]
    return Signature(name, definition, quantiles, counts, worth, seconds, label)


def _rows(values: object, groups: int) -> Float64:
    """Return quantiles (G, K), finite and never falling, or NaN throughout for a pool that is unknown."""
    rows = [
        np.full(QUANTILES, np.nan) if row is None else np.array(row, dtype=np.float64)
        for row in cast("list[object]", values)
    ]
    if len(rows) != groups or any(row.shape != (QUANTILES,) for row in rows):
        raise ValueError("another shape")
    if any(not math.isnan(row[0]) and (not np.isfinite(row).all() or (np.diff(row) < -1e-9).any()) for row in rows):
        raise ValueError("no quantiles")
    return np.stack(rows)
