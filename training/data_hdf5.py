"""Emotion-Gait as it was published: HDF5 files of gaits, and of their labels beside them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..engine.errors import DataError, MissingPackageError
from ..engine.skeleton import Float32
from ..engine.skeleton_tables import EMOTION_GAIT_NAMES
from . import clips
from .data_set import DataSet, Sample

LABELS: Final = ("angry", "neutral", "happy", "sad")
SUFFIXES: Final = (".h5", ".hdf5")
BROKEN: Final = (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError)  # what h5py raises
FARTHEST: Final = 1e5  # whatever the unit
_WIDTH: Final = len(EMOTION_GAIT_NAMES) * 3
_OWN: Final = re.compile(r"_?(angry|neutral|happy|sad)$", re.IGNORECASE)


def load_published(file: Path) -> DataSet:
    """Return features*.h5 with the labels*.h5 beside it: one data set of (T, 48) a gait, one label or four shares each.

    As the set's README describes: 16 joints, x y z, in `EMOTION_GAIT_NAMES`' order; synthetic gaits carry their label
    in their name (00003_Happy) and need no second file. Assumed from public readers of the set (its README does not
    say): labels count angry, neutral, happy, sad from 0; four numbers are the shares of annotators in that order, the
    greatest of them the label. As with the npz the rate is unknown and taken for 30 Hz, and mirrored gaits are mended.
    Nobody says who walks: a split by performer refuses. Needs h5py (extra hdf5). Raises DataError.
    """
    try:
        import h5py
    except ImportError:
        raise MissingPackageError("h5py", "hdf5") from None
    beside = file.with_name(file.name.replace("features", "labels", 1))
    try:
        with h5py.File(file, "r") as opened:
            gaits = {str(name): np.asarray(opened[name]) for name in sorted(opened)}
        said: dict[str, Any] = {}
        if beside != file and beside.is_file():
            with h5py.File(beside, "r") as opened:
                said = {str(name): np.asarray(opened[name]) for name in sorted(opened)}
    except BROKEN as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(str(file), f"cannot be read: {reason}", mend="is it the published HDF5, and whole?") from None
    samples: list[Sample] = []
    skipped: list[str] = []
    for name, gait in gaits.items():
        problem = _problem(gait)
        if problem:
            skipped.append(f"{name}: {problem}")
            continue
        try:
            label, soft = _verdict(name, said.get(name))
        except ValueError as error:
            skipped.append(f"{name}: {error}")
            continue
        samples.append(Sample(name, label, frames_of(gait), "", "gait", "gait", soft))
    skipped += [f"{name}: a label without a gait" for name in said if name not in gaits]
    if not samples:
        raise DataError(str(file), "no gait in it could be read", mend="data sets of (T, 48), one a gait")
    return DataSet("emotion-gait", str(file), LABELS, tuple(samples), tuple(skipped))


def frames_of(gait: Any) -> Float32:
    """Return the network frames (T, 90) of a gait (T, 48), by the steps of the npz."""
    points = np.asarray(gait, dtype=np.float32).reshape(len(gait), len(EMOTION_GAIT_NAMES), 3)  # (T, 48) -> (T, 16, 3)
    return clips.gait_frames(points - points[:, :1])


def _problem(gait: Any) -> str:
    if gait.ndim != 2 or gait.shape[1] != _WIDTH or gait.dtype.kind not in "fiu":
        return f"is of shape {gait.shape}, wanted (T, {_WIDTH})"
    if len(gait) < 2:
        return "holds fewer than two frames"
    whole = np.isfinite(gait).all() and np.abs(gait).max() < FARTHEST
    return "" if whole else f"holds a number that is not finite, or beyond {FARTHEST:g}"


def _verdict(name: str, said: Any) -> tuple[str, tuple[float, ...]]:
    """Return label and shares; raises ValueError for a label that is none."""
    if said is None:
        own = _OWN.search(name)
        return (own[1].lower() if own else ""), ()
    values = np.asarray(said, dtype=np.float64).ravel()
    if len(values) == 1 and values[0] in range(len(LABELS)):
        return LABELS[int(values[0])], ()
    total = float(values.sum())
    if len(values) == len(LABELS) and np.isfinite(values).all() and (values >= 0).all() and total > 0:
        return LABELS[int(values.argmax())], tuple((values / total).tolist())
    raise ValueError(f"label {values[:4].tolist()} is neither 0 to 3 nor four shares")
