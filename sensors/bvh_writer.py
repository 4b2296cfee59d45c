"""Write BVH files that read back to the last bit: every number in its shortest exact decimal form."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from ..engine.errors import BvhError
from .bvh_file import POSITIONS, ROTATIONS, SCALES, Bvh, EndSite
from .bvh_header import MAX_CHANNELS, MAX_JOINTS, MAX_NAME
from .bvh_numbers import LIMIT
from .bvh_rate import LONGEST_S, SHORTEST_S, write_frame_time

_CHANNELS: Final = frozenset(POSITIONS + ROTATIONS + SCALES)
_ROWS: Final = 256  # written at once


def write_bvh(bvh: Bvh) -> bytes:
    """Return the file, UTF-8 with LF; raises BvhError for what no reader could read back the same."""
    return b"".join(_pieces(bvh))


def save_bvh(bvh: Bvh, path: str | Path) -> None:
    """Write the file in one step: it is there whole or, after any failure, as it was before; raises BvhError."""
    path = Path(path)
    pieces = _pieces(bvh)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BvhError(str(path), f"cannot be written: {reason}", mend="check the folder and its permissions") from None


def _pieces(bvh: Bvh) -> Iterator[bytes]:
    """Yield the file piece by piece."""
    _check(bvh)
    yield "\n".join(_hierarchy(bvh)).encode()
    time = write_frame_time(bvh.frame_time_s)
    yield f"\nMOTION\nFrames: {len(bvh.motion)}\nFrame Time: {time}\n".encode()
    for at in range(0, len(bvh.motion), _ROWS):
        rows = bvh.motion[at : at + _ROWS].tolist()
        yield "".join(" ".join(map(repr, row)) + "\n" for row in rows).encode()


def _hierarchy(bvh: Bvh) -> Iterator[str]:
    """Yield its lines; joints stand in the order of the skeleton, which `_check` found to be that of the tree."""
    yield "HIERARCHY"
    depth = [0] * len(bvh.channels)
    open_joints: list[int] = []
    for joint, (name, parent) in enumerate(zip(bvh.skeleton.names, bvh.skeleton.parents, strict=True)):
        while open_joints and open_joints[-1] != parent:
            yield "\t" * (len(open_joints) - 1) + "}"
            open_joints.pop()
        depth[joint] = len(open_joints)
        tabs = "\t" * depth[joint]
        yield f"{tabs}{'ROOT' if parent < 0 else 'JOINT'} {name}"
        yield f"{tabs}{{"
        yield f"{tabs}\tOFFSET {_three(bvh.skeleton.offsets[joint].tolist())}"
        yield f"{tabs}\tCHANNELS {' '.join((str(len(bvh.channels[joint])), *bvh.channels[joint]))}"
        for end in bvh.end_sites:
            if end.parent == joint:
                yield from _end_site(end, tabs + "\t")
        open_joints.append(joint)
    for left in range(len(open_joints) - 1, -1, -1):
        yield "\t" * left + "}"


def _end_site(end: EndSite, tabs: str) -> Iterator[str]:
    yield f"{tabs}End Site {end.name}".rstrip()
    yield f"{tabs}{{"
    yield f"{tabs}\tOFFSET {_three(end.offset)}"
    yield f"{tabs}}}"


def _three(numbers: tuple[float, ...] | list[float]) -> str:
    return " ".join(repr(float(number)) for number in numbers)


def _check(bvh: Bvh) -> None:
    """Raise BvhError for a file that would not read back the same."""
    problem = _tree_problem(bvh) or _name_problem(bvh) or _number_problem(bvh)
    if problem:
        raise BvhError(bvh.place, f"cannot be written: {problem[0]}", mend=problem[1])


def _tree_problem(bvh: Bvh) -> tuple[str, str] | None:
    """Return problem and mend of joints in another order than the tree's, or of odd channels."""
    path: list[int] = []
    for joint, parent in enumerate(bvh.skeleton.parents):
        while path and path[-1] != parent:
            path.pop()
        if not path and parent >= 0:
            return f"joint {bvh.skeleton.names[joint]!r} stands apart from its parent", "sort the joints depth first"
        path.append(joint)
    if not 0 < len(bvh.skeleton.names) <= MAX_JOINTS or len(bvh.channels) != len(bvh.skeleton.names):
        return f"{len(bvh.skeleton.names)} joints, {len(bvh.channels)} lists of channels", "one list a joint"
    if any(len(words) > MAX_CHANNELS or not _CHANNELS.issuperset(words) for words in bvh.channels):
        return "channels that no reader knows", f"use {', '.join(sorted(_CHANNELS))}"
    ends = [end.parent for end in bvh.end_sites]
    if ends != sorted(ends) or len(ends) > 2 * MAX_JOINTS or not all(0 <= end < len(bvh.channels) for end in ends):
        return "End Sites of no joint, too many of them or not sorted by joint", "sort them by joint"
    return None


def _name_problem(bvh: Bvh) -> tuple[str, str] | None:
    """Return problem and mend of a name that a reader would read differently."""
    for name in (*bvh.skeleton.names, *(end.name for end in bvh.end_sites)):
        if (
            name.strip() != name
            or len(name) > MAX_NAME
            or any(c in "{}\r\n\0" or "\ud800" <= c <= "\udfff" for c in name)
        ):
            return f"the name {name[:40]!r}", "no braces, line breaks or blanks at its ends, and not too long"
    if "" in bvh.skeleton.names:
        return "a joint without a name", "name it"
    return None


def _number_problem(bvh: Bvh) -> tuple[str, str] | None:
    """Return problem and mend of numbers that a reader would refuse."""
    width = sum(map(len, bvh.channels))
    if bvh.motion.ndim != 2 or bvh.motion.shape[1] != width or not width or not len(bvh.motion):
        return f"motion of shape {bvh.motion.shape} for {width} channels", "give at least one frame and one channel"
    offsets = [float(x) for end in bvh.end_sites for x in end.offset] + bvh.skeleton.offsets.ravel().tolist()
    if not all(abs(x) <= LIMIT for x in offsets) or not np.all(np.abs(bvh.motion) <= LIMIT):
        return "a number that is not finite or out of range", f"offsets and values lie within {LIMIT:g}"
    if not (math.isfinite(bvh.frame_time_s) and SHORTEST_S <= bvh.frame_time_s <= LONGEST_S):
        return f"a frame time of {bvh.frame_time_s} s", f"{SHORTEST_S:g} to {LONGEST_S:g} s"
    return None
