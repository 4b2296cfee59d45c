"""Gradient-boosted trees on hand-made features, by LightGBM (docs/decisions/0011 says why by that)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import MissingPackageError
from .classifier import About, Arrays, Classifier, Settings, logs, refuse_one_class
from .plain_classifiers import EVERY, about_of, best_features
from .windows import Examples, Floats, Indices


def lightgbm() -> Any:
    """Import LightGBM; raises MissingPackageError."""
    try:
        import lightgbm as library
    except ImportError:
        raise MissingPackageError("lightgbm", "train") from None
    return library


@dataclass(frozen=True, eq=False)
class Boost(Classifier):
    """Gradient boosting (Ke et al., LightGBM, 2017); text: the library's own format, which it reads again exactly."""

    chosen: Indices
    text: NDArray[np.uint8]

    kind: ClassVar[str] = "boost"

    @classmethod
    def choices(cls) -> tuple[Settings, ...]:
        """Return how many features are kept, and how many rounds there are."""
        return tuple({"keep": keep, "rounds": rounds} for keep in (150, EVERY) for rounds in (40, 120))

    @classmethod
    def fit(cls, data: Examples, seed: int, settings: Settings) -> Self:
        """Grow the trees, round after round."""
        known = refuse_one_class(data)
        settings = {"keep": EVERY, "rounds": 100, **settings}
        chosen = best_features(known.features, known.targets, settings["keep"])
        library = lightgbm()
        rows = library.Dataset(known.features[:, chosen], known.targets, free_raw_data=False, params={"verbosity": -1})
        grown = library.train(_parameters(len(data.names), seed), rows, settings["rounds"])
        text = np.frombuffer(grown.model_to_string().encode(), dtype=np.uint8)
        return cls(about_of(cls, data, seed, settings), chosen, text)

    @cached_property
    def _trees(self) -> Any:
        return lightgbm().Booster(model_str=self.text.tobytes().decode())

    def log_probs(self, data: Examples) -> Floats:
        """Ask the trees, as they were read from their text."""
        return logs(np.asarray(self._trees.predict(data.features[:, self.chosen], num_threads=1)))

    def arrays(self) -> Arrays:
        """Return the text of the trees as bytes."""
        return {"chosen": self.chosen, "text": self.text}

    @classmethod
    def of(cls, about: About, arrays: Arrays) -> Self:
        """Read the trees again."""
        return cls(about, **arrays)


def _parameters(classes: int, seed: int) -> dict[str, Any]:
    """Return small trees, each from a third of the features: there are few clips and many features."""
    return {
        "objective": "multiclass",
        "num_class": classes,
        "num_leaves": 7,
        "min_data_in_leaf": 5,
        "learning_rate": 0.1,
        "feature_fraction": 0.3,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
