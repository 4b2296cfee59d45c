"""What is known of styles before the first take is taught: how far activities move the features, and how far styles do.

Learnt from many styles of other people's recordings (`emotus train teach-prior`). Two covariances, diagonal at once in
one basis (Prince and Elder, Probabilistic Linear Discriminant Analysis, 2007): within a style, from one take to
another, every coordinate has variance one; between the styles of one performer, `between`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from .store import FOLDER, WeightsProblem
from .weight_files import read_pair

Float64 = NDArray[np.float64]
NAME = "teach-prior"
_MAX_BYTES = 32 << 20
_MAX_SIZE = 4096
_MEND = "install emotus again, or emotus train teach-prior"
_TENSORS = ("mean", "basis", "between", "activity")
_NUMBERS = ("styles", "width", "share", "divisors", "settle", "strange")


@dataclass(frozen=True, eq=False)
class TeachPrior:
    """Hold what other people's styles tell of how to learn new ones, over D features and E coordinates.

    features: name of the feature set that the D numbers belong to. mean: (D,) of all styles. basis: (D, E); features
    less the mean, times it, have variance one from take to take of one style. between: (E,) variance from style to
    style, falling. styles: leading coordinates in which styles lie apart. activity: (D, Q), width, share: what tells
    activities apart, how like two takes must be to share theirs, and which part of their variance that is. divisors:
    (takes of a label, divisor of the logits) with rising takes. settle: (frames seen, factor of the divisor) with
    rising frames. strange: by how much taught styles explain a movement better than any other does, threshold and
    slope. about: how it was made, its terms. sha256: of the tensors' file.
    """

    features: str
    mean: Float64
    basis: Float64
    between: Float64
    styles: int
    activity: Float64
    width: float
    share: float
    divisors: tuple[tuple[float, float], ...]
    settle: tuple[tuple[float, float], ...]
    strange: tuple[float, float]
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sha256: str = ""

    @property
    def size(self) -> int:
        """Return D, the number of features."""
        return len(self.mean)


def load_teach_prior(name: str | Path = NAME) -> TeachPrior:
    """Open the shipped prior, or one of your own by the path of its .safetensors; raises WeightsProblem."""
    path = Path(name) if str(name).endswith(".safetensors") else FOLDER / f"{name}.safetensors"
    said, data = read_pair(path, _MAX_BYTES, _MEND)
    try:
        return _prior(safetensors.numpy.load(data), said)
    except (KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise WeightsProblem(str(path), f"does not fit this version: {' '.join(str(error).split())[:200]}") from None


def save_teach_prior(path: Path, prior: TeachPrior) -> Path:
    """Write the tensors to path and all else as JSON beside it, the hash worked out anew; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # safetensors writes memory as it lies: an array in another order would come back scrambled
    tensors = {name: np.ascontiguousarray(getattr(prior, name), dtype=np.float32) for name in _TENSORS}
    data = safetensors.numpy.save(tensors)
    said = {name: getattr(prior, name) for name in _NUMBERS}
    said |= {"features": prior.features, "sha256": hashlib.sha256(data).hexdigest(), **prior.about}
    path.write_bytes(data)
    path.with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return path


def _prior(tensors: Mapping[str, NDArray[np.float32]], said: Mapping[str, Any]) -> TeachPrior:
    mean, basis, between, activity = (tensors[name].astype(np.float64) for name in _TENSORS)
    size, coordinates = basis.shape
    if not 0 < coordinates <= size <= _MAX_SIZE or mean.shape != (size,) or between.shape != (coordinates,):
        raise ValueError(f"a basis of {basis.shape}, a mean of {mean.shape}, variances of {between.shape}")
    if activity.ndim != 2 or len(activity) != size or not 0 < activity.shape[1] <= size or between.min() <= 0:
        raise ValueError(f"activities of {activity.shape}, or variances below nought")
    if not all(np.isfinite(each).all() for each in (mean, basis, between, activity)):
        raise ValueError("numbers that are not finite")
    styles, width, share = int(said["styles"]), float(said["width"]), float(said["share"])
    threshold, slope = (float(each) for each in said["strange"])
    if not (0 < styles <= coordinates and 0 < width < math.inf and 0 <= share < 1 and 0 < slope < math.inf):
        raise ValueError(f"{styles} styles, width {width}, share {share}, slope {slope}")
    return TeachPrior(
        features=str(said["features"]),
        mean=mean,
        basis=basis,
        between=between,
        styles=styles,
        activity=activity,
        width=width,
        share=share,
        divisors=_table(said["divisors"]),
        settle=_table(said["settle"]),
        strange=(threshold, slope),
        about={name: value for name, value in said.items() if name not in {"features", "sha256", *_NUMBERS}},
        sha256=str(said["sha256"]),
    )


def _table(said: Any) -> tuple[tuple[float, float], ...]:
    """Return pairs with rising first and positive second numbers; raises ValueError for any other."""
    pairs = tuple((float(first), float(second)) for first, second in said)
    firsts = [first for first, _ in pairs]
    if not pairs or firsts != sorted(set(firsts)) or not all(0 < n < math.inf for pair in pairs for n in pair):
        raise ValueError(f"table {pairs}")
    return pairs
