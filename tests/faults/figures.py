"""The figure of a row: printed, and kept in one file of JSON lines where EMOTUS_FAULTS_JSON names it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

BETTER = Literal["<=", ">=", "=="]
_HOLDS = {"<=": lambda value, goal: value <= goal, ">=": lambda value, goal: value >= goal, "==": lambda a, b: a == b}


def figure(
    row: int, name: str, value: float, goal: float | None = None, unit: str = "", *, better: BETTER = "<="
) -> bool:
    """Print one figure of a row and append it to the file; return whether it reaches its goal, where it has one.

    goal: what FAULTS.md asks for, None where it only asks that the figure be shown. Says; judging is the test's.
    """
    value = round(float(value), 6)
    met = goal is None or bool(_HOLDS[better](value, goal))
    asked = "" if goal is None else f" (goal {better} {goal:g}{', missed' * (not met)})"
    print(f"row {row}: {name}: {value:g} {unit}{asked}".rstrip())
    path = os.environ.get("EMOTUS_FAULTS_JSON")
    if path:
        told = {"row": row, "name": name, "value": value, "unit": unit, "goal": goal, "better": better, "met": met}
        with Path(path).open("a") as file:
            file.write(json.dumps(told) + "\n")
    return met
