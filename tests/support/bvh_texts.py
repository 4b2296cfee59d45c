"""BVH texts for tests: a body, and any hierarchy with any rows, written in any dialect."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[3] / "shared" / "data"
REAL = sorted((DATA / "bvh").glob("*.bvh"))

TWO_JOINTS = """HIERARCHY
ROOT Hips
{
\tOFFSET 0.0 90.0 0.0
\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
\tJOINT Spine
\t{
\t\tOFFSET 0.0 10.5 0.25
\t\tCHANNELS 3 Zrotation Xrotation Yrotation
\t\tEnd Site
\t\t{
\t\t\tOFFSET 0.0 5.0 0.0
\t\t}
\t}
}
"""
ROWS = np.array([[1, 91, 2, 10.5, -20.25, 30, 1, 2, 3], [1.5, 91, 2.5, 11, -21, 31, 4, 5, -6.5]])


def rows_text(rows: Sequence[Sequence[float]] | np.ndarray, line: str = "\n", blank: str = " ") -> str:
    """Write rows as numbers with blanks between them."""
    return "".join(blank.join(f"{x:g}" for x in row) + line for row in np.asarray(rows).tolist())


def text(hierarchy: str = TWO_JOINTS, motion: str | None = None, frames: str = "Frames: 2", time: str = "0.05") -> str:
    """Write a whole text; motion is the text of the rows, two of them unless given."""
    motion = rows_text(ROWS) if motion is None else motion
    return f"{hierarchy}MOTION\n{frames}\nFrame Time: {time}\n{motion}"


BODY = (
    ("Hips", -1, (0, 95, 0)), ("Spine", 0, (0, 10, 0)), ("Chest", 1, (0, 18, 0)), ("Neck", 2, (0, 24, 0)),
    ("Head", 3, (0, 10, 0)), ("LeftShoulder", 2, (5, 18, 0)), ("LeftArm", 5, (13, 0, 0)),
    ("LeftForeArm", 6, (29, 0, 0)), ("LeftHand", 7, (25, 0, 0)), ("RightShoulder", 2, (-5, 18, 0)),
    ("RightArm", 9, (-13, 0, 0)), ("RightForeArm", 10, (-29, 0, 0)), ("RightHand", 11, (-25, 0, 0)),
    ("LeftUpLeg", 0, (9, -2, 0)), ("LeftLeg", 13, (0, -42, 0)), ("LeftFoot", 14, (0, -42, 0)),
    ("LeftToeBase", 15, (0, -6, 14)), ("RightUpLeg", 0, (-9, -2, 0)), ("RightLeg", 17, (0, -42, 0)),
    ("RightFoot", 18, (0, -42, 0)), ("RightToeBase", 19, (0, -6, 14)),
)  # fmt: skip


def body_hierarchy() -> str:
    """Write a body of 21 joints with Mixamo's names, in centimetres, three channels a joint and six on the hips."""
    lines = ["HIERARCHY"]
    stack: list[int] = []
    for joint, (name, parent, offset) in enumerate(BODY):
        while stack and stack[-1] != parent:
            stack.pop()
            lines.append("}")
        lines += [f"{'JOINT' if stack else 'ROOT'} {name}", "{", "OFFSET {} {} {}".format(*offset)]
        moves = "" if stack else "Xposition Yposition Zposition "
        lines.append(f"CHANNELS {3 if stack else 6} {moves}Zrotation Xrotation Yrotation")
        stack.append(joint)
    return "\n".join(lines + ["}"] * len(stack)) + "\n"


def body_text(frames: int, rate_hz: float = 30.0) -> str:
    """Write a body that walks along Z and swings its arms and legs."""
    t = np.arange(frames) / rate_hz
    rows = np.zeros((frames, 66))
    rows[:, 1], rows[:, 2] = 95.0, 120.0 * t
    for joint, amount in ((6, 30), (10, -30), (13, -30), (17, 30)):
        rows[:, 3 + 3 * joint + 1] = amount * np.sin(2 * np.pi * t)
    motion = "".join(" ".join(f"{x:.4f}" for x in row) + "\n" for row in rows)
    return text(body_hierarchy(), motion, f"Frames: {frames}", repr(1 / rate_hz))
