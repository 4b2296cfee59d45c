"""FAULTS.md 3, row 27: weights, profiles and mappings that would run something, or that somebody altered."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from faults.figures import figure

from emotus.engine import vault
from emotus.engine.errors import EmotusError
from emotus.engine.profile import from_bytes, new_profile, to_bytes
from emotus.engine.recording_reader import RecordingReader
from emotus.models.recogniser import FusedRecogniser, Shape
from emotus.models.store import Info, WeightsProblem, load_recogniser, save_recogniser
from emotus.sensors.mapping_file import parse_mapping

LABELS = ("angry", "happy", "sad", "proud", "unsure", "neutral")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Offer small weights, as they are shipped."""
    plane = dict.fromkeys(LABELS, 0.0)
    info = Info("mine", LABELS, plane, plane, ((15.0, 1.0),), 0.4, 0.5, "", "none", "nobody")
    return save_recogniser(tmp_path, FusedRecogniser(Shape(channels=(8,))), info)


def bomb(flag: Path) -> bytes:
    """Return a pickle that touches a file where it is opened."""

    class Bomb:
        def __reduce__(self):
            return Path(str(flag)).touch, ()

    return pickle.dumps(Bomb())


def yaml_tags(flag: Path) -> bytes:
    """Return a text that a careless YAML reader would run."""
    return f"a: !!python/object/apply:os.system ['touch {flag}']\n".encode()


def under_its_hash(path: Path, data: bytes, about: str) -> None:
    """Put data in the place of weights, with a description that vouches for it."""
    path.write_bytes(data)
    told = json.loads(about) | {"sha256": hashlib.sha256(data).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(told))


def test_what_would_run_something_is_refused_and_runs_nothing(saved, tmp_path):
    """Pickles and YAML tags in the place of everything that is ever opened: one documented error each, nothing runs."""
    flag = tmp_path / "ran"
    about = saved.with_suffix(".json").read_text()
    sealed = vault.seal(bomb(flag), "correct horse", cost=vault.Cost(10, 1))
    attempts: dict[str, Callable[[bytes], object]] = {
        "weights": lambda data: (under_its_hash(saved, data, about), load_recogniser(saved)),
        "their description": lambda data: (saved.with_suffix(".json").write_bytes(data), load_recogniser(saved)),
        "a profile": lambda data: from_bytes(data, "anna.emotus"),
        "a sealed profile": lambda _: from_bytes(vault.unseal(sealed, "correct horse"), "anna.emotus"),
        "a mapping": lambda data: parse_mapping(data, "suit.toml"),
        "a recording": lambda data: list(RecordingReader(io.BytesIO(data), "show.mcap")),
    }
    refused = 0
    for payload in (bomb(flag), yaml_tags(flag)):
        for name, attempt in attempts.items():
            with pytest.raises((EmotusError, WeightsProblem)) as told:
                attempt(payload)
            refused += 1
            assert "\n" not in str(told.value), name
    assert figure(27, "hostile files refused", refused, 2 * len(attempts), better="==")
    assert figure(27, "of them that ran anything", flag.exists(), 0, better="==")


def test_every_altered_byte_of_weights_is_refused_with_both_hashes(saved):
    """Wherever a byte is turned the message names the file, the hash found and the hash expected."""
    whole, refused = saved.read_bytes(), 0
    expected = hashlib.sha256(whole).hexdigest()
    places = range(0, len(whole), max(1, len(whole) // 50))
    for at in places:
        data = bytearray(whole)
        data[at] ^= 1
        saved.write_bytes(bytes(data))
        with pytest.raises(WeightsProblem) as told:
            load_recogniser(saved)
        refused += all(part in str(told.value) for part in (str(saved), expected, hashlib.sha256(data).hexdigest()))
    assert figure(27, "altered weights refused with both hashes", refused, len(places), better="==")


def test_weights_of_another_shape_are_refused(saved):
    """Right hash, wrong tensors: the loader says which and allocates nothing."""
    from safetensors.torch import save

    about = saved.with_suffix(".json").read_text()
    under_its_hash(saved, save({"mix": torch.zeros(3), "unheard": torch.zeros(1)}), about)
    with pytest.raises(WeightsProblem) as told:
        load_recogniser(saved)
    assert "\n" not in str(told.value)


def test_every_altered_byte_of_a_sealed_profile_is_refused():
    """Whoever has not the passphrase cannot change a bit of what is known of a performer."""
    sealed = vault.seal(to_bytes(new_profile("m", "0" * 64, 0.0)), "correct horse", cost=vault.Cost(10, 1))
    places, refused = range(0, len(sealed), max(1, len(sealed) // 40)), 0
    for at in places:
        data = bytearray(sealed)
        data[at] ^= 1
        try:
            vault.unseal(bytes(data), "correct horse")
        except EmotusError:
            refused += 1
    assert figure(27, "altered profiles refused", refused, len(places), better="==")
