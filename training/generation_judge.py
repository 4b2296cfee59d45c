"""The judge of generated takes: a forest on hand-made features, taught only by contents that no generator saw.

It shares neither weights nor training clips nor features with any generator. Its own figure on real takes is that on
the contents it has not seen: those that generators learn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .generation_metrics import hand_made
from .motion_data import EMOTIONS, GeneratedTake, MotionTake, as_take

FRAMES: Final = 64
HOP: Final = 8
_TREES: Final = 300
Floats = NDArray[np.float64]


def cut(takes: Sequence[MotionTake], *, hop: int = HOP, frames: int = FRAMES) -> list[GeneratedTake]:
    """Return windows of recordings, as takes of their own, each named by its emotion."""
    found: list[GeneratedTake] = []
    for take in takes:
        starts = range(0, max(len(take.root) - frames, 0) + 1, hop)
        found += [as_take(take, slice(at, at + frames)) for at in starts]
    return found


class Judge:
    """Say which emotion a take of two seconds expresses."""

    def __init__(self, real: Sequence[GeneratedTake], seed: int = 0) -> None:
        """Learn from real takes, named by their emotions."""
        self._forest = _forest(hand_made(real), [take.emotion for take in real], seed)

    def probabilities(self, takes: Sequence[GeneratedTake]) -> Floats:
        """Return (N, 6) in the order of EMOTIONS."""
        found = np.zeros((len(takes), len(EMOTIONS)))
        order = [EMOTIONS.index(word) for word in self._forest.classes_]
        found[:, order] = self._forest.predict_proba(hand_made(takes))
        return found


def _forest(rows: Floats, words: Sequence[str], seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    forest = ExtraTreesClassifier(_TREES, class_weight="balanced", min_samples_leaf=2, random_state=seed, n_jobs=1)
    return forest.fit(rows, list(words))


def judged(probabilities: Floats, emotions: Sequence[str]) -> dict[str, Any]:
    """Return accuracy over emotions alike, that of each, and the confusion (6, 6), rows what was meant."""
    meant = np.array([EMOTIONS.index(word) for word in emotions])
    said = probabilities.argmax(axis=1)
    confusion = np.zeros((len(EMOTIONS), len(EMOTIONS)))
    np.add.at(confusion, (meant, said), 1.0)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1.0)
    present = confusion.sum(axis=1) > 0
    each = {word: float(shares[i, i]) for i, word in enumerate(EMOTIONS) if present[i]}
    return {"accuracy": float(np.mean(list(each.values()))), "each": each, "confusion": shares.round(3).tolist()}


def augmentation(
    real: Sequence[GeneratedTake], made: Sequence[GeneratedTake], tests: Sequence[GeneratedTake], seeds: Sequence[int]
) -> dict[str, Any]:
    """Return how well a forest reads the tests, taught by real takes alone, with all made ones, with those it reads.

    As arXiv 2606.28769 did: "supervised" adds the made takes that a forest taught by the real ones reads as meant.
    """
    rows, extra, asked = hand_made(real), hand_made(made), hand_made(tests)
    words, meant = [take.emotion for take in real], [take.emotion for take in made]
    wanted = [take.emotion for take in tests]
    scores: dict[str, list[float]] = {"real alone": [], "and generated": [], "and generated, supervised": []}
    for seed in seeds:
        plain = _forest(rows, words, seed)
        kept = plain.predict(extra) == np.array(meant)
        both = _forest(np.concatenate((rows, extra)), words + meant, seed)
        chosen = [word for word, keep in zip(meant, kept, strict=True) if keep]
        some = _forest(np.concatenate((rows, extra[kept])), words + chosen, seed)
        for name, forest in zip(scores, (plain, both, some), strict=True):
            scores[name].append(_balanced(forest.predict(asked), wanted))
    return {name: {"mean": float(np.mean(s)), "deviation": float(np.std(s))} for name, s in scores.items()} | {
        "generated takes": len(made)
    }


def _balanced(said: NDArray[np.str_], wanted: Sequence[str]) -> float:
    truth = np.array(wanted)
    return float(np.mean([np.mean(said[truth == word] == word) for word in sorted(set(wanted))]))
