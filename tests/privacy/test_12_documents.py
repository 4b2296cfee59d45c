"""PRIVACY.md 12: the documents are there, their links lead somewhere, and every test and command they name exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from privacy.test_13_surface import commands
from typer.main import get_command

from emotus.__main__ import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "PRIVACY.md",
    ROOT / "SECURITY.md",
    *(ROOT / "docs" / "privacy" / name for name in ("deployers.md", "dpia-template.md", "threat-model.md")),
]
LAWS = re.compile(r"\b(?:GDPR|AI Act|complies|compliant|is legal|is lawful|Article \d|Art\. \d)", re.IGNORECASE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_links_and_named_tests_exist(path: Path) -> None:
    """Every link to a file finds it, and every `tests/file.py::test` is a test of that file."""
    text = path.read_text()
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)
    assert [link for link in links if not (path.parent / link).exists()] == []
    named = re.findall(r"`(tests/[\w/.-]+\.py)(?:::(\w+))?`", text)
    assert [f"{file}::{test}" for file, test in named if not there(file, test)] == []


def there(file: str, test: str) -> bool:
    """Tell whether a test, or a file where no test is named, is there."""
    path = ROOT / file
    if not path.is_file():
        return False
    tree = ast.parse(path.read_text())
    return not test or test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_they_name_only_commands_and_targets_there_are(path: Path) -> None:
    """Every `emotus COMMAND` and `make TARGET` of the documents is one."""
    known = commands(get_command(app))
    text = path.read_text()
    used = re.findall(
        r"(?:`|^ {4})emotus ([a-z]+(?: (?:show|export|map|distance|library))?(?: (?:add|forget|rotate))?)",
        text,
        re.MULTILINE,
    )
    assert [name for name in used if not any(each == name or each.split()[0] == name for each in known)] == []
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_they_claim_no_law(path: Path) -> None:
    """They say what the program does and what to do; no claim about any law is made."""
    assert LAWS.findall(path.read_text()) == []


def test_the_figures_of_privacy_and_the_sixteen_features_are_all_spoken_of() -> None:
    """The page a reader meets first speaks of consent, loopback, pictures, keeping, export, forgetting and limits."""
    text = (ROOT / "PRIVACY.md").read_text()
    for word in (
        "consent",
        "loopback",
        "pictures",
        "kept",
        "export",
        "forget",
        "--blind",
        "keep=DAYS",
        "sealed",
        "Limits",
    ):
        assert word in text, word
