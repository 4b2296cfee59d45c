"""One mover, three kinds of sensors: is a smooth figure told from one that is not in the same direction by each.

Optical markers and a depth camera give joints, whose gradient is taken as everywhere; accelerometers on wrists and
ankles measure the gradient itself.
"""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..engine.errors import DataError
from ..engine.signature import distance, signature_of
from ..engine.signature_definition import Definition
from ..engine.signature_tally import WIDTHS
from ..engine.skeleton import Float64
from ..engine.transport import wasserstein
from .signature_files import read_take

SMOOTH, NOT_SMOOTH = "trial11", "trial12"
LIMBS: Final = ("LeftHand", "RightHand", "LeftFoot", "RightFoot")
_LIMB_OF: Final = {"LWristIn": "LeftHand", "RWristIn": "RightHand", "LAnkleOut": "LeftFoot", "RAnkleOut": "RightFoot"}
RATE_HZ: Final = 30.0


def smooth_and_not(data: Path) -> dict[str, Any]:
    """Return of each sensor the ratio of mean gradients, not smooth over smooth, and the distance, limb by limb.

    Raises the EmotusError of a file that is missing.
    """
    folder = data / "movement-quality"
    found: dict[str, Any] = {}
    for sensor in ("qualisys", "kinect"):
        # The joints of both sensors hang about other points of the hips, so the limbs are seen in the world.
        definition = Definition(pool="joint", about="world")
        pair = [
            signature_of(name, definition, read_take(str(folder / sensor / f"{name}.tsv.xz"), definition).rows)
            for name in (SMOOTH, NOT_SMOOTH)
        ]
        smooth, rough = ((each.quantiles @ WIDTHS) for each in pair)
        at = [definition.groups.index(limb) for limb in LIMBS]
        ratios = {limb: round(float(rough[i] / smooth[i]), 3) for limb, i in zip(LIMBS, at, strict=True)}
        apart = distance(*pair).by_group
        found[sensor] = {"ratio": ratios, "distance": round(float(np.mean([apart[limb] for limb in LIMBS])), 3)}
    smooth, rough = (accelerations(folder / "imu" / f"{name}.tsv.xz") for name in (SMOOTH, NOT_SMOOTH))
    ratios = {limb: round(float(rough[limb].mean() / smooth[limb].mean()), 3) for limb in LIMBS}
    apart = [wasserstein(smooth[limb], rough[limb]) for limb in LIMBS]
    found["imu"] = {"ratio": ratios, "distance": round(float(np.mean(apart)), 3)}
    return found


def accelerations(path: Path) -> dict[str, Float64]:
    """Return the magnitudes of the accelerations of each limb at 30 Hz, gaps left out; raises DataError.

    A row of zeros is a sensor that said nothing; the rest is averaged over a thirtieth of a second.
    """
    try:
        lines = lzma.decompress(path.read_bytes()).decode("utf-8").splitlines()
        names = next(line.split("\t")[1:] for line in lines if line.startswith("MARKER_NAMES"))
        head = next(i for i, line in enumerate(lines) if line.startswith("Frame"))
        table = np.array([line.split("\t")[: 2 + 3 * len(names)] for line in lines[head + 1 :]], dtype=np.float64)
    except (OSError, lzma.LZMAError, UnicodeError, StopIteration, ValueError) as error:
        raise DataError(str(path), f"holds no accelerations: {error}") from None
    place = np.floor(table[:, 1] * RATE_HZ).astype(int)
    points = table[:, 2:].reshape(len(table), -1, 3)  # (T, sensors, 3)
    found: dict[str, Float64] = {}
    for i, name in enumerate(names):
        said = points[:, i].any(axis=1)
        count = np.bincount(place[said])
        sums = np.stack([np.bincount(place[said], points[said, i, axis]) for axis in range(3)], axis=1)
        found[_LIMB_OF[name]] = np.linalg.norm(sums[count > 0] / count[count > 0, None], axis=1)
    return found
