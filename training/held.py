"""What is held of a performer, as text that she can read and take elsewhere: all of her profile, nothing added."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from ..engine.baseline import CONTEXTS, Baseline
from ..engine.profile import Profile
from ..engine.swap import BONE_NAMES, Proportions
from ..engine.taught import TaughtTake

FORMAT: Final = "emotus.held/1"
DIGITS: Final = 6
ABOUT: Final = (
    "Everything that emotus keeps of one performer. It holds statistics of how she moves, the feature rows of the "
    "takes that she labelled, and the proportions of her bones; no picture, no recording and no name. `subject` is a "
    "random pseudonym. `emotus forget` removes all of it."
)


def held_of(profile: Profile) -> dict[str, Any]:
    """Return a profile as plain values for JSON, numbers to six decimals, what was never measured as null."""
    return {
        "format": FORMAT,
        "about": ABOUT,
        "subject": profile.subject,
        "made": _day(profile.created_s),
        "changed": _day(profile.updated_s),
        "model": {"name": profile.model, "sha256": profile.sha256},
        "baseline": None if profile.baseline is None else _baseline(profile.baseline),
        "body": None if profile.body is None else _body(profile.body),
        "takes": [_take(take) for take in profile.takes],
        "thresholds": dict(profile.thresholds),
        "signature": base64.b64encode(profile.signature).decode() or None,
    }


def _baseline(known: Baseline) -> dict[str, Any]:
    rows = zip(CONTEXTS, known.seconds.tolist(), known.mean, known.spread, strict=True)
    return {
        "about": "what is usual for her: mean and variance of each feature, in each kind of movement",
        "features": known.features,
        "frozen": known.frozen,
        "observations_made_on_purpose": known.vouched,
        "kinds": {
            kind: {"seconds": seconds, "mean": _plain(mean), "variance": _plain(spread)}
            for kind, seconds, mean, spread in rows
        },
    }


def _body(body: Proportions) -> dict[str, Any]:
    bones = zip(BONE_NAMES, _plain(np.exp(body.mean)), _plain(body.deviation), strict=True)
    return {
        "about": "lengths of bones in metres, with the deviation of their logarithms; by them a swap is noticed",
        "looks": body.looks,
        "bones": {name: {"length_m": length, "deviation": deviation} for name, length, deviation in bones},
    }


def _take(take: TaughtTake) -> dict[str, Any]:
    return {
        "label": take.label,
        "name": take.name,
        "seconds": take.seconds,
        "features": take.features,
        "hash_of_the_movement": take.take_id,
        "rows": _plain(take.rows),  # (S, D)
    }


def _plain(numbers: ArrayLike) -> Any:
    """Return numbers of any shape as nested lists, those that are not finite as None."""
    values = np.asarray(numbers, dtype=np.float64).round(DIGITS)
    told = values.astype(object)
    told[~np.isfinite(values)] = None
    return told.tolist()


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
