"""The prior of teaching is kept as numbers and text, refused when altered, and never holds what is no prior."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.lessons import plain_prior

from emotus.engine.errors import WeightsError
from emotus.engine.teach import open_prior
from emotus.models.store import WeightsProblem
from emotus.models.teach_prior import load_teach_prior, save_teach_prior


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a prior that was just written."""
    return save_teach_prior(tmp_path / "mine.safetensors", plain_prior())


def test_what_is_written_is_read(path: Path) -> None:
    """Every number comes back, tensors in single precision."""
    wrote, read = plain_prior(), load_teach_prior(path)
    for name in ("mean", "basis", "between", "activity"):
        np.testing.assert_array_equal(getattr(read, name), getattr(wrote, name).astype(np.float32))
    for name in ("features", "styles", "width", "share", "divisors", "settle", "strange"):
        assert getattr(read, name) == getattr(wrote, name)
    assert len(read.sha256) == 64


def test_numbers_come_back_in_their_places_however_they_lay_in_memory(tmp_path: Path) -> None:
    """A transposed basis is read as it was: what is written is the matrix, not the memory."""
    basis = np.arange(24.0 * 24).reshape(24, 24)
    prior = replace(plain_prior(), basis=basis.T, activity=basis[:4].T)
    read = load_teach_prior(save_teach_prior(tmp_path / "mine.safetensors", prior))
    np.testing.assert_array_equal(read.basis, basis.T)
    np.testing.assert_array_equal(read.activity, basis[:4].T)


def test_altered_tensors_are_refused(path: Path) -> None:
    """One byte changed is another hash: nothing of the file is used."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsProblem, match="hash"):
        load_teach_prior(path)
    with pytest.raises(WeightsError, match=r"mine.safetensors: hash"):
        open_prior(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("share", 1.0), ("width", 0.0), ("styles", 0), ("styles", 999), ("strange", [0.0, -1.0]), ("strange", [0.0]),
     ("divisors", []), ("divisors", [[2, 1], [1, 1]]), ("settle", [[4, float("inf")]]), ("settle", 7)],
)  # fmt: skip
def test_numbers_that_no_prior_has_are_refused(path: Path, name: str, value: object) -> None:
    """Shares of one, widths of nought, tables out of order: one line, no traceback."""
    about = path.with_suffix(".json")
    about.write_text(json.dumps({**json.loads(about.read_text()), name: value}))
    with pytest.raises(WeightsProblem, match="does not fit this version"):
        load_teach_prior(path)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"sha256": 1}'])
def test_json_that_tells_nothing_is_refused(path: Path, text: str) -> None:
    """Whatever stands beside the tensors, it is a WeightsProblem."""
    path.with_suffix(".json").write_text(text)
    with pytest.raises(WeightsProblem):
        load_teach_prior(path)


def test_a_prior_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    """The mend is the command that writes it."""
    with pytest.raises(WeightsProblem, match="emotus train teach-prior"):
        load_teach_prior(tmp_path / "none.safetensors")
