"""Find the 21 joints of the body in a skeleton of any make, and how its axes, unit and rest pose are to be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from . import quaternion, turning
from .body import BODY, JOINT_COUNT, JOINT_INDEX, JOINT_NAMES
from .errors import SkeletonError
from .naming import by_names
from .quaternion import Floats
from .rest import Rest, body_points, is_standing, understand
from .shape import by_shape, path_lengths
from .skeleton import Float32, Float64, Skeleton
from .skeleton_tables import TABLES
from .tables import SIDES, Blend, Table, keys, look_up

DERIVED_CONFIDENCE: Final = 0.8  # of a joint that lies between others by the body's proportions
UNKNOWN: Final = "names and hierarchy"
NEAREST: Final = 1e-6  # units of the source over which a body stretches: less is a point, whatever the rounding
FARTHEST: Final = 1e7  # units of the source: ten kilometres in millimetres, far below where squares overflow
FRAMES_READ: Final = 600  # of the first frames: enough to see a person stand, however long the file is

_LIMBS: Final = ("UpperLeg", "LowerLeg", "UpperArm", "LowerArm")

# What is derived when the source lacks it, in this order: joint, and the share of each of the body's others.
_DERIVED: Final[tuple[tuple[str, tuple[tuple[str, float], ...]], ...]] = (
    ("Hips", (("LeftUpperLeg", 0.5), ("RightUpperLeg", 0.5))),
    ("Neck", (("LeftUpperArm", 0.5), ("RightUpperArm", 0.5))),
    ("Neck", (("Hips", 0.17), ("Head", 0.83))),
    ("Chest", (("Spine", 0.58), ("Neck", 0.42))),
    ("Chest", (("Hips", 0.47), ("Neck", 0.53))),
    ("Spine", (("Hips", 0.63), ("Chest", 0.37))),
    *((f"{side}Shoulder", (("Neck", 0.72), (f"{side}UpperArm", 0.28))) for side in SIDES),
)


@dataclass(frozen=True)
class Match:
    """Tell which joints of a skeleton make up the body, and how to read them.

    table: name of the table, or "names and hierarchy". blends: 21 tuples of (source joint, weight); one pair for a
    joint that the source has, several for one that lies between others, none for one that it lacks. confidence: (21,)
    float32, 1, 0.8 and 0 for these three. tips: body joint -> (3,) offset, in the source's unit, of a bone's end that
    stands for the joint, from the source joint of the body joint's parent; their confidence is 0.8 too. rest: axes and
    unit. drivers: 21 source joints whose rotations turn the body's. turns: (21, 4) from the driver's global rotation in
    the house to the body joint's, None where neither a standing rest pose nor frames with rotations were there to find
    it. unused: names that play no part.
    """

    skeleton: Skeleton
    table: str
    blends: tuple[Blend, ...]
    confidence: Float32
    tips: Mapping[int, Float64]
    rest: Rest
    drivers: tuple[int, ...]
    turns: Floats | None
    unused: tuple[str, ...]

    @cached_property
    def lacking(self) -> tuple[str, ...]:
        """Name the body's joints that the source has nothing for."""
        return tuple(name for name, known in zip(JOINT_NAMES, self.confidence, strict=True) if known == 0)

    def describe(self) -> str:
        """Say in a few lines what was matched with what, what is lacking and what was guessed."""
        have = JOINT_COUNT - len(self.lacking)
        lines = [f"matched {have} of {JOINT_COUNT} joints by {self.table}"]
        lines += [f"  {name} <- {self._source(joint)}" for joint, name in enumerate(JOINT_NAMES)]
        lines += [f"  {note}" for note in self.rest.notes]
        if self.unused:
            shown = ", ".join(map(_printable, self.unused[:8])) + (", ..." if len(self.unused) > 8 else "")
            lines.append(f"  not used: {len(self.unused)} joints ({shown})")
        return "\n".join(lines)

    def _source(self, joint: int) -> str:
        """Spell one joint's source."""
        blend = self.blends[joint]
        names = self.skeleton.names
        if joint in self.tips:
            return f"the end of {_printable(names[self.blends[BODY.parents[joint]][0][0]])} (derived)"
        if len(blend) == 1:
            return _printable(names[blend[0][0]])
        terms = " + ".join(f"{weight:.2g} {_printable(names[source])}" for source, weight in blend)
        return f"{terms} (derived)" if blend else "nothing (placed by the body's proportions, confidence 0)"


def match_skeleton(
    skeleton: Skeleton,
    *,
    place: str,
    positions: ArrayLike | None = None,
    rotations: ArrayLike | None = None,
    ends: Sequence[tuple[int, ArrayLike]] = (),
    up: str | None = None,
    unit_m: float | None = None,
    table: str | None = None,
) -> Match:
    """Find the body in a skeleton.

    positions (T, J, 3) and global rotations (T, J, 4) of the first frames, in the source's own axes and unit, settle
    what the rest pose leaves open: give them wherever they are known. ends: (joint, (3,) offset from it) of bones that
    end in no joint, as in BVH; they stand for toes, feet and hands that are no joints. up ("x", "-x", ... "-z"), unit_m
    and table (a name in `skeleton_tables.TABLES`) override what would be guessed. Of several actors the first is taken.

    Raises SkeletonError when the hips, or every leg and arm, cannot be found, or the table or axis is unknown.
    """
    if not (np.abs(skeleton.offsets) < FARTHEST).all():
        raise SkeletonError(place, f"an offset beyond {FARTHEST:g}", mend="check the OFFSET lines")
    frames, turned = _first_frames(positions, rotations)
    tables = _chosen_tables(table, place)
    used, found = _best_of_trees(skeleton, skeleton.rest_positions if frames is None else frames[0], tables, up)
    blends = _derive(found)
    _check(skeleton, blends, place)
    tips = _tips(blends, ends)
    still, drawn = _rest_pose(skeleton, blends, TABLES.get(used))
    points = body_points(blends, drawn, tips, still)
    seen = None if frames is None else body_points(blends, frames, tips, turned)
    try:
        rest = understand(skeleton, blends, TABLES.get(used), points, seen, up=up, unit_m=unit_m)
    except ValueError as error:
        raise SkeletonError(place, str(error), mend="give up= as x, y, z, -x, -y or -z") from error
    drivers = turning.drivers_of(skeleton, blends)
    turns = turning.turns_of(rest, drivers, (points, still), seen, turned)
    confidence = np.array([_confidence(blend) for blend in blends], dtype=np.float32)
    confidence[list(tips)] = DERIVED_CONFIDENCE
    return Match(skeleton, used, blends, confidence, tips, rest, drivers, turns, _unused(skeleton, blends))


def _first_frames(given: ArrayLike | None, rotations: ArrayLike | None) -> tuple[Float64 | None, Float64 | None]:
    """Return the first frames as float64 without those that no body can be in (not finite, all in one point)."""
    if given is None:
        return None, None
    frames = np.asarray(given)[:FRAMES_READ].astype(np.float64)
    good = (np.abs(frames) < FARTHEST).all(axis=(1, 2)) & (np.ptp(frames, axis=1) > NEAREST).any(axis=1)  # (T,)
    if not good.any():
        return None, None
    turned = None if rotations is None else np.asarray(rotations)[:FRAMES_READ][good].astype(np.float64)
    return frames[good], turned


def _rest_pose(skeleton: Skeleton, blends: Sequence[Blend], table: Table | None) -> tuple[Floats, Floats]:
    """Return global rotations (J, 4) and positions (J, 3) at rest: none and as drawn, or those that the table knows."""
    still = np.tile(quaternion.IDENTITY, (len(skeleton.names), 1))
    drawn = skeleton.rest_positions
    if table is None or not table.pose or is_standing(body_points(blends, drawn)):
        return still, drawn
    return turning.posed(skeleton, blends, table.pose)


def _tips(blends: Sequence[Blend], ends: Sequence[tuple[int, ArrayLike]]) -> dict[int, Float64]:
    """Find bone ends that stand for lacking feet, toes and hands: body joint -> offset from its parent's source."""
    offsets = {joint: np.asarray(offset, dtype=np.float64) for joint, offset in reversed(ends)}
    tips: dict[int, Float64] = {}
    for joint in (JOINT_INDEX[side + part] for side in SIDES for part in ("Hand", "Foot", "Toes")):
        above = blends[BODY.parents[joint]]
        offset = offsets.get(above[0][0]) if len(above) == 1 and not blends[joint] else None
        if offset is not None and np.linalg.norm(offset) > 0:
            tips[joint] = offset
    return tips


def _chosen_tables(name: str | None, place: str) -> list[Table]:
    """Return the tables to try: all, or the one that was asked for."""
    if name is None:
        return list(TABLES.values())
    if name not in TABLES:
        raise SkeletonError(place, f"no retarget table {name!r}", mend=f"one of {', '.join(TABLES)}")
    return [TABLES[name]]


def _best_of_trees(
    skeleton: Skeleton, points: Float64, tables: Sequence[Table], up: str | None
) -> tuple[str, dict[str, Blend]]:
    """Return table name and joints of the first tree with hips and four limbs, else of where most of a body is."""
    best: tuple[str, dict[str, Blend]] = (UNKNOWN, {})
    for tree in _trees(skeleton):
        name, found = _search(_part_of(skeleton, tree), points[tree], tables, up)
        if _is_whole(found) or len(found) > len(best[1]):
            whole = {joint: tuple((tree[i], weight) for i, weight in blend) for joint, blend in found.items()}
            best = (name, whole)
        if _is_whole(found):
            break
    return best


def _trees(skeleton: Skeleton) -> Iterator[list[int]]:
    """List the joints of each tree that is more than a prop, and of the forest when there are several."""
    roots: list[int] = []
    for joint, parent in enumerate(skeleton.parents):
        roots.append(joint if parent < 0 else roots[parent])
    trees: dict[int, list[int]] = {}
    for joint, root in enumerate(roots):
        trees.setdefault(root, []).append(joint)
    yield from (tree for tree in trees.values() if len(tree) > 1)
    if len(trees) > 1:
        yield list(range(len(roots)))


def _part_of(skeleton: Skeleton, joints: Sequence[int]) -> Skeleton:
    """Cut a skeleton down to some of its joints, parents included."""
    if len(joints) == len(skeleton.names):
        return skeleton
    new = {-1: -1} | {joint: i for i, joint in enumerate(joints)}
    return Skeleton(
        tuple(skeleton.names[joint] for joint in joints),
        tuple(new[skeleton.parents[joint]] for joint in joints),
        skeleton.offsets[list(joints)],
    )


def _search(
    skeleton: Skeleton, points: Float64, tables: Sequence[Table], up: str | None
) -> tuple[str, dict[str, Blend]]:
    """Look for the body in one tree: by the tables, then by its names, and where these say nothing by its branches."""
    found = {name: joint for joint, name in reversed(list(enumerate(keys(skeleton.names))))}
    hits = [(table, look_up(table, found)) for table in tables]
    table, hit = max(hits, key=lambda pair: (len(pair[1]), len(pair[0].requires)))
    if _is_whole(hit):
        return table.name, hit
    named = by_names(skeleton.names, path_lengths(skeleton))
    if not _is_whole(named) and min(skeleton.parents[1:], default=-1) >= 0:
        named = _join(named, by_shape(skeleton, points, up))
    return UNKNOWN, {joint: ((source, 1.0),) for joint, source in named.items()}


def _is_whole(found: Mapping[str, object]) -> bool:
    """Tell whether hips and all four limbs were found."""
    return "Hips" in found and all(side + part in found for side in SIDES for part in _LIMBS)


def _join(named: dict[str, int], shaped: dict[str, int]) -> dict[str, int]:
    """Keep what the names say and add what the branches say of other joints; without hips the names say too little."""
    if "Hips" not in named:
        return shaped or named
    taken = set(named.values())
    return named | {joint: i for joint, i in shaped.items() if joint not in named and i not in taken}


def _derive(found: Mapping[str, Blend]) -> tuple[Blend, ...]:
    """Add the joints that lie between others by the body's proportions."""
    blends = dict(found)
    for joint, shares in _DERIVED:
        if not blends.get(joint) and all(blends.get(other) for other, _ in shares):
            total: dict[int, float] = {}
            for other, share in shares:
                for source, weight in blends[other]:
                    total[source] = total.get(source, 0.0) + share * weight
            blends[joint] = tuple(total.items())
    return tuple(blends.get(joint, ()) for joint in JOINT_NAMES)


def _check(skeleton: Skeleton, blends: Sequence[Blend], place: str) -> None:
    """Raise SkeletonError unless there are hips, something of a trunk, and at least one leg or both arms."""
    have = {joint for joint, blend in zip(JOINT_NAMES, blends, strict=True) if blend}
    legs = any(side + part in have for side in SIDES for part in ("UpperLeg", "LowerLeg"))
    arms = all(side + "UpperArm" in have for side in SIDES)
    trunk = bool({"Head", "Neck", "Chest", "Spine"} & have)
    if "Hips" in have and trunk and (legs or arms):
        return
    missing = [
        word for word, known in (("hips", "Hips" in have), ("trunk or head", trunk), ("legs or arms", legs or arms))
        if not known
    ]  # fmt: skip
    names = ", ".join(map(_printable, skeleton.names[:6])) + (", ..." if len(skeleton.names) > 6 else "")
    raise SkeletonError(
        place,
        f"no human body among its {len(skeleton.names)} joints ({names}): found no {', no '.join(missing)}",
        mend="name the joints as one of the known tables does, or convert the file",
    )


def _printable(name: str) -> str:
    """Return a joint's name as fits into one line of a terminal, whatever the file put into it."""
    shown = "".join(c if c.isprintable() else "?" for c in name[:24])
    return shown + ("..." if len(name) > 24 else "")


def _confidence(blend: Blend) -> float:
    """Return what a joint is worth by its source."""
    return 0.0 if not blend else 1.0 if len(blend) == 1 else DERIVED_CONFIDENCE


def _unused(skeleton: Skeleton, blends: Sequence[Blend]) -> tuple[str, ...]:
    """Name the joints that no blend speaks of."""
    used = {source for blend in blends for source, _ in blend}
    return tuple(name for joint, name in enumerate(skeleton.names) if joint not in used)
