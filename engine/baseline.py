"""A performer's baseline: what is usual for her, as it is kept, brought back, merged and frozen.

It holds statistics of her features and none of her movements: a mean, a variance and seconds of evidence for each of
four contexts (still, walking, gesturing, jumping), in deviations of one feature set, which is named beside them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec
import numpy as np
import torch

from ..models.baseline import CONTEXTS, LIMIT, RunningBaseline, Usual
from .errors import ProfileError
from .skeleton import Float64

VERSION: Final = 1
MOST_EVIDENCE_S: Final = 3600.0  # what is kept never weighs more, or nothing new would count
VOUCHED_S: Final = 15.0  # seconds of a recording made on purpose count as one observation; a shorter one as well
MOST_VOUCHED: Final = 8.0
NEUTRAL_WEIGHT: Final = 3.0  # how many observations a labelled neutral one counts as
_MAX_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Hold what is usual for one performer, O(features).

    features: name of the feature set that D deviations belong to. mean, spread: (C, D) of them in each context of
    `CONTEXTS`, a mean and a variance. seconds: (C,) of evidence, faded. vouched: observations that somebody made on
    purpose; what a show gathers by itself adds none. frozen: whether it is to stay as it is.
    """

    features: str
    mean: Float64
    spread: Float64
    seconds: Float64
    vouched: float = 0.0
    frozen: bool = False

    @property
    def evidence_s(self) -> float:
        """Return the seconds of evidence in all contexts together."""
        return float(self.seconds.sum())


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    features: str
    size: int
    mean: bytes
    spread: bytes
    seconds: list[float]
    vouched: float
    frozen: bool
    contexts: list[str] = field(default_factory=list[str])


def empty(features: str, size: int) -> Baseline:
    """Return the baseline of knowing nothing, over D = size features."""
    blank = np.zeros((len(CONTEXTS), size))
    return Baseline(features, blank, blank.copy(), np.zeros(len(CONTEXTS)))


def freeze(baseline: Baseline, *, frozen: bool = True) -> Baseline:
    """Return the same baseline, to be left as it is or to be followed again."""
    return replace(baseline, frozen=frozen)


def vouch(baseline: Baseline, seconds: float | None = None, *, neutral: bool = False) -> Baseline:
    """Return the baseline as one made on purpose, from a warm-up of so many seconds (all its evidence by default).

    neutral: the performer was told to move neutrally, which says more about her than any mood does.
    """
    made = baseline.evidence_s if seconds is None else seconds
    observations = max(made / VOUCHED_S, 1.0) * (NEUTRAL_WEIGHT if neutral else 1.0) if made > 0 else 0.0
    return replace(baseline, vouched=min(baseline.vouched + observations, MOST_VOUCHED))


def merge(baselines: Sequence[Baseline]) -> Baseline:
    """Return the baseline of all their evidence together; frozen where any of them is.

    Raises ProfileError where there is none, or where they are of different feature sets.
    """
    if not baselines:
        raise ProfileError("baseline", "there is none to merge")
    first = baselines[0]
    for other in baselines:
        require(other, first.features, first.mean.shape[1])
    weights = np.stack([each.seconds for each in baselines])[..., None]  # (B, C, 1)
    total = weights.sum(axis=0)
    shares = weights / np.maximum(total, 1e-9)
    means = np.stack([each.mean for each in baselines])
    mean = (shares * means).sum(axis=0)
    spread = (shares * (np.stack([each.spread for each in baselines]) + (means - mean) ** 2)).sum(axis=0)
    return Baseline(
        first.features,
        mean,
        spread,
        np.minimum(total[:, 0], MOST_EVIDENCE_S),
        min(sum(each.vouched for each in baselines), MOST_VOUCHED),
        any(each.frozen for each in baselines),
    )


def update(baseline: Baseline, rows: Float64, contexts: Float64, follower: RunningBaseline) -> Baseline:
    """Return the baseline after deviations (T, D), a third of a second apart, in contexts (T, C): what a show does.

    A frozen one stays.
    """
    usual = to_usual(baseline, follower)
    with torch.inference_mode():
        for row, context in zip(rows, contexts, strict=True):
            given = [torch.as_tensor(each, dtype=torch.float64)[None] for each in (row, context)]
            usual = follower.learn(usual, given[0], given[1], torch.ones(1, dtype=torch.float64))
    return from_usual(usual, baseline.features)


def require(baseline: Baseline, features: str, size: int) -> None:
    """Raise ProfileError where the baseline belongs to another feature set, or holds what no performer gives."""
    if baseline.features != features or baseline.mean.shape != (len(CONTEXTS), size):
        problem = f"was made with the features {baseline.features}, not with {features}"
        raise ProfileError("baseline", problem, mend="emotus calibrate makes a new one")
    numbers = (baseline.mean, baseline.spread, baseline.seconds, np.array([baseline.vouched]))
    if not all(np.isfinite(each).all() for each in numbers) or np.abs(baseline.mean).max(initial=0.0) > 4 * LIMIT:
        raise ProfileError("baseline", "holds numbers that no performer gives", mend="emotus calibrate makes a new one")
    if baseline.seconds.shape != (len(CONTEXTS),) or min(baseline.seconds.min(), baseline.vouched) < 0:
        raise ProfileError("baseline", "holds less than no evidence", mend="emotus calibrate makes a new one")


def to_usual(baseline: Baseline, follower: RunningBaseline) -> Usual:
    """Return the network's state of one stream that begins with this baseline."""
    usual = Usual(*follower.start(1))
    known = torch.tensor([[baseline.vouched, float(baseline.frozen), 0.0, 0.0]], dtype=torch.float64)
    begun = usual._replace(
        mean=torch.as_tensor(baseline.mean[None].copy()),
        spread=torch.as_tensor(baseline.spread[None].copy()),
        weight=torch.as_tensor(np.minimum(baseline.seconds, MOST_EVIDENCE_S)[None].copy()),
        known=known,
    )
    nowhere = torch.zeros(1, len(CONTEXTS), dtype=torch.float64)  # in no context yet: what is usual in all of them
    return follower.settle(begun, nowhere)


def from_usual(usual: Usual, features: str) -> Baseline:
    """Return what the network's state of one stream knows of its performer."""
    known = usual.known.numpy()
    return Baseline(
        features,
        usual.mean[0].numpy().copy(),
        usual.spread[0].numpy().copy(),
        usual.weight[0].numpy().copy(),
        float(known[0, 0]),
        bool(known[0, 1] > 0.0),
    )


def to_bytes(baseline: Baseline) -> bytes:
    """Return the baseline as MessagePack, numbers in single precision: 20 KB."""
    stored = _Stored(
        version=VERSION,
        features=baseline.features,
        size=baseline.mean.shape[1],
        mean=baseline.mean.astype("<f4").tobytes(),
        spread=baseline.spread.astype("<f4").tobytes(),
        seconds=baseline.seconds.tolist(),
        vouched=baseline.vouched,
        frozen=baseline.frozen,
        contexts=list(CONTEXTS),
    )
    return msgspec.msgpack.encode(stored)


def from_bytes(data: bytes, place: str = "baseline") -> Baseline:
    """Read what `to_bytes` wrote; raises ProfileError naming the place for anything else, and allocates no more."""
    if len(data) > _MAX_BYTES:
        raise ProfileError(place, f"larger than {_MAX_BYTES} bytes")
    try:
        stored = msgspec.msgpack.decode(data, type=_Stored)
        mean, spread = (_matrix(each, stored.size) for each in (stored.mean, stored.spread))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ProfileError(place, "is no baseline") from None
    if stored.version != VERSION or stored.contexts != list(CONTEXTS):
        raise ProfileError(place, f"is of version {stored.version}, not {VERSION}", mend="emotus calibrate")
    if not math.isfinite(stored.vouched) or (spread < 0).any():
        raise ProfileError(place, "holds numbers that no performer gives", mend="emotus calibrate")
    found = Baseline(
        stored.features, mean, spread, np.array(stored.seconds), min(stored.vouched, MOST_VOUCHED), stored.frozen
    )
    require(found, stored.features, stored.size)
    return found


def _matrix(data: bytes, size: int) -> Float64:
    """Return the (C, D) numbers; raises ValueError where there are more or fewer, or any is not finite."""
    numbers = np.frombuffer(data, dtype="<f4").reshape(len(CONTEXTS), size)
    if not np.isfinite(numbers).all():
        raise ValueError("not finite")
    return numbers.astype(np.float64)
