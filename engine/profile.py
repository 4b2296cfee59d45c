"""A performer's profile: all that the engine keeps of her, as a value and as bytes. Sealing and files are elsewhere.

It holds statistics and no movement: what is usual for her (`baseline`), the feature rows of the takes she labelled
(`taught`), the proportions of her body by which a swap of persons is noticed, and, if she wants it, a signature. Her
name is not in it: `subject` is a random number. It belongs to one model, and is of no use with another.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from . import baseline as baselines
from .baseline import Baseline
from .errors import ProfileError
from .skeleton import Float32
from .swap import BONES, Proportions
from .taught import MOST_ROWS, TaughtTake

VERSION: Final = 1
MOST_TAKES: Final = 120  # of a few ten kilobytes each
MOST_FEATURES: Final = 8192
MAX_SIGNATURE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Hold what is known of one performer.

    subject: pseudonym. created_s, updated_s: wall-clock seconds since 1970. model, sha256: whom it belongs to.
    baseline, body: None before a warm-up. takes: in the order in which they were taught. thresholds: by name, such as
    "unknown", overruling the model's. signature: whatever the signature's own code makes of it, empty unless asked for.
    """

    subject: str
    created_s: float
    updated_s: float
    model: str
    sha256: str
    baseline: Baseline | None = None
    body: Proportions | None = None
    takes: tuple[TaughtTake, ...] = ()
    thresholds: dict[str, float] = field(default_factory=dict[str, float])
    signature: bytes = b""

    @property
    def labels(self) -> dict[str, int]:
        """Return the taught labels with how many takes each has, in alphabetical order."""
        named = [take.label for take in self.takes]
        return {label: named.count(label) for label in sorted(set(named))}

    def with_take(self, take: TaughtTake) -> Profile:
        """Return the profile with one take more; raises ProfileError where there is no room."""
        if len(self.takes) >= MOST_TAKES:
            raise ProfileError("profile", f"{MOST_TAKES} takes are in it", mend="remove some: emotus teach --remove N")
        return replace(self, takes=(*self.takes, take))

    def without_take(self, number: int) -> Profile:
        """Return the profile without take `number`, counted from 1; raises ProfileError where there is none."""
        if not 1 <= number <= len(self.takes):
            raise ProfileError("profile", f"has no take {number}", mend=f"it has {len(self.takes)}: --list shows them")
        return replace(self, takes=(*self.takes[: number - 1], *self.takes[number:]))

    def require_model(self, model: str, sha256: str, place: str) -> None:
        """Raise ProfileError where the profile belongs to another model."""
        if self.sha256 != sha256:
            problem = f"was made with the model {self.model} ({self.sha256[:8]}), not with {model} ({sha256[:8]})"
            raise ProfileError(place, problem, mend="warm up and teach again, or name its model with --model")


def new_profile(model: str, sha256: str, now_s: float) -> Profile:
    """Return the profile of somebody of whom nothing is known yet, under a pseudonym of her own."""
    return Profile(secrets.token_hex(8), now_s, now_s, model, sha256)


class _Take(msgspec.Struct, forbid_unknown_fields=True):
    label: str
    features: str
    take_id: str
    name: str
    seconds: float
    size: int
    rows: bytes


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    looks: int
    mean: bytes
    deviation: bytes


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    subject: str
    created_s: float
    updated_s: float
    model: str
    sha256: str
    baseline: bytes
    body: _Body | None
    takes: list[_Take]
    thresholds: dict[str, float]
    signature: bytes


class _Version(msgspec.Struct):
    version: int


def to_bytes(profile: Profile) -> bytes:
    """Return the profile as MessagePack, in the clear; `vault.seal` is for files. Raises ProfileError if too large."""
    if len(profile.signature) > MAX_SIGNATURE_BYTES:
        raise ProfileError("profile", f"a signature of {len(profile.signature)} bytes is too large")
    stored = _Stored(
        version=VERSION,
        subject=profile.subject,
        created_s=profile.created_s,
        updated_s=profile.updated_s,
        model=profile.model,
        sha256=profile.sha256,
        baseline=b"" if profile.baseline is None else baselines.to_bytes(profile.baseline),
        body=None if profile.body is None else _stored_body(profile.body),
        takes=[_stored_take(take) for take in profile.takes],
        thresholds=profile.thresholds,
        signature=profile.signature,
    )
    return msgspec.msgpack.encode(stored)


def from_bytes(data: bytes, place: str = "profile") -> Profile:
    """Read what `to_bytes` wrote; raises ProfileError naming the place for anything else."""
    try:
        version = msgspec.msgpack.decode(data, type=_Version).version
        if version != VERSION:
            problem = f"is of version {version}, and this emotus reads {VERSION}"
            raise ProfileError(place, problem, mend="update emotus, or warm up and teach again")
        stored = msgspec.msgpack.decode(data, type=_Stored)
        takes = tuple(_take(each) for each in stored.takes[: MOST_TAKES + 1])
        body = None if stored.body is None else _body(stored.body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ProfileError(place, "is no profile", mend="name a file that `emotus calibrate` wrote") from None
    numbers = (stored.created_s, stored.updated_s, *stored.thresholds.values())
    texts = (stored.subject, stored.model, stored.sha256, *(text for take in takes for text in (take.label, take.name)))
    if len(takes) > MOST_TAKES or not all(map(math.isfinite, numbers)) or not all(map(str.isprintable, texts)):
        raise ProfileError(place, "holds what is never written")
    return Profile(
        subject=stored.subject,
        created_s=stored.created_s,
        updated_s=stored.updated_s,
        model=stored.model,
        sha256=stored.sha256,
        baseline=baselines.from_bytes(stored.baseline, place) if stored.baseline else None,
        body=body,
        takes=takes,
        thresholds=stored.thresholds,
        signature=stored.signature,
    )


def _stored_take(take: TaughtTake) -> _Take:
    rows = np.asarray(take.rows, dtype="<f4")  # (S, D)
    return _Take(take.label, take.features, take.take_id, take.name, take.seconds, rows.shape[1], rows.tobytes())


def _take(stored: _Take) -> TaughtTake:
    if not 0 < stored.size <= MOST_FEATURES or not math.isfinite(stored.seconds):
        raise ValueError("no such take")
    rows = _numbers(stored.rows, "<f4").reshape(-1, stored.size)
    if not 0 < len(rows) <= MOST_ROWS:
        raise ValueError("no such take")
    single: Float32 = rows.astype(np.float32)
    return TaughtTake(stored.label, single, stored.features, stored.take_id, stored.name, stored.seconds)


def _stored_body(body: Proportions) -> _Body:
    unknown = -1e9  # where a bone was never seen: only finite numbers are stored
    mean, deviation = (np.nan_to_num(each, nan=unknown).astype("<f8").tobytes() for each in (body.mean, body.deviation))
    return _Body(body.looks, mean, deviation)


def _body(stored: _Body) -> Proportions:
    mean, deviation = (_numbers(each, "<f8").reshape(BONES) for each in (stored.mean, stored.deviation))
    seen = mean > -1e8
    return Proportions(np.where(seen, mean, np.nan), np.where(seen, np.abs(deviation), np.nan), stored.looks)


def _numbers(data: bytes, kind: str) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):  # altered bytes may be a signalling NaN: refused below, not warned of
        numbers: NDArray[np.float64] = np.frombuffer(data, dtype=kind).astype(np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("not finite")
    return numbers


def describe(profile: Profile) -> list[str]:
    """Return what is inside in plain lines: labels, takes, seconds, model; nothing by which a body could be known."""
    lines = [f"model: {profile.model} ({profile.sha256[:8]})", f"subject: {profile.subject} (a pseudonym)"]
    known = profile.baseline
    lines.append("baseline: none (emotus calibrate)" if known is None else f"baseline: {_evidence(known)}")
    if not profile.takes:
        lines.append("taught: nothing (emotus teach)")
    lines += _takes(profile.takes)
    lines.append(f"signature: {'kept' if profile.signature else 'none'}")
    return lines


def _evidence(baseline: Baseline) -> str:
    kinds = zip(baselines.CONTEXTS, baseline.seconds.tolist(), strict=True)
    parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in kinds if seconds >= 0.5)
    frozen = ", frozen" if baseline.frozen else ""
    return f"{baseline.evidence_s:.0f} s of evidence{f' ({parts})' if parts else ''}{frozen}"


def _takes(takes: Sequence[TaughtTake]) -> list[str]:
    return [f"take {i}: {take.label!r}, {take.seconds:.1f} s, {take.name}" for i, take in enumerate(takes, 1)]
