"""Weights on disk: what is altered, hostile or missing is refused in one line, before anything of it is run."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import pytest
import torch

from emotus.models.recogniser import FusedRecogniser, Shape
from emotus.models.store import FOLDER, Info, WeightsProblem, load_recogniser, save_recogniser

LABELS = ("angry", "happy", "sad", "proud", "unsure", "neutral")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    plane = dict.fromkeys(LABELS, 0.0)
    info = Info("mine", LABELS, plane, plane, ((15.0, 4.0), (60.0, 2.0)), 0.4, 0.5, "", "none", "nobody")
    return save_recogniser(tmp_path, FusedRecogniser(Shape(channels=(8, 8))), info)


def _rewrite(path: Path, **said: object) -> None:
    about = path.with_suffix(".json")
    about.write_text(json.dumps({**json.loads(about.read_text()), **said}))


def test_what_is_saved_loads_the_same(saved: Path) -> None:
    """Tensors and facts come back as they were, with the hash of the file."""
    model, info = load_recogniser(saved)
    assert info.sha256 == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert model.shape == Shape(channels=(8, 8))
    again, _ = load_recogniser(str(saved))
    x = torch.zeros(1, 3, 90)
    assert torch.equal(model.forward(x), again.forward(x))


def test_temperatures_are_interpolated_and_held(saved: Path) -> None:
    """Before the first and after the last amount of evidence the nearest temperature holds."""
    _, info = load_recogniser(saved)
    assert (info.temperature(1), info.temperature(15), info.temperature(900)) == (4.0, 4.0, 2.0)
    assert info.temperature(30) == pytest.approx(3.0)


def test_one_altered_byte_is_refused_with_both_hashes(saved: Path) -> None:
    """The message names the file, the hash found and the hash expected."""
    expected = hashlib.sha256(saved.read_bytes()).hexdigest()
    data = bytearray(saved.read_bytes())
    data[-1] ^= 1
    saved.write_bytes(bytes(data))
    with pytest.raises(WeightsProblem) as caught:
        load_recogniser(saved)
    for part in (str(saved), expected, hashlib.sha256(bytes(data)).hexdigest()):
        assert part in str(caught.value)


def test_a_pickle_is_never_opened(saved: Path, tmp_path: Path) -> None:
    """A pickle under the name of weights, even with its right hash, is refused and not run."""
    flag = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path(str(flag)).touch, ()  # type: ignore[return-value]

    data = pickle.dumps(Bomb())
    saved.write_bytes(data)
    _rewrite(saved, sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(WeightsProblem):
        load_recogniser(saved)
    assert not flag.exists()


@pytest.mark.parametrize(
    "said",
    [
        {"shape": {"labels": 6, "memories_s": [1.0], "channels": [10**9]}},
        {"shape": {"labels": 6, "memories_s": [], "channels": [8]}},
        {"shape": {"labels": 6, "memories_s": [1.0, 3.0], "channels": [16, 16]}},
        {"shape": {"unheard": 1}},
        {"shape": None},
        {"labels": ["angry"]},
        {"temperatures": []},
        {"temperatures": [[15, -1]]},
        {"temperatures": "hot"},
        {"unknown_threshold": "high"},
    ],
)
def test_facts_that_do_not_fit_are_refused(saved: Path, said: dict[str, object]) -> None:
    """Absurd sizes and broken tables give one line that names the file, and no allocation."""
    _rewrite(saved, **said)
    with pytest.raises(WeightsProblem, match=r"mine.*json") as caught:
        load_recogniser(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["no-such", "../../etc/passwd", "", "a/b", "no/where.safetensors", "x" * 300])
def test_missing_weights_are_named(name: str) -> None:
    """A name that is none, or of nothing, is answered in one line."""
    with pytest.raises(WeightsProblem) as caught:
        load_recogniser(name)
    assert "\n" not in str(caught.value)


def test_broken_json_is_refused(saved: Path) -> None:
    """Neither garbage nor a bare list describes weights."""
    for text in ("{", "[]", "\x00", "[" * 100_000):
        saved.with_suffix(".json").write_text(text)
        with pytest.raises(WeightsProblem):
            load_recogniser(saved)


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    """Weights that hold NaN would poison every answer."""
    model = FusedRecogniser(Shape(channels=(8,)))
    model.mix.fill_(float("nan"))
    plane = dict.fromkeys(LABELS, 0.0)
    info = Info("bad", LABELS, plane, plane, ((15.0, 1.0),), 0.4, 0.5, "", "none", "nobody")
    with pytest.raises(WeightsProblem, match="finite"):
        load_recogniser(save_recogniser(tmp_path, model, info))


def test_the_shipped_weights_are_small_and_licensed() -> None:
    """Under 5 MB, CC BY-NC 4.0 with its attribution, six labels on the plane."""
    _, info = load_recogniser()
    assert (FOLDER / "bandai-stgcn.safetensors").stat().st_size < 5_000_000
    assert info.licence == "CC BY-NC 4.0"
    assert "Bandai Namco Research Inc." in info.attribution
    assert info.labels == LABELS
    assert all(-1 <= value <= 1 for plane in (info.valence, info.arousal) for value in plane.values())
