"""The document's multilayer perceptron: 150 features by mutual information, its shape and training found by Optuna.

Optuna searches on inner folds only (docs/decisions/0011). Rare classes are drawn as often as common ones, with noise.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..engine.errors import MissingPackageError
from .classifier import About, Arrays, Classifier, Settings, refuse_one_class
from .nested import Chosen, likeliest, tried
from .network_fit import answer, seed_everything, weights_of, with_weights
from .plain_classifiers import about_of
from .windows import Examples, Floats, Indices

KEEP: Final = 150
TRIALS: Final = 12
_STEPS: Final = 200
_BINS: Final = 10
_NOISE: Final = 0.1  # deviations
_FAR: Final = 4.0
DEFAULTS: Final = {
    "layers": 1, "hidden": 128, "leaky": False, "dropout": 0.3, "rate": 3e-3, "decay": 1e-2, "smoothing": 0.1,
    "batch": 32, "steps": _STEPS,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Mlp(Classifier):
    """A multilayer perceptron on chosen, standardised, squashed features."""

    chosen: Indices
    mean: Floats
    scale: Floats
    network: nn.Module

    kind: ClassVar[str] = "mlp"
    inner: ClassVar[int] = 3

    @classmethod
    def choose(cls, data: Examples, seed: int) -> Chosen:
        """Return the best of Optuna's trials on inner folds, the document's middle course among them."""
        found: list[tuple[Chosen, float]] = [tried(cls, data, DEFAULTS, seed)]
        search = study(seed)
        for _ in range(TRIALS):
            trial = search.ask()
            found.append(tried(cls, data, cls.suggest(trial), seed))
            search.tell(trial, found[-1][1])
        return likeliest(found)

    @classmethod
    def suggest(cls, trial: Any) -> Settings:
        """Return the settings of one trial of Optuna's."""
        return {
            "layers": trial.suggest_int("layers", 1, 3),
            "hidden": trial.suggest_categorical("hidden", [64, 128, 256]),
            "leaky": trial.suggest_categorical("leaky", [False, True]),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5),
            "rate": trial.suggest_float("rate", 5e-4, 1e-2, log=True),
            "decay": trial.suggest_float("decay", 1e-4, 1e-1, log=True),
            "smoothing": trial.suggest_float("smoothing", 0.0, 0.2),
            "batch": trial.suggest_categorical("batch", [16, 32, 64]),
        }

    @classmethod
    def choices(cls) -> tuple[Settings, ...]:
        """Return the settings that the search begins with."""
        return (DEFAULTS,)

    @classmethod
    def fit(cls, data: Examples, seed: int, settings: Settings) -> Self:
        """Choose the features, then train."""
        known = refuse_one_class(data)
        settings = {**DEFAULTS, **settings}
        seed_everything(seed, cls.kind)
        chosen = informative(known)
        rows = known.features[:, chosen]
        mean, scale = rows.mean(axis=0), 1.0 / (rows.std(axis=0) + 1e-9)
        x = _inputs(rows, mean, scale)
        shares = torch.from_numpy(known.soft[known.clips].astype(np.float32))
        network = _perceptron(len(chosen), len(data.names), settings)
        _train(network, x, shares, settings)
        return cls(about_of(cls, data, seed, settings), chosen, mean, scale, network)

    def log_probs(self, data: Examples) -> Floats:
        """Ask the network."""
        return answer(self.network, _inputs(data.features[:, self.chosen], self.mean, self.scale))

    def arrays(self) -> Arrays:
        """Return the weights and what the features are brought to."""
        return {"chosen": self.chosen, "mean": self.mean, "scale": self.scale, **weights_of(self.network)}

    @classmethod
    def of(cls, about: About, arrays: Arrays) -> Self:
        """Put the weights together."""
        chosen, mean, scale = (arrays.pop(name) for name in ("chosen", "mean", "scale"))
        network = _perceptron(len(chosen), len(about.names), about.settings)
        return cls(about, chosen, mean, scale, with_weights(network, arrays))


def informative(data: Examples, keep: int = KEEP) -> Indices:
    """Return the features that tell most about the label by mutual information, in their order.

    Each feature is cut at its quantiles into ten bins of equally many windows; windows of a class count by class.
    """
    ranks = np.argsort(np.argsort(data.features, axis=0, kind="stable"), axis=0)  # (N, F)
    bins = ranks * _BINS // len(ranks)
    onehot = np.eye(len(data.names))[data.targets]  # (N, K)
    together = np.stack([onehot.T @ (bins == b) for b in range(_BINS)]) / len(bins)  # (B, K, F)
    apart = together.sum(axis=0, keepdims=True) * together.sum(axis=1, keepdims=True)
    told = np.where(together > 0, together * np.log(np.maximum(together, 1e-300) / np.maximum(apart, 1e-300)), 0.0)
    return np.sort(np.argsort(-told.sum(axis=(0, 1)), kind="stable")[:keep])


def study(seed: int) -> Any:
    """Return a silent study of Optuna's that minimises, the same for the same seed; raises MissingPackageError."""
    try:
        import optuna
    except ImportError:
        raise MissingPackageError("optuna", "train") from None
    optuna.logging.set_verbosity(logging.ERROR)
    return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=6))


def _inputs(rows: Floats, mean: Floats, scale: Floats) -> torch.Tensor:
    return torch.from_numpy((np.tanh((rows - mean) * scale / _FAR) * _FAR).astype(np.float32))


def _perceptron(inputs: int, classes: int, settings: Settings) -> nn.Module:
    layers: list[nn.Module] = []
    width = inputs
    for _ in range(settings["layers"]):
        bend = nn.LeakyReLU() if settings["leaky"] else nn.ReLU()
        layers += [nn.Linear(width, settings["hidden"]), bend, nn.Dropout(settings["dropout"])]
        width = settings["hidden"]
    return nn.Sequential(*layers, nn.Linear(width, classes))


def _train(network: nn.Module, x: torch.Tensor, shares: torch.Tensor, settings: Settings) -> None:
    optimiser = torch.optim.Adam(network.parameters(), lr=settings["rate"], weight_decay=settings["decay"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings["steps"])
    best = shares.argmax(dim=1)
    balance = 1.0 / torch.bincount(best, minlength=shares.shape[1]).clamp(min=1)[best].float()
    network.train()
    for _ in range(settings["steps"]):
        rows = torch.multinomial(balance, settings["batch"], replacement=True)
        noisy = x[rows] + _NOISE * torch.randn(len(rows), x.shape[1])
        loss = functional.cross_entropy(network(noisy), shares[rows], label_smoothing=settings["smoothing"])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    network.eval()
