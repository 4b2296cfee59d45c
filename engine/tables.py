"""What a retarget table is, and how one is looked up in the names of a skeleton."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from .axes import Axes
from .body import JOINT_NAMES
from .skeleton import Skeleton

Blend = tuple[tuple[int, float], ...]

SIDES: Final = ("Left", "Right")
_COPY_SUFFIX: Final = re.compile(r"[_.#\- (]+\d+\)?$")
_WEIGHTED: Final = re.compile(r"^(?:(\d*\.?\d+) )?(.+)$")


@dataclass(frozen=True)
class Table:
    """Say which joints of one maker's skeletons make up the body.

    trunk: body joint -> source. limbs: the same for both sides, without the side: body part -> source, where ``*``
    stands for the maker's word for the side. A source is a name, alternatives ``A|B`` of which the first that exists
    counts, or a blend ``0.5 A + 0.5 B``. Case, separators and namespace prefixes of names do not matter.
    requires: names without which it is some other maker's skeleton. axes: the maker's convention where files of it
    carry no rest pose to tell; unit_m: metres per unit where the figures alone would not tell. pose: where rest is no
    pose at all because every joint is drawn in axes of its own, which of these are left, up and forward in the T-pose.
    """

    name: str
    trunk: Mapping[str, str]
    limbs: Mapping[str, str]
    sides: tuple[str, str] = SIDES
    requires: tuple[str, ...] = ()
    axes: Axes | None = None
    unit_m: float | None = None
    pose: Mapping[str, Axes] = field(default_factory=dict[str, Axes])

    @cached_property
    def joints(self) -> dict[str, str]:
        """Spell trunk and limbs out: body joint -> source."""
        spelled = dict(self.trunk)
        for side, word in zip(SIDES, self.sides, strict=True):
            spelled |= {side + part: source.replace("*", word) for part, source in self.limbs.items()}
        return spelled


def key(name: str) -> str:
    """Reduce a joint's name to what tells it apart: no namespace, no case, no separators."""
    bare = re.split(r"[:|]", name)[-1]
    return "".join(c for c in bare.casefold() if c.isalnum())


def keys(names: Sequence[str]) -> list[str]:
    """Reduce the names of one skeleton, dropping a prefix or a copy's number that most of them share."""
    bare = [re.split(r"[:|]", name)[-1] for name in names]
    if sum(bool(_COPY_SUFFIX.search(name)) for name in bare) > 0.8 * len(bare):
        bare = [_COPY_SUFFIX.sub("", name) for name in bare]
    prefix = common_prefix(bare)
    return [key(name[len(prefix) :] if name.startswith(prefix) else name) for name in bare]


def common_prefix(names: Sequence[str]) -> str:
    """Return what four fifths of the names begin with, up to a separator ("Bip01 ", "Character1_"); "" for nothing."""
    starts: Counter[str] = Counter()
    for name in names:
        starts.update({name[: cut.end()] for cut in re.finditer(r"[ _.\-]+", name) if 0 < cut.start() < len(name) - 1})
    shared = [start for start, n in starts.items() if n > 0.8 * len(names) and n > 2]
    return max(shared, key=len, default="")


def look_up(table: Table, found: Mapping[str, int]) -> dict[str, Blend]:
    """Return the joints of the body that a table finds among the keys of a skeleton (key -> joint)."""
    if any(key(name) not in found for name in table.requires):
        return {}
    blends = {joint: _resolve(source, found) for joint, source in table.joints.items()}
    return {joint: blends[joint] for joint in JOINT_NAMES if blends.get(joint)}


def _resolve(source: str, found: Mapping[str, int]) -> Blend:
    """Return joints and weights of one source; nothing when a joint of it is lacking."""
    for choice in source.split("|"):
        terms = [_WEIGHTED.match(term.strip()) for term in choice.split(" + ")]
        named = [(key(term[2]), float(term[1] or 1.0)) for term in terms if term]
        if all(name in found for name, _ in named):
            return tuple((found[name], weight) for name, weight in named)
    return ()


def points_skeleton(names: Sequence[str]) -> Skeleton:
    """Return a skeleton of points that no bone joins, for sources that give positions only."""
    return Skeleton(tuple(names), (-1,) * len(names), np.zeros((len(names), 3)))
