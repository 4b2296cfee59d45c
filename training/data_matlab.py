"""XEM, the Xsens expressive motion set: one MATLAB file of 5 actions, 10 participants and 20 examples each."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import DataError, MissingPackageError
from ..engine.skeleton_tables import XSENS_NAMES
from .data_hdf5 import BROKEN
from .data_motion import Motion, of_points
from .data_set import DataSet
from .data_takes import Said, Survey, is_mixed, place_and_options, survey_readers

ACTIONS: Final = ("dance", "walk", "wave", "stop", "point")
LABELS: Final = ("angry", "neutral", "happy", "sad")
_EACH: Final = 5  # examples of an emotion
_POSITIONS: Final = slice(1, 70)  # after the time: 23 segments, x y z
_COLUMNS: Final = 280  # time, 69 positions, 69 velocities, 69 angular velocities, 69 or 66 angles, 3
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
Cell = tuple[tuple[int, ...], Callable[[], NDArray[Any]]]


def load_xem(path: Path, _folds: str) -> DataSet:
    """Return `xem:FILE.mat` as a data set of 4 emotions.

    Known from a description only (data/README.md): `Data{action, participant, example}`, actions dance, walk, wave,
    stop, point; examples 1-5 angry, 6-10 neutral, 11-15 happy, 16-20 sad; columns: time, 69 of position, 69 of
    velocity, 69 of angular velocity, 66 of Euler angles, 3 of the centre of mass. Assumed: time in seconds, or in
    milliseconds where seconds would be absurd; metres, z up, segments in Xsens' own order, as MVN exports them.
    MATLAB 5 and 7 are read with scipy (extra train), 7.3 with h5py (extra hdf5). Raises DataError.
    """
    place, options = place_and_options("xem", path, ("rates",))
    return survey_xem(path).data_set(mixed=is_mixed(str(place), options))


def survey_xem(path: Path) -> Survey:
    """Read every example; an empty cell, or one of another form, is skipped and listed."""
    file, _ = place_and_options("xem", path, ("rates",))
    shape, cells = _cells(file)
    if len(shape) != 3 or shape[0] > len(ACTIONS) or shape[2] > _EACH * len(LABELS):
        said = " x ".join(map(str, shape))
        raise DataError(f"{file}: Data", f"is {said} cells", mend="5 actions x participants x 20 examples")
    readers: list[tuple[Said, Callable[[], Motion]]] = []
    for (action, who, example), read in cells:
        name = f"{ACTIONS[action]}-{who + 1:02d}-{example + 1:02d}"
        content = ACTIONS[action]
        said = Said(name, LABELS[example // _EACH], f"participant {who + 1}", content, content)
        readers.append((said, partial(_motion, read, f"{file}: Data{{{action + 1},{who + 1},{example + 1}}}")))
    return survey_readers("xem", str(file), LABELS, readers, ())


def _motion(read: Callable[[], NDArray[Any]], place: str) -> Motion:
    """Read one example, (T, C)."""
    rows = read()
    if rows.ndim != 2 or not _POSITIONS.stop <= rows.shape[1] <= _COLUMNS or rows.dtype.kind not in "fiu":
        problem = "is empty" if rows.size == 0 else f"is of shape {rows.shape} and type {rows.dtype}"
        raise DataError(place, problem, mend="rows of time, 69 positions and what follows")
    rows = rows.astype(np.float64)
    if len(rows) < 2:
        raise DataError(place, "holds fewer than two frames", mend="leave it out")
    step = float(np.median(np.diff(rows[:, 0])))
    rate_hz = 1.0 / step if step > 0 else 0.0
    if 0 < rate_hz < 2.0:
        rate_hz *= 1000.0
    points = rows[:, _POSITIONS].reshape(len(rows), len(XSENS_NAMES), 3)  # (T, 69) -> (T, 23, 3)
    points = np.clip(points, -1e9, 1e9)  # what is beyond is refused, and is to fit float32 until then
    return of_points(points.astype(np.float32), XSENS_NAMES, rate_hz, place, "xsens")


def _cells(file: Path) -> tuple[tuple[int, ...], list[Cell]]:
    """Return the shape of Data and a reader for each of its cells; raises DataError."""
    try:
        with file.open("rb") as opened:
            start = opened.read(520)
    except OSError as error:
        raise DataError(str(file), (error.strerror or str(error)).lower(), mend="xem:FILE.mat") from None
    if _HDF5 in start:  # MATLAB writes its own 512 bytes before
        return _of_hdf5(file)
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError:
        raise MissingPackageError("scipy", "train") from None
    try:
        found: dict[str, Any] = loadmat(file, variable_names=["Data"])
    except (*BROKEN, MatReadError, IndexError, EOFError, zlib.error, struct.error) as error:
        problem = f"is no MATLAB file that can be read: {_first_line(error)}"
        raise DataError(str(file), problem, mend="is it whole, and saved from MATLAB?") from None
    data = found.get("Data")
    if not isinstance(data, np.ndarray) or data.dtype != object:
        raise DataError(str(file), "holds no cells named Data", mend="Data{action, participant, example}")
    return data.shape, [(place, partial(np.asarray, data[place])) for place in np.ndindex(data.shape)]


def _of_hdf5(file: Path) -> tuple[tuple[int, ...], list[Cell]]:
    """Read MATLAB 7.3, whose arrays lie in HDF5 with their axes in turned order."""
    try:
        import h5py
    except ImportError:
        raise MissingPackageError("h5py", "hdf5") from None
    try:
        with h5py.File(file, "r") as opened:
            data: Any = opened["Data"]
            found: Any = opened
            shape = tuple(reversed(data.shape))
            arrays = {place: np.asarray(found[data[place[::-1]]]).T for place in np.ndindex(shape)}
    except BROKEN as error:
        problem = f"is no MATLAB file that can be read: {_first_line(error)}"
        raise DataError(str(file), problem, mend="is it whole, and saved from MATLAB?") from None
    return shape, [(place, partial(np.asarray, rows)) for place, rows in arrays.items()]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
