"""Are takes of one kind nearer to each other than to others: tests, effect sizes and intervals.

Pairs share takes, so they are not independent, and a Mann-Whitney test of pairs is too sure of itself: it is reported
because it is usual. The permutation test exchanges the labels of whole takes, and the bootstrap draws whole takes, so
both hold (Mantel, Cancer Research 1967; Anderson, Austral Ecology 2001).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.signature_tally import Grid
from ..engine.skeleton import Float64
from .signature_files import Take

PERMUTATIONS: Final = 1999
DRAWS: Final = 999
BLOCK_S: Final = 1.0  # of motion; longer than its autocorrelation, a third of a second here
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Pairs = tuple[NDArray[np.intp], ...]


@dataclass(frozen=True)
class Answer:
    """Hold the answer to one question of same or different.

    within, between: mean distances of pairs of the same and of different labels, and how many pairs. auc: the chance
    that a pair of the same label is nearer than one of different ones. cliff: 2 auc - 1. hedges: the difference over
    the deviation of a pair. low, high: 95 % of the difference, by drawing takes. p_permutation, p_mann_whitney: that
    it is chance.
    """

    question: str
    within: float
    between: float
    pairs_within: int
    pairs_between: int
    auc: float
    cliff: float
    hedges: float
    difference: float
    low: float
    high: float
    p_permutation: float
    p_mann_whitney: float

    def to_dict(self) -> dict[str, object]:
        """Return the answer as plain values."""
        return asdict(self)


def ask(question: str, matrix: Float64, labels: Sequence[str], allowed: Bools, *, seed: int = 0) -> Answer | None:
    """Return whether pairs of one label are nearer than pairs of two; None where one of both kinds is missing.

    matrix: (N, N). allowed: (N, N), the pairs that bear on the question.
    """
    codes = np.unique(np.array(labels, dtype=str), return_inverse=True)[1].astype(np.int64)
    pairs = np.nonzero(np.triu(np.ones(matrix.shape, dtype=bool), 1) & allowed)
    distances = matrix[pairs]  # (M,)
    same = codes[pairs[0]] == codes[pairs[1]]
    within, between = distances[same], distances[~same]
    if not within.size or not between.size:
        return None
    rng = np.random.default_rng(seed)
    low, high = np.quantile(_drawn(distances, codes, pairs, rng), (0.025, 0.975))
    auc = auc_of(within, between)
    both = np.concatenate((within - within.mean(), between - between.mean()))
    deviation = float(np.sqrt(np.square(both).sum() / max(both.size - 2, 1)))
    difference = float(between.mean() - within.mean())
    return Answer(
        question, float(within.mean()), float(between.mean()), within.size, between.size, auc, 2 * auc - 1,
        difference / deviation if deviation > 0 else 0.0, difference, float(low), float(high),
        _permuted(distances, codes, pairs, difference, rng), _mann_whitney(within, between),
    )  # fmt: skip


def auc_of(within: Float64, between: Float64) -> float:
    """Return the chance that a distance of `within` is smaller than one of `between`, ties counted half."""
    ordered = np.sort(between)
    below = np.searchsorted(ordered, within, side="left")
    upto = np.searchsorted(ordered, within, side="right")
    return float(1 - (below + upto).sum() / (2 * within.size * between.size))


def _mann_whitney(within: Float64, between: Float64) -> float:
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(within, between, alternative="less").pvalue)


def _permuted(distances: Float64, codes: Ints, pairs: Pairs, seen: float, rng: np.random.Generator) -> float:
    """Return the share of exchanges of labels whose difference is as large, itself among them (Phipson & Smyth)."""
    more = 0
    for count in _chunks(PERMUTATIONS, distances.size):
        order = np.argsort(rng.random((count, codes.size)), axis=1)
        found = _contrasts(distances, codes[order], pairs, None)
        more += int((found >= seen - 1e-12).sum())
    return (more + 1) / (PERMUTATIONS + 1)


def _drawn(distances: Float64, codes: Ints, pairs: Pairs, rng: np.random.Generator) -> Float64:
    """Return the difference for takes drawn with replacement; a take is no pair with itself."""
    found: list[Float64] = []
    for count in _chunks(DRAWS, distances.size):
        times = rng.multinomial(codes.size, np.full(codes.size, 1 / codes.size), size=count)  # (B, N)
        weights = (times[:, pairs[0]] * times[:, pairs[1]]).astype(np.float64)  # (B, M)
        contrasts = _contrasts(distances, codes[None], pairs, weights)
        found.append(contrasts[~np.isnan(contrasts)])
    every = np.concatenate(found)
    return every if every.size else np.zeros(1)


def _contrasts(distances: Float64, codes: Ints, pairs: Pairs, weights: Float64 | None) -> Float64:
    """Return mean between less mean within (B,) for each row of labels (B, N), or each of weights (B, M) of pairs."""
    same = (codes[:, pairs[0]] == codes[:, pairs[1]]).astype(np.float64)  # (B, M)
    every = np.ones(same.shape) if weights is None else weights
    inside = same * every
    n, m = inside.sum(axis=1), every.sum(axis=1)
    within, whole = inside @ distances, every @ distances
    some = (n > 0) & (m > n)
    shares = np.where(some, n, 1.0), np.where(some, m - n, 1.0)
    return np.where(some, (whole - within) / shares[1] - within / shares[0], np.nan)


def _chunks(total: int, pairs: int) -> Iterator[int]:
    """Yield how many to do at once, so that memory stays below some tens of megabytes."""
    size = max(min(total, 1_000_000 // max(pairs, 1)), 1)
    for at in range(0, total, size):
        yield min(size, total - at)


def distance_interval(one: Take, other: Take, *, seed: int = 0, draws: int = DRAWS) -> tuple[float, float]:
    """Return 95 % of the distance between two takes, by drawing blocks of a second of each.

    The circular block bootstrap (Politis & Romano 1992) keeps what neighbouring frames have in common. A distance is
    never negative, so what drawing alone adds to it is taken off: the interval is that of the drawn distances less
    their mean, around the distance itself, cut off at 0.
    """
    from ..engine.signature_tally import WIDTHS

    rng = np.random.default_rng(seed)
    grid = Grid(one.definition)
    whole = [grid.quantiles(*grid.tally(take.rows))[0] for take in (one, other)]
    seen = float(np.nanmean(np.abs(whole[0] - whole[1]) @ WIDTHS))
    if not seen:
        return 0.0, 0.0
    tables = [_blocks(take, grid) for take in (one, other)]
    found: list[float] = []
    drawn = [_draws(table, draws, rng) for table in tables]
    for one_counts, one_sums, other_counts, other_sums in zip(*drawn[0], *drawn[1], strict=True):
        pair = grid.quantiles(one_counts, one_sums)[0], grid.quantiles(other_counts, other_sums)[0]
        apart = np.abs(pair[0] - pair[1]) @ WIDTHS
        if not np.isnan(apart).all():
            found.append(float(np.nanmean(apart)))
    if not found:
        return seen, seen
    low, high = np.quantile(np.array(found) - np.mean(found), (0.025, 0.975))
    return max(seen + float(low), 0.0), seen + float(high)


def _blocks(take: Take, grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return counts and sums (blocks, G * B) of all stretches of a second, one every tenth, round the end."""
    size = min(max(round(BLOCK_S * take.definition.rate_hz), 1), len(take.rows))
    starts = range(0, len(take.rows), max(size // 10, 1))
    turned = np.concatenate((take.rows, take.rows[:size]))
    tallies = [grid.tally(turned[start : start + size]) for start in list(starts)[:600]]
    return np.stack([counts for counts, _ in tallies]), np.stack([sums for _, sums in tallies])


def _draws(table: tuple[Ints, Ints], draws: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return counts and sums (draws, G * (B + 1)) of as many blocks as make up the take, drawn with replacement."""
    blocks = len(table[0])
    times = rng.multinomial(max(blocks // 10, 1), np.full(blocks, 1 / blocks), size=draws).astype(np.float64)
    # Whole numbers below 2 ** 53 are exact in float64, whose products are quick.
    counts, sums = ((times @ part.astype(np.float64)).astype(np.int64) for part in table)
    return counts, sums
