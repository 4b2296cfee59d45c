"""No picture is kept, sent or written (PRIVACY.md 6): by rule over the code, and by what the process may say."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[2] / "sensors"
FILES = sorted(ROOM.rglob("*.py"))
HOLDERS = ("camera", "capture", "pose_mediapipe", "pose_networks", "webcam_worker")  # the files that touch pictures
WRITES_PICTURES = {
    "imwrite", "imwritemulti", "imencode", "imencodemulti", "imshow", "VideoWriter", "VideoWriter_fourcc", "save",
    "savez", "savez_compressed", "savetxt", "imsave", "tofile", "fromarray",
}  # fmt: skip
LETS_OUT = {"open", "write_bytes", "write_text", "memmap", "dump", "dumps", "sendto", "sendall", "SharedMemory"}
OUTSIDE = {"socket", "http", "urllib", "requests", "multiprocessing", "pickle", "shutil", "tempfile", "subprocess"}


def names(tree: ast.AST) -> set[str]:
    """Return every name and attribute that code uses, and the strings by which one could be looked up."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {
        node.args[1].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr"
        and len(node.args) > 1 and isinstance(node.args[1], ast.Constant)
    }  # fmt: skip
    return used


def imported(tree: ast.AST) -> set[str]:
    """Return the top-level names of the modules that code imports."""
    plain = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    named = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in plain | named}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_sensor_writes_pictures(path):
    """No file of the room names a function that writes or shows one."""
    assert names(ast.parse(path.read_text())) & WRITES_PICTURES == set()


@pytest.mark.parametrize("name", HOLDERS)
def test_what_holds_pictures_has_no_way_out(name):
    """The files that touch pictures neither write files nor open sockets; their one way out is the channel."""
    tree = ast.parse((ROOM / f"{name}.py").read_text())
    assert names(tree) & LETS_OUT == set()
    assert imported(tree) & OUTSIDE == set()


def test_nobody_else_touches_pictures():
    """The word for them, Pixels, is used in those files and where it is defined, nowhere else; so is OpenCV."""
    users = {path.stem for path in FILES if "Pixels" in names(ast.parse(path.read_text()))}
    assert users <= {*HOLDERS, "sighting"}
    cv2 = {
        path.stem for path in FILES if 'import_module("cv2")' in path.read_text() or "import cv2" in path.read_text()
    }
    assert cv2 <= set(HOLDERS)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("cv2.imwrite('a.png', frame)", True),
        ("np.save(path, frame)", True),
        ("getattr(cv2, 'imwrite')('a.png', frame)", True),
        ("out = cv2.VideoWriter()", True),
        ("cv2.cvtColor(frame, code)", False),
    ],
)
def test_the_rule_sees_what_it_should(code, found):
    """The rule above tells writing from reading."""
    assert bool(names(ast.parse(code)) & WRITES_PICTURES) is found
