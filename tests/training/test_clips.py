"""Data sets become network frames by the path that runs live, and folds leave whole activities out."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest

from emotus.engine.errors import DataError
from emotus.engine.features import FRAME_SIZE
from emotus.training.clips import LABELS, family_of, load_folds, load_gaits, unpack
from emotus.training.recipe import excludes, group_of
from emotus.training.train import train

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not (DATA / "bandai-1-folds.json").is_file(), reason="../shared/data is missing")


@needs_data
def test_folds_hold_the_sixty_three_clips() -> None:
    """Both protocols share the same clips out."""
    folds = load_folds(DATA)
    assert len(folds.content) == 63
    assert set(folds.content) == set(folds.family)
    assert set(folds.family.values()) == {0, 1, 2}


@needs_data
def test_gaits_are_balanced_and_do_not_travel() -> None:
    """The gaits with an intended label: thirty of each of four, no root motion, toes unknown, knees mended."""
    gaits = load_gaits(DATA)
    assert len(gaits) == 120
    counts = np.bincount([gait.label for gait in gaits], minlength=len(LABELS))
    assert counts.tolist() == [30, 30, 30, 0, 0, 30]
    assert all(gait.frames.shape == (75, FRAME_SIZE) for gait in gaits)
    assert not any(gait.frames[:, -1].any() for gait in gaits)


def test_kin_of_an_activity_share_its_family() -> None:
    """An activity of set 2 belongs to the family of its kin, gestures where it has none."""
    families = {"walk": 0, "run": 1, "bye": 2}
    assert family_of("walk-turn-left", families) == 0
    assert family_of("raise-up-both-hands", families) == 2


def test_missing_data_is_named(tmp_path: Path) -> None:
    """Without the data set, one line says which file and how to point at it."""
    with pytest.raises(DataError, match=r"bandai-1-folds.json.*--data"):
        load_folds(tmp_path)
    with pytest.raises(DataError, match=r"emotion_gait.npz"):
        load_gaits(tmp_path)
    with pytest.raises(DataError, match="no such recipe"):
        train("magic", tmp_path, tmp_path, seed=0, progress=print)


def test_an_archive_is_unpacked_once_and_broken_ones_are_refused(tmp_path: Path) -> None:
    """A second look does not need the archive; garbage is no archive; members cannot climb out of the folder."""
    inside = tmp_path / "a.bvh"
    inside.write_text("HIERARCHY")
    good, evil, broken = (tmp_path / f"{name}.tar" for name in ("good", "evil", "broken"))
    with tarfile.open(good, "w") as tar:
        tar.add(inside, "data/a.bvh")
    found = unpack(good, tmp_path / "out")
    good.unlink()
    assert [path.name for path in unpack(good, tmp_path / "out")] == [path.name for path in found] == ["a.bvh"]
    with tarfile.open(evil, "w") as tar:
        tar.add(inside, "../climbed.bvh")
    broken.write_bytes(b"no archive")
    for archive in (evil, broken):
        with pytest.raises(DataError, match=archive.name):
            unpack(archive, tmp_path / "x" / archive.name)
    assert not list(tmp_path.rglob("climbed.bvh"))


@needs_data
def test_what_is_left_out_is_left_out_everywhere() -> None:
    """Leaving walking out takes every walk of both sets, and by family all that belongs to it."""
    from emotus.training.clips import Clip

    def clip(name: str, activity: str, family: int) -> Clip:
        return Clip(name, activity, "sad", "-3", 2, family, np.zeros((1, FRAME_SIZE), np.float32))

    walk, turn = clip("dataset-1_walk", "walk", 0), clip("dataset-2_walk-turn-left", "walk-turn-left", 0)
    back, bow = clip("dataset-1_walk-back", "walk-back", 0), clip("dataset-1_bow", "bow", 2)
    out = excludes({"walk"}, "content")
    assert [out(each) for each in (walk, turn, back, bow)] == [True, True, False, False]
    out = excludes({"0"}, "family")
    assert [out(each) for each in (walk, turn, back, bow)] == [True, True, True, False]
    assert (group_of(back, "content"), group_of(back, "family")) == ("walk-back", "0")
