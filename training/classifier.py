"""The face that every recogniser of `emotus train MODEL --data` shows: fit, predict_proba, save, load, step.

A classifier is fitted once and does not change afterwards. It answers windows of network frames; a clip's answer is the
mean of its windows' answers. Files hold arrays (safetensors) and what is known of them (JSON), never a pickle.
"""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import DataError, WeightsError
from ..engine.features import FRAME_SIZE
from ..engine.skeleton import Float32
from .windows import Examples, Floats, examples_of

Settings = Mapping[str, Any]
Arrays = dict[str, NDArray[Any]]
ABOUT, ARRAYS = "model.json", "model.safetensors"
_VERSION = 1
_LEAST = 1e-12


@dataclass(frozen=True)
class About:
    """Hold what is known of a fitted classifier: its kind, labels, window, settings, seed and temperature."""

    kind: str
    names: tuple[str, ...]
    window: int
    settings: dict[str, Any]
    seed: int
    temperature: float = 1.0


@dataclass(frozen=True, eq=False)
class Trail:
    """Hold the last W frames (N, W, 90) of N streams and how many each has seen (N,): the state of `step`."""

    frames: Float32
    seen: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Classifier(ABC):
    """Answer windows with the probability of each label.

    inner: how many inner folds choose settings and temperature. held_out: only the first of them is gone through,
    because fitting is dear. unlabelled: whether fit makes use of such clips.
    """

    about: About

    kind: ClassVar[str] = ""
    inner: ClassVar[int] = 4
    held_out: ClassVar[bool] = False
    unlabelled: ClassVar[bool] = False

    @classmethod
    def choices(cls) -> tuple[Settings, ...]:
        """Return the settings that inner folds choose from."""
        return ({},)

    @classmethod
    @abstractmethod
    def fit(cls, data: Examples, seed: int, settings: Settings) -> Self:
        """Learn from windows; the same seed gives the same classifier. Raises DataError for one class only."""

    @abstractmethod
    def log_probs(self, data: Examples) -> Floats:
        """Return log-probabilities (N, K) of windows, before the temperature."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """Return everything that was learnt, as arrays."""

    @classmethod
    @abstractmethod
    def of(cls, about: About, arrays: Arrays) -> Self:
        """Put a classifier together from what was stored."""

    def predict_proba(self, windows: Float32) -> Floats:
        """Return the probabilities (N, K) of windows (N, W, 90)."""
        return tempered(self.log_probs(examples_of(windows, self.about.names)), self.about.temperature)

    def predict_clips(self, data: Examples) -> Floats:
        """Return the probabilities (M, K) of clips: the mean over their windows."""
        return data.by_clip(tempered(self.log_probs(data), self.about.temperature))

    def with_temperature(self, temperature: float) -> Self:
        """Return the same with its answers stretched by a temperature."""
        return dataclasses.replace(self, about=dataclasses.replace(self.about, temperature=temperature))

    def start(self, n: int) -> Any:
        """Return the state of n streams that have seen nothing."""
        frames = np.zeros((n, self.about.window, FRAME_SIZE), dtype=np.float32)
        return Trail(frames, np.zeros(n, dtype=np.intp))

    def step(self, frame: Float32, state: Any) -> tuple[Floats, Any]:
        """Answer the next frame (N, 90) of N streams from the last W; the given state is not altered.

        The first frame stands for those before it until W have come.
        """
        trail = cast(Trail, state)
        fresh = trail.seen == 0
        frames = np.concatenate((trail.frames[:, 1:], frame[:, None]), axis=1)
        frames[fresh] = frame[fresh, None]
        return self.predict_proba(frames), Trail(frames, trail.seen + 1)

    def save(self, folder: Path) -> Path:
        """Write model.json and model.safetensors into a folder; return it."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: np.ascontiguousarray(a) for name, a in self.arrays().items()}, folder / ARRAYS)
        said = {"version": _VERSION, "sha256": _sha256(folder / ARRAYS), **dataclasses.asdict(self.about)}
        (folder / ABOUT).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
        return folder


def load(folder: Path) -> Classifier:
    """Return the classifier that was saved in a folder; raises WeightsError where it is missing, altered or strange."""
    from .classifiers import CLASSIFIERS

    place = folder / ABOUT
    try:
        said = json.loads(place.read_text(encoding="utf-8"))
        about = About(
            str(said["kind"]),
            tuple(map(str, said["names"])),
            int(said["window"]),
            dict(said["settings"]),
            int(said["seed"]),
            float(said["temperature"]),
        )
        if said["version"] != _VERSION or about.kind not in CLASSIFIERS:
            raise WeightsError(str(place), f"holds '{about.kind}' of version {said['version']}", mend="train it anew")
        if said["sha256"] != _sha256(folder / ARRAYS):
            raise WeightsError(str(folder / ARRAYS), "was altered since it was saved", mend="train it anew")
        return CLASSIFIERS[about.kind]().of(about, read_arrays(folder / ARRAYS))
    except OSError as error:
        raise WeightsError(str(folder), f"holds no model: {error.strerror}", mend="emotus train") from None
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(str(place), f"cannot be understood: {error}", mend="train it anew") from None


def read_arrays(path: Path) -> Arrays:
    """Read a safetensors file; raises WeightsError when it is broken."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise WeightsError(str(path), f"cannot be read: {error}", mend="train it anew") from None


def tempered(log_probs: Floats, temperature: float) -> Floats:
    """Return the probabilities (N, K) of log-probabilities divided by a temperature."""
    scaled = log_probs / temperature
    grown = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def logs(probs: Floats) -> Floats:
    """Return log-probabilities, bounded from below."""
    return np.log(np.maximum(probs, _LEAST))


def refuse_one_class(data: Examples) -> Examples:
    """Return the labelled windows; raises DataError where they are of one class only."""
    labelled = data.labelled
    found = np.unique(labelled.labels)
    if len(found) < 2:
        said = f"only the class '{data.names[int(found[0])]}'" if len(found) else "no labelled clip"
        raise DataError("training", f"there is {said} to learn from", mend="two classes and more are needed")
    return labelled


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
