"""The names of `emotus train MODEL --data`, and the classifier each stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..engine.errors import InputError
from .classifier import Classifier

Kind = type[Classifier]


def _plain(name: str) -> Callable[[], Kind]:
    def find() -> Kind:
        from . import plain_classifiers

        return getattr(plain_classifiers, name)

    return find


def _network(name: str) -> Callable[[], Kind]:
    def find() -> Kind:
        from . import network_classifiers

        return getattr(network_classifiers, name)

    return find


def _boost() -> Kind:
    from .boost import Boost

    return Boost


def _mlp() -> Kind:
    from .mlp import Mlp

    return Mlp


def _gait() -> Kind:
    from .gait_classifier import Gait

    return Gait


def _ensemble() -> Kind:
    from .ensemble import Ensemble

    return Ensemble


CLASSIFIERS: Final[dict[str, Callable[[], Kind]]] = {
    "forest": _plain("Forest"),
    "svm": _plain("Svm"),
    "linear": _plain("Linear"),
    "boost": _boost,
    "mlp": _mlp,
    "lstm": _network("Lstm"),
    "stgcn": _network("AttentionStgcn"),
    "stgcn-plain": _network("PlainStgcn"),
    "judge": _network("Judge"),
    "gait": _gait,
    "emokine-3d": _plain("Emokine3d"),
    "emokine-2d": _plain("Emokine2d"),
    "ensemble": _ensemble,
}


def classifier_of(name: str) -> Kind:
    """Return the classifier of a name; raises InputError."""
    if name not in CLASSIFIERS:
        raise InputError("emotus train", f"unknown model '{name}'", mend=f"one of {', '.join(CLASSIFIERS)}")
    return CLASSIFIERS[name]()
