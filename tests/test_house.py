"""The rules of the house that no linter knows: sizes, leftovers, sentences, and documents that tell the truth."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command

from emotus.__main__ import app

ROOT = Path(__file__).parent.parent
ROOMS = ("engine", "models", "sensors", "bridges", "training")
PACKAGE = sorted([*ROOT.glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))])
OTHERS = sorted(path for room in ("benchmarks", "examples", "tests") for path in (ROOT / room).rglob("*.py"))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
README = (ROOT / "README.md").read_text()

LONGEST_FILE = 400  # lines; 300 is the aim
LONGEST_FUNCTION = 60  # lines without the docstring
P90_FUNCTION, MEDIAN_FUNCTION = 25, 8

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(path: Path) -> str:
    """Return a path below the root, for messages and test ids."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text())


def functions(path: Path) -> Iterator[Function]:
    """Yield every function of a file, methods and inner ones too."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def length(function: Function) -> int:
    """Return the lines from def to the end, without the docstring."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function, clean=False) is not None
    docstring = first.end_lineno - first.lineno + 1 if has_docstring else 0
    return function.end_lineno - function.lineno + 1 - docstring


def test_no_file_is_longer_than_a_sitting() -> None:
    """A file has at most 400 lines, so that one reads it whole."""
    assert [name(path) for path in PACKAGE + OTHERS if len(path.read_text().splitlines()) > LONGEST_FILE] == []


def test_no_function_is_longer_than_a_page() -> None:
    """A function has at most 60 lines without its docstring."""
    everything = [(path, function) for path in PACKAGE + OTHERS for function in functions(path)]
    assert [f"{name(path)}: {f.name}" for path, f in everything if length(f) > LONGEST_FUNCTION] == []


def test_functions_of_the_package_are_short() -> None:
    """Half of the package's functions have at most 8 lines, nine of ten at most 25."""
    lengths = [length(function) for path in PACKAGE for function in functions(path)]
    assert statistics.median(lengths) <= MEDIAN_FUNCTION
    assert statistics.quantiles(lengths, n=10)[-1] <= P90_FUNCTION


def test_nothing_is_left_for_later() -> None:
    """No file carries a note of unfinished work, and none raises NotImplementedError."""
    notes = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
    assert [name(path) for path in PACKAGE + OTHERS if notes.search(path.read_text())] == []
    names = {name(path): {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)} for path in PACKAGE}
    assert [file for file, used in names.items() if "NotImplementedError" in used] == []


def test_no_error_is_swallowed() -> None:
    """No handler is bare, and none that catches everything passes over it in silence."""
    handlers = [
        (path, node) for path in PACKAGE for node in ast.walk(tree(path)) if isinstance(node, ast.ExceptHandler)
    ]
    assert handlers
    assert [f"{name(path)}:{handler.lineno}" for path, handler in handlers if swallows(handler)] == []


def swallows(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler is bare, or catches everything and does nothing."""
    catches_all = isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException")
    silent = all(isinstance(statement, ast.Pass | ast.Continue) for statement in handler.body)
    return handler.type is None or (catches_all and silent)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("except:\n  say()", True),
        ("except Exception:\n  pass", True),
        ("except Exception:\n  say()", False),
        ("except OSError:\n  pass", False),
    ],
)
def test_swallowed_errors_are_seen(text: str, expected: bool) -> None:
    """The rule above tells a swallowed error from a handled one."""
    (handler,) = ast.parse(f"try:\n  act()\n{text}").body[0].handlers
    assert swallows(handler) is expected


def test_the_package_imports_itself_relatively() -> None:
    """Inside the package imports are relative, since the checkout's folder may have any name."""
    assert [name(path) for path in PACKAGE if "emotus" in imported(path)] == []


def imported(path: Path) -> set[str]:
    """Return the top-level names of a file's absolute imports."""
    nodes = list(ast.walk(tree(path)))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    return {each.partition(".")[0] for each in plain | named}


def test_every_test_opens_with_a_sentence() -> None:
    """Each test says in its docstring which behaviour it holds to."""
    tests = [(path, f) for path in OTHERS for f in functions(path) if f.name.startswith("test_")]
    assert [f"{name(path)}: {f.name}" for path, f in tests if ast.get_docstring(f) is None] == []


def test_test_files_have_names_of_their_own() -> None:
    """No two test files share a name, since they are imported by it."""
    names = [path.name for path in OTHERS if path.name.startswith("test_")]
    assert sorted(set(names)) == sorted(names)


def shell_lines() -> list[str]:
    """Return the lines of the README's shell blocks, continued lines joined, prompts and comments taken off."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.partition("  #")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def test_the_readme_names_only_commands_there_are() -> None:
    """Every `emotus COMMAND` of the README is one, with options that it knows."""
    commands = get_command(app).commands
    words = [line.split() for line in shell_lines()]
    used = [line[line.index("emotus") + 1 :] for line in words if "emotus" in line and len(line) > 1]
    assert used, "the README shows no command"
    for command, *arguments in used:
        assert command in commands, f"emotus {command}"
        found = commands[command]
        if hasattr(found, "commands"):  # a group, such as `emotus signature map`
            assert arguments[0] in found.commands, f"emotus {command} {arguments[0]}"
            found = found.commands[arguments[0]]
        known = {option for parameter in found.params for option in parameter.opts}
        options = {word for word in arguments if re.fullmatch(r"--?[a-z][a-z-]*", word)}
        assert options <= known, f"emotus {command} {' '.join(sorted(options - known))}"


def test_the_readme_names_only_targets_there_are() -> None:
    """Every `make TARGET` of the README is in the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    used = set(re.findall(r"\bmake ([a-z-]+)\b", " ".join(re.findall(r"`[^`]+`|^make .*$", README, re.MULTILINE))))
    assert {"demo", "test"} <= used <= targets


def test_links_lead_somewhere() -> None:
    """Every link of a document to a file of the repository finds it."""
    documents = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *DECISIONS]
    links = [(path, link) for path in documents for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())]
    assert [f"{name(path)}: {link}" for path, link in links if not (path.parent / link).exists()] == []


def test_decisions_are_numbered_and_complete() -> None:
    """Decision records count from 1 without a gap, and each tells context, decision and consequences."""
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for path in DECISIONS:
        text = path.read_text()
        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences"))
