"""What is brought in, and what goes out: hashes, licences, the bill of materials, no pickle, workflows, the release."""

from __future__ import annotations

import ast
import gzip
import importlib.util
import io
import json
import re
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("engine", "models", "sensors", "bridges", "training")
PACKAGE = sorted([*ROOT.glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))])
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# Names that run what they are given, or read objects that do.
RUNS = {"eval", "exec", "compile", "__import__"}
UNPICKLES = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "jsonpickle", "cloudpickle"}
LOADS = {"torch": "load", "numpy": "load", "np": "load", "yaml": "load"}


@pytest.fixture(scope="module")
def parts() -> Iterator[ModuleType]:
    """Offer scripts/parts.py, with the scripts on the path."""
    sys.path.insert(0, str(ROOT / "scripts"))
    yield importlib.import_module("parts")
    sys.path.remove(str(ROOT / "scripts"))


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-run.lock"])
def test_the_lock_pins_what_is_tested_with_a_hash_for_each_file(parts: ModuleType, monkeypatch, name: str) -> None:
    """Every requirement has an exact version, that of constraints.txt where both name it, and SHA-256 of its files."""
    monkeypatch.setattr(parts, "LOCK", ROOT / name)
    locked = parts.locked()
    lines = (ROOT / name).read_text().splitlines()
    assert [line for line in lines if line and not re.match(r"\S+==|    --hash=sha256:[0-9a-f]{64}", line)] == []
    assert [package for package, (_, hashes) in locked.items() if not hashes] == []
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    pinned = {parts.canonical(package): version for package, version in pinned.items()}
    stale = {package for package in pinned.keys() & locked.keys() if pinned[package] != locked[package][0]}
    assert stale == set(), "make lock"


def test_the_locks_have_everything_that_is_asked_for(parts: ModuleType, monkeypatch) -> None:
    """What pyproject.toml asks for is in the lock; and so is what those packages need in turn, as installed here."""
    needed = {part.name for part in parts.parts(("all",))} | {parts.canonical(r.name) for r in parts.asked(("all",))}
    assert needed - set(parts.locked()) == set(), "make lock"
    monkeypatch.setattr(parts, "LOCK", ROOT / "requirements-run.lock")
    assert {part.name for part in parts.parts(("viewer", "record"))} - set(parts.locked()) == set(), "make lock"


def test_every_licence_is_one_that_may_be_used(parts: ModuleType) -> None:
    """Of every package that `.[all]` brings here, and of those that the lock has for other machines."""
    found = parts.parts()
    licences = importlib.import_module("licences")
    assert len(found) > 60
    assert [(part.name, part.licence) for part in licences.refused(found)] == []
    assert [name for name, terms in licences.elsewhere(found).items() if not terms] == []
    assert licences.refused([parts.Part("x", "1", "GPL-3.0-only"), parts.Part("y", "1", "")]) != []


def test_the_bill_of_materials_is_cyclonedx(parts: ModuleType) -> None:
    """Version 1.6: every part once with version, purl and licence, and a graph in which each of them stands."""
    sbom = importlib.import_module("sbom")
    found = parts.parts()
    bill = sbom.sbom(found, "1.2.3", 0)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bill["serialNumber"])
    assert bill["metadata"]["timestamp"] == "1970-01-01T00:00:00Z"
    refs = [each["bom-ref"] for each in bill["components"]]
    assert len(refs) == len(set(refs)) == len(found)
    assert all(each["purl"].startswith("pkg:pypi/") and each["licenses"] for each in bill["components"])
    graph = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    assert set(graph) == {*refs, bill["metadata"]["component"]["bom-ref"]}
    assert {ref for needs in graph.values() for ref in needs} <= set(refs)
    assert any("numpy" in ref for ref in graph[next(ref for ref in refs if "/scipy@" in ref)])
    assert json.dumps(bill) == json.dumps(sbom.sbom(found, "1.2.3", 0))


def calls(path: Path) -> Iterator[str]:
    """Yield what a file does that could run what it was given: module.function, or the name of a call."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (name.partition(".")[0] for name in names if name.partition(".")[0] in UNPICKLES)
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in RUNS:
            yield node.func.id
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            words = {word.arg: word.value for word in node.keywords}
            is_safe = isinstance(words.get("weights_only"), ast.Constant) and words["weights_only"].value is True
            if LOADS.get(node.func.value.id) == node.func.attr and not is_safe and allows_pickle(node, words):
                yield f"{node.func.value.id}.{node.func.attr}"
        if any(word.arg == "shell" and not is_false(word.value) for word in node.keywords):
            yield "shell=True"


def allows_pickle(node: ast.Call, words: dict[str | None, ast.expr]) -> bool:
    """Tell whether a load may unpickle: numpy's does not unless it is told to."""
    module = node.func.value.id if isinstance(node.func, ast.Attribute) else ""
    return module not in ("np", "numpy") or not is_false(words.get("allow_pickle", ast.Constant(value=False)))


def is_false(value: ast.expr) -> bool:
    """Tell whether an expression is the word False."""
    return isinstance(value, ast.Constant) and value.value is False


def test_nothing_is_unpickled_evaluated_or_handed_to_a_shell() -> None:
    """No file of the package imports a pickler, evaluates text, loads with pickle or starts a shell."""
    assert len(PACKAGE) > 200
    found = {path.relative_to(ROOT).as_posix(): sorted(set(calls(path))) for path in PACKAGE}
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import pickle", ["pickle"]),
        ("from joblib import load", ["joblib"]),
        ("eval('1')", ["eval"]),
        ("torch.load('x')", ["torch.load"]),
        ("np.load('x', allow_pickle=True)", ["np.load"]),
        ("np.load('x')", []),
        ("subprocess.run('ls', shell=True)", ["shell=True"]),
        ("model.eval()", []),
        ("re.compile('x')", []),
    ],
)
def test_the_rule_sees_what_it_should(tmp_path: Path, code: str, found: list[str]) -> None:
    """The rule above tells running from naming."""
    (tmp_path / "x.py").write_text(code)
    assert list(calls(tmp_path / "x.py")) == found


def test_bandit_is_part_of_every_check() -> None:
    """Ruff's S rules are on for the package, and no file of it is excused from them."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert [rule for rule in lint["ignore"] if rule.startswith("S") and rule not in ("S311",)] == []
    excused = {where for where, rules in lint["per-file-ignores"].items() if any(re.match(r"S\d", r) for r in rules)}
    assert excused <= {"tests/**", "benchmarks/**", "scripts/**", "examples/**"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_are_pinned_and_may_do_nothing(path: Path) -> None:
    """Each action by the hash of its commit, no permission at the top, no credentials, nothing put into a shell."""
    text = path.read_text()
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", each)] == []
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
    assert text.count("persist-credentials: false") == sum(each.startswith("actions/checkout@") for each in used)
    assert not re.search(r"run: .*\$\{\{|pull_request_target|secrets\.", text)
    assert "write" not in re.sub(r"id-token: write # PyPI trusts[^\n]*|may write anything", "", text)


def test_an_archive_is_the_same_whoever_made_it(parts: ModuleType) -> None:
    """Times, owners, modes and order of an sdist are fixed, its files are not touched."""
    release = importlib.import_module("release")

    def packed(names: list[str], uid: int, mtime: int) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            for name in names:
                member = tarfile.TarInfo(name)
                member.uid, member.mtime, member.size = uid, mtime, len(name)
                archive.addfile(member, io.BytesIO(name.encode()))
        return out.getvalue()

    one = release.normal(packed(["b.py", "a.py"], 0, 1), 77)
    assert one == release.normal(packed(["a.py", "b.py"], 1000, 999), 77)
    assert gzip.decompress(one) != gzip.decompress(release.normal(packed(["a.py", "b.py"], 0, 1), 78))
    with tarfile.open(fileobj=io.BytesIO(one)) as archive:
        assert archive.getnames() == ["a.py", "b.py"]
        assert archive.extractfile("b.py").read() == b"b.py"


def test_the_container_runs_as_nobody_in_particular_and_by_hash() -> None:
    """Hashes unless a CPU index is named, no root at the end, and only the wheel and the locks are let in."""
    text = (ROOT / "Containerfile").read_text()
    assert "--require-hashes --no-deps -r requirements-run.lock" in text
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE) == ["emotus"]
    assert text.index("USER emotus") < text.index("ENTRYPOINT")
    let_in = {line.removeprefix("!") for line in (ROOT / ".containerignore").read_text().split() if line != "*"}
    copied = {word for line in re.findall(r"^COPY (.*) \./$", text, re.MULTILINE) for word in line.split()}
    assert copied == let_in
    assert "EXPOSE" not in text
    assert importlib.util.find_spec("emotus") is not None
