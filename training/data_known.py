"""The two sets that lie beside the project, with their fixed folds, as data sets to learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..engine.errors import DataError
from . import clips
from .clips import GAIT_LABELS, LABELS
from .data_hdf5 import SUFFIXES, load_published
from .data_set import DataSet, Sample

_NPZ = "emotion_gait.npz"
_LEAST = 32  # frames: half a window


def load_emotion_gait(path: Path, folds: str) -> DataSet:
    """Return the gaits by the label and folds that are asked for; intended labels where another protocol is.

    path: emotion_gait.npz or its folder, or the HDF5 as it was published. Gaits that the protocol does not use keep
    their frames and lose their label.
    """
    file = path / _NPZ if path.is_dir() else path
    if not file.is_file():
        raise DataError(str(file), "is missing", mend="emotion-gait:FILE.npz, or FILE.h5")
    if file.suffix.lower() in SUFFIXES:
        return load_published(file)
    kind = "perceived" if folds == "perceived" else "intended"
    try:
        with np.load(file, allow_pickle=False) as said:
            labels, fold = said[kind].astype(int), said[f"fold_{kind}"].astype(int)
            names = tuple(str(name) for name in said["label_names"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(str(file), f"cannot be read: {error}", mend="is it the npz of the benchmark?") from None
    everybody = clips.load_every_gait(file.parent, file.name)
    samples = tuple(
        Sample(
            name=clip.name,
            label=names[labels[i]] if fold[i] >= 0 else "",
            frames=clip.frames,
            performer=clip.session,
            content="gait",
            family="gait",
            fold=int(fold[i]) if folds in ("intended", "perceived") else -1,
        )
        for i, clip in enumerate(everybody)
    )
    return DataSet("emotion-gait", str(file), tuple(GAIT_LABELS[name] for name in names), samples)


def load_bandai_one(path: Path, folds: str) -> DataSet:
    """Return the 63 clips of set 1 that may be compared, six labels; all others unlabelled, and nobody said who moves.

    path: the folder that holds bandai-1.tar.xz and bandai-1-folds.json, or the archive.
    """
    folder = path if path.is_dir() else path.parent
    fixed = clips.load_folds(folder)
    fold_of = {"content": fixed.content, "family": fixed.family}.get(folds, {})
    found = clips.load_bandai(folder, 1, fixed, lambda _: None)
    skipped = tuple(
        f"{clip.name}: {len(clip.frames)} frames of an unlabelled clip are less than a second"
        for clip in found
        if clip.label < 0 and len(clip.frames) < _LEAST
    )
    samples = tuple(
        Sample(
            name=clip.name,
            label=LABELS[clip.label] if clip.label >= 0 else "",
            frames=clip.frames,
            content=clip.activity,
            family=str(clip.family),
            fold=fold_of.get(clip.name, -1),
        )
        for clip in found
        if clip.label >= 0 or len(clip.frames) >= _LEAST
    )
    return DataSet("bandai-1", str(folder), LABELS, samples, skipped)
