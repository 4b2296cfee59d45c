"""A data set holds together before anything is learnt from it, and says in one line where it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.acted import LABELS, samples_of, set_of

from emotus.engine.errors import DataError
from emotus.training.data_set import checked, is_data_uri, open_data_set

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_gaits = pytest.mark.skipif(not (DATA / "emotion_gait.npz").is_file(), reason="../shared/data is missing")
needs_bandai = pytest.mark.skipif(not (DATA / "bandai-1.tar.xz").is_file(), reason="../shared/data is missing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("emotion-gait:x.npz", True),
        ("bandai-1:../data", True),
        ("../shared/data", False),
        ("C:\\data", False),
        ("./odd:folder", False),
    ],
)
def test_a_set_is_told_from_a_folder(text: str, expected: bool) -> None:
    """NAME:PATH names a data set; a folder, a drive letter among them, does not."""
    assert is_data_uri(text) is expected


@pytest.mark.parametrize(
    ("uri", "folds", "said"),
    [
        ("nothing:x", "trial", r"unknown data set 'nothing' \(one of emotion-gait"),
        ("emotion-gait:", "trial", "names no path"),
        ("emotion-gait:/nowhere.npz", "trial", "/nowhere.npz: is missing"),
        ("emotion-gait:x", "leap", "unknown protocol 'leap'"),
    ],
)
def test_what_cannot_be_opened_is_named(uri: str, folds: str, said: str) -> None:
    """One line names the set, the path or the protocol, and the mend."""
    with pytest.raises(DataError, match=said):
        open_data_set(uri, folds)


def test_two_files_of_one_name_are_refused() -> None:
    """Two files of one name cannot be told apart in a fold or a report."""
    first, second, *others = samples_of(2)
    with pytest.raises(DataError, match=r"0-angry-0\.bvh: two files have this name"):
        checked(set_of([first, replace(second, name=first.name), *others]))


def test_one_class_is_refused() -> None:
    """Nothing can be told apart where there is one class only."""
    with pytest.raises(DataError, match="only the class 'sad'"):
        checked(set_of([sample for sample in samples_of() if sample.label == "sad"]))


def test_a_stray_label_and_missing_shares_are_refused() -> None:
    """A label outside the set's own, and shares that are not one a label, are named with their file."""
    first, *others = samples_of(2)
    with pytest.raises(DataError, match=r"0-angry-0\.bvh: unknown label 'bored'"):
        checked(set_of([replace(first, label="bored"), *others]))
    with pytest.raises(DataError, match=r"0-angry-0\.bvh: 2 shares for 3 labels"):
        checked(set_of([replace(first, soft=(0.5, 0.5)), *others]))


@needs_gaits
def test_the_gaits_come_with_their_folds() -> None:
    """120 intended gaits in ten folds, all 258 perceived ones, the rest without a label."""
    intended = open_data_set(f"emotion-gait:{DATA}", "intended")
    perceived = open_data_set(f"emotion-gait:{DATA / 'emotion_gait.npz'}", "perceived")
    assert len(intended.samples) == 258
    assert (len(intended.labelled), len(perceived.labelled)) == (120, 258)
    assert {intended.samples[i].fold for i in intended.labelled} == set(range(10))
    assert intended.labels == ("happy", "angry", "sad", "neutral")


def test_a_file_that_is_no_archive_of_gaits_is_named(tmp_path: Path) -> None:
    """A file of another kind is refused in one line, whatever is in it."""
    wrong = tmp_path / "emotion_gait.npz"
    wrong.write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"emotion_gait\.npz: cannot be read"):
        open_data_set(f"emotion-gait:{tmp_path}", "intended")
    np.savez(wrong, positions=np.zeros(3))
    with pytest.raises(DataError, match=r"emotion_gait\.npz: cannot be read"):
        open_data_set(f"emotion-gait:{tmp_path}", "intended")


@needs_bandai
def test_bandai_compares_one_session_and_names_no_performer() -> None:
    """63 labelled clips with their fixed folds; nobody said who moves; clips too short are listed."""
    data = open_data_set(f"bandai-1:{DATA}", "content")
    assert len(data.labelled) == 63
    assert {sample.performer for sample in data.samples} == {""}
    assert any("dash_normal" in line for line in data.skipped)
    assert len(data.samples) + len(data.skipped) == 174
    assert set(data.labels) > set(LABELS)
