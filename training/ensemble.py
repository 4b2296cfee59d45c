"""Several recognisers together: each answers, and inner folds say how much each is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np

from .classifier import About, Arrays, Classifier, Settings, logs, refuse_one_class, tempered
from .nested import Chosen, best_temperature, choose
from .plain_classifiers import about_of
from .windows import Examples, Floats

MEMBERS: Final = ("linear", "svm", "boost", "forest")
_ROUNDS: Final = 200
_PRIOR: Final = 5.0  # clips that believe all members alike


@dataclass(frozen=True, eq=False)
class Ensemble(Classifier):
    """The weighted mean of members' probabilities (linear opinion pool, Stone, 1961)."""

    members: tuple[Classifier, ...]
    weights: Floats

    kind: ClassVar[str] = "ensemble"

    @classmethod
    def choose(cls, data: Examples, seed: int) -> Chosen:
        """Choose each member's settings, then the weights at which their left-out answers are the likeliest."""
        known = data.labelled
        found = {name: choose(_member(name), data, seed) for name in MEMBERS}
        said = [tempered(each.said, each.temperature) for each in found.values()]
        weights = pool_weights(np.stack([known.by_clip(each) for each in said]), known.labels)
        pooled = logs(np.einsum("m,mnk->nk", weights, np.stack(said)))
        members = {
            name: {"settings": dict(each.settings), "temperature": each.temperature} for name, each in found.items()
        }
        temperature, _ = best_temperature(known, pooled)
        return Chosen({"members": members, "weights": weights.tolist()}, temperature, pooled)

    @classmethod
    def fit(cls, data: Examples, seed: int, settings: Settings) -> Self:
        """Fit every member as was chosen; all alike where nothing was."""
        known = refuse_one_class(data)
        chosen: dict[str, Any] = settings.get("members") or {name: {} for name in MEMBERS}
        weights = np.array(settings.get("weights") or [1.0 / len(chosen)] * len(chosen))
        members = tuple(
            _member(name).fit(known, seed, said.get("settings", {})).with_temperature(said.get("temperature", 1.0))
            for name, said in chosen.items()
        )
        return cls(about_of(cls, data, seed, settings), members, weights)

    def log_probs(self, data: Examples) -> Floats:
        """Ask all members."""
        said = [tempered(member.log_probs(data), member.about.temperature) for member in self.members]
        return logs(np.einsum("m,mnk->nk", self.weights, np.stack(said)))

    def arrays(self) -> Arrays:
        """Return the members' arrays, each under its name."""
        out: Arrays = {"weights": self.weights}
        for member in self.members:
            out |= {f"{member.about.kind}/{name}": array for name, array in member.arrays().items()}
            out[f"{member.about.kind}:temperature"] = np.array([member.about.temperature])
        return out

    @classmethod
    def of(cls, about: About, arrays: Arrays) -> Self:
        """Put the members together."""
        members: list[Classifier] = []
        for name, said in (about.settings.get("members") or {name: {} for name in MEMBERS}).items():
            own = {key.partition("/")[2]: array for key, array in arrays.items() if key.startswith(f"{name}/")}
            temperature = float(arrays[f"{name}:temperature"][0])
            whose = About(name, about.names, about.window, dict(said.get("settings", {})), about.seed, temperature)
            members.append(_member(name).of(whose, own))
        return cls(about, tuple(members), arrays["weights"])


def pool_weights(said: Floats, labels: Any) -> Floats:
    """Return the weights (M,) of members whose pooled probabilities (M, N, K) make the labels (N,) likeliest.

    By expectation and maximisation, which finds the one maximum; a few imagined clips believe all members alike.
    """
    right = said[:, np.arange(len(labels)), labels] + 1e-9  # (M, N)
    weights = np.full(len(said), 1.0 / len(said))
    for _ in range(_ROUNDS):
        share = weights[:, None] * right
        share /= share.sum(axis=0)
        weights = share.sum(axis=1) + _PRIOR / len(said)
        weights /= weights.sum()
    return weights


def _member(name: str) -> type[Classifier]:
    from .classifiers import classifier_of

    return classifier_of(name)
