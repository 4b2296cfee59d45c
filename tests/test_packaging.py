"""What is installed is what was meant: the wheel, its parts, its requirements and the versions that were tested."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
ABSENT = {"cv2": "opencv-python-headless"}  # modules of extras that `all` leaves out, where their names differ
ROOMS = ("engine", "models", "sensors", "bridges", "training")
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


def canonical(requirement: str) -> str:
    """Return the package of a requirement or a distribution, as indexes spell it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", requirement)[0]).lower()


def required(*extras: str) -> set[str]:
    """Return the packages that the core and the extras ask for."""
    lines = [*PROJECT["project"]["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    return {canonical(line) for line in lines} - {"emotus"}


def pins() -> dict[str, str]:
    """Return the versions of constraints.txt by package."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = [line.partition("==") for line in lines if not line.startswith("#")]
    return {canonical(package): version for package, _, version in pinned}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from a copy of the tracked files."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: no list of the files that belong to it")
    source, out = tmp_path_factory.mktemp("some-dir"), tmp_path_factory.mktemp("out")
    for file in filter(None, listed.stdout.split("\0")):
        if (ROOT / file).is_file():
            (source / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, source / file)
    built = subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=source, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return zipfile.ZipFile(next(out.glob("emotus-*.whl")))


def test_the_wheel_has_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """Tests, benchmarks, examples and documents do not ship."""
    tops = {tuple(file.split("/")[:2]) for file in wheel.namelist()}
    rooms = {second for first, second in tops if first == "emotus"}
    assert {first.partition("-")[0] for first, _ in tops} == {"emotus"}
    files = {path.name for path in ROOT.glob("*.py*")} | {"py.typed"}  # modules, and their types
    assert rooms - files == set(ROOMS)


def test_the_wheel_has_every_module(wheel: zipfile.ZipFile) -> None:
    """Each Python file of the rooms that git knows is in the wheel."""
    command = ["git", "ls-files", "*.py"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.split()
    ours = {f"emotus/{file}" for file in tracked if "/" not in file or file.split("/")[0] in ROOMS}
    assert ours <= set(wheel.namelist())


def test_the_wheel_has_weights_and_licences(wheel: zipfile.ZipFile) -> None:
    """The shipped weights lie in the wheel with their licence, and the code's licence beside the metadata."""
    files = wheel.namelist()
    assert any(re.fullmatch(r"emotus/models/weights/[^/]+\.safetensors", file) for file in files)
    assert any(file.endswith(".dist-info/licenses/LICENSE") for file in files)
    licence = next(file for file in files if file.endswith(".dist-info/licenses/models/weights/LICENSE"))
    assert "NonCommercial" in wheel.read(licence).decode()


def test_the_wheel_brings_the_command(wheel: zipfile.ZipFile) -> None:
    """Installing puts `emotus` on the path."""
    points = next(file for file in wheel.namelist() if file.endswith("entry_points.txt"))
    assert "emotus = emotus.__main__:command" in wheel.read(points).decode()


def test_every_package_of_the_tree_is_listed() -> None:
    """The explicit list names each folder that has an __init__.py, so that none is forgotten in the wheel."""
    found = {path.parent for room in ROOMS for path in (ROOT / room).rglob("__init__.py")}
    dotted = {".".join(("emotus", *path.relative_to(ROOT).parts)) for path in found}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == dotted | {"emotus"}


def test_every_import_is_required() -> None:
    """What is imported from outside, the core or an extra asks for; it is not there by luck."""
    declared = required(*EXTRAS)
    distributions = packages_distributions()
    rooms = (*ROOMS, "tests", "benchmarks", "examples")
    files = [*ROOT.glob("*.py"), *(path for room in rooms for path in (ROOT / room).rglob("*.py"))]
    at_home = {"emotus", *(path.stem for path in files), *(path.parent.name for path in files)}
    for path in files:
        if path.name in (
            "peer_timeflux.py",
            "import_take.py",
        ):  # run in environments of their own: timeflux's, Blender's
            continue
        for module in imported(path) - set(sys.stdlib_module_names) - at_home:
            providers = {canonical(each) for each in distributions.get(module, [ABSENT.get(module, module)])}
            assert providers & declared, f"{path.relative_to(ROOT)} imports {module}"


def imported(path: Path) -> set[str]:
    """Return the top-level names of a file's absolute imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_all_leaves_the_heavy_extras_out() -> None:
    """`all` brings neither gigabytes nor pins that clash nor what must be compiled: no webcam, no TensorRT, no MIDI."""
    (line,) = EXTRAS["all"]
    brought = set(re.search(r"\[(.*)\]", line)[1].split(","))
    assert brought == set(EXTRAS) - {"all", "webcam", "webcam-onnx", "tensorrt", "midi", "fuzz"}


def test_what_all_brings_is_pinned() -> None:
    """constraints.txt pins exactly every package that `.[all]` asks for, torch without its local version."""
    pinned = pins()
    assert required("viewer", "train", "ros", "rokoko", "lsl", "bench", "dev") <= set(pinned)
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in pinned.values())
    assert pinned["torch"] == "2.13.0"


def test_the_webcam_environment_has_pins_of_its_own() -> None:
    """constraints-webcam.txt names only what constraints.txt lacks or has otherwise, mediapipe as the extra has it."""
    lines = (ROOT / "constraints-webcam.txt").read_text().splitlines()
    own = {canonical(line): line.partition("==")[2] for line in lines if not line.startswith("#")}
    assert {package for package, version in own.items() if pins().get(package) == version} == set()
    assert f"mediapipe=={own['mediapipe']}; python_version < '3.13'" in EXTRAS["webcam"]
    assert int(own["protobuf"].split(".")[0]) < 5


def test_ci_runs_the_checks_of_the_makefile() -> None:
    """.ci/run may be executed, ends in `make check` and fails with it."""
    script = ROOT / ".ci" / "run"
    text = script.read_text()
    assert script.stat().st_mode & 0o111
    assert "set -euo pipefail" in text
    assert text.rstrip().splitlines()[-1].endswith("check")
