"""Honesty about privacy: each of the sixteen features is proved here, elsewhere, or named as not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from privacy.ELSEWHERE import ELSEWHERE, NOT_THERE

ROOT = Path(__file__).parents[2]
FEATURES = range(1, 17)


def numbered() -> set[int]:
    """Return the features that have a file here."""
    return {int(re.findall(r"test_(\d\d)_", path.name)[0]) for path in Path(__file__).parent.glob("test_[0-9]*.py")}


def names_in(path: Path) -> set[str]:
    """Return the names of the tests in a file."""
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_feature_is_accounted_for() -> None:
    """Sixteen features, each with a file test_NN here or tests elsewhere."""
    assert sorted(numbered() | set(ELSEWHERE)) == list(FEATURES)
    assert set(NOT_THERE) <= set(FEATURES)


def test_what_is_pointed_to_exists() -> None:
    """Every test elsewhere that a feature rests on is there under that name."""
    pointed = [each for tests in ELSEWHERE.values() for each in tests]
    missing = [each for each in pointed if not exists(each)]
    assert missing == []


def exists(pointed: str) -> bool:
    """Tell whether `file::test` is a test of the repository."""
    file, _, test = pointed.partition("::")
    return (ROOT / file).is_file() and test in names_in(ROOT / file)


def test_what_is_not_there_says_why() -> None:
    """A reason of more than a few words each."""
    assert [number for number, reason in NOT_THERE.items() if len(reason) < 30] == []
