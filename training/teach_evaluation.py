"""`emotus evaluate teach`: what teaching is worth, on styles that nothing here has ever been told of.

Bandai-1, one performer, five styles; of each, k activities are taught and all the others are to be known; a clip's
answer is the mean over its moments. The graph network was never shown these styles' clips (training/network.py), only
the scale of each feature was measured on them, without labels; the prior is learnt without them. The peers learn from
the same clips of the same draws.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..engine.errors import MissingPackageError
from ..engine.taught import FAMILIAR
from ..engine.teach import fit
from ..models.teach_prior import TeachPrior
from . import metrics
from .clips import Progress
from .episodes import SHOTS, Episode, answer, episodes, learn, take_of
from .evaluate import EvaluationReport
from .peer_features import windows_of
from .shown import Shown
from .teach_prior import Material, PriorRecipe, gather, learn_prior, remeasure

Floats = NDArray[np.float64]
MODEL = "teach"
DRAWS = 8
GOALS = {1: 0.60, 2: 0.68, 3: 0.75, 5: 0.80}
STYLES = 5
MOMENTS_S = (0.5, 1.0, 2.0, 4.0)
Answerer = Callable[[Episode], Floats]  # probabilities (N, K) of the tests


def evaluate(
    data_dir: Path, *, seeds: Sequence[int] = (0, 1, 2), progress: Progress, recipe: PriorRecipe | None = None
) -> EvaluationReport:
    """Play teaching through for every draw and seed; raises DataError naming what is missing. About eight minutes."""
    start = time.monotonic()
    torch.set_num_threads(1)
    recipe = recipe or PriorRecipe()
    material = gather(data_dir, progress)
    shown = [each for each in material.set1 if 0 <= each.clip.label < STYLES]
    progress("learning the prior without the five styles")
    others = material.without([each for each in material.set1 if each.clip.style in {s.clip.style for s in shown}])
    prior = learn_prior(others, recipe, progress)
    found: dict[str, Any] = {"styles": sorted({each.clip.style for each in shown}), "clips": len(shown)}
    found["honest"] = _by_shots(shown, seeds, _ours(lambda _: prior), progress, "ours")
    progress("learning the prior without the tested activities too, for every draw")
    stricter = _ours(lambda game: strict(others, prior, game, recipe))
    found["strict"] = _by_shots(shown, seeds, stricter, progress, "strict")
    progress("the leaky twin: the prior as it ships, which has seen these styles")
    leaky = learn_prior(material, recipe, progress)
    found["leaky"] = _by_shots(shown, seeds, _ours(lambda _: leaky), progress, "leaky")
    for name, peer in peers().items():
        found[name] = _by_shots(shown, seeds, peer, progress, name)
    found["live"] = live(shown, prior, seeds)
    found["untaught"] = untaught(material, shown, prior, seeds)
    minutes = round((time.monotonic() - start) / 60.0, 1)
    return EvaluationReport(MODEL, "emotus evaluate teach", tuple(seeds), minutes, found)


def strict(others: Material, prior: TeachPrior, game: Episode, recipe: PriorRecipe) -> TeachPrior:
    """Return the prior of clips that show none of the tested activities; kin in set 2 (walk, walk-turn) are out too."""
    tested = {test.clip.activity for test in game.tests}
    kin = {activity.partition("-")[0] for activity in tested}
    gone = [each for each in others.set1 if each.clip.activity in tested]
    gone += [each for each in others.set2 if each.clip.activity.partition("-")[0] in kin]
    return remeasure(others.without(gone), prior, recipe)


def _ours(prior_of: Callable[[Episode], TeachPrior]) -> Answerer:
    def said(game: Episode) -> Floats:
        prior = prior_of(game)
        head = fit([take_of(each, prior) for each in game.taught], prior).head
        return np.stack([answer(head, test) for test in game.tests])

    return said


def _by_shots(
    shown: Sequence[Shown], seeds: Sequence[int], said: Answerer, progress: Progress, name: str
) -> dict[str, Any]:
    """Return, for each number of activities taught, the figures over all draws of all seeds."""
    found: dict[str, Any] = {}
    for shots in SHOTS:
        progress(f"{name}: {shots} of each taught")
        games = [game for seed in seeds for game in episodes(shown, shots, DRAWS, seed)]
        found[str(shots)] = _figures([(said(game), game.labels) for game in games])
    return found


def _figures(games: Sequence[tuple[Floats, NDArray[np.intp]]]) -> dict[str, Any]:
    scores = [metrics.accuracy(probs, labels) for probs, labels in games]
    probs, labels = np.concatenate([p for p, _ in games]), np.concatenate([y for _, y in games])
    return {
        "accuracy": round(float(np.mean(scores)), 4),
        "deviation": round(float(np.std(scores)), 4),
        "macro_f1": round(float(np.mean([metrics.macro_f1(p, y) for p, y in games])), 4),
        "ece": round(metrics.calibration_error(probs, labels), 4),
        "draws": [round(score, 4) for score in scores],
    }


def peers() -> dict[str, Answerer]:
    """Return the peers by name; raises MissingPackageError without scikit-learn."""
    try:
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        raise MissingPackageError("scikit-learn", "train") from None
    features = cache(windows_of_clip)

    def peer(make: Callable[[], Any]) -> Answerer:
        def said(game: Episode) -> Floats:
            rows = [features(each) for each in game.taught]
            y = np.repeat([game.styles.index(each.clip.style) for each in game.taught], [len(r) for r in rows])
            model = make().fit(np.concatenate(rows), y)
            return np.stack([model.predict_proba(features(test)).mean(axis=0) for test in game.tests])

        return said

    return {
        "random forest": peer(lambda: RandomForestClassifier(200, random_state=0)),
        "logistic regression": peer(lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))),
    }


def windows_of_clip(shown: Shown) -> Floats:
    """Return the peers' features of a clip, (W, F)."""
    return windows_of(shown.clip.frames)


def live(shown: Sequence[Shown], prior: TeachPrior, seeds: Sequence[int], shots: int = 3) -> dict[str, Any]:
    """Return how often the right label leads after so many seconds of a clip, and how probable it is then."""
    right: dict[float, list[float]] = {moment: [] for moment in MOMENTS_S}
    sure: dict[float, list[float]] = {moment: [] for moment in MOMENTS_S}
    for game in (game for seed in seeds for game in episodes(shown, shots, DRAWS, seed)):
        head = learn(game, prior)
        for test, label in zip(game.tests, game.labels.tolist(), strict=True):
            for moment in MOMENTS_S:
                at = int(np.abs(test.seen - moment * 30).argmin())
                if abs(float(test.seen[at]) - moment * 30) <= 8:
                    probs = head.probabilities(test.rows[at], float(test.seen[at]))
                    right[moment].append(float(probs.argmax() == label))
                    sure[moment].append(float(probs[label]))
    return {
        str(moment): {"accuracy": _mean(right[moment]), "probability": _mean(sure[moment]), "clips": len(right[moment])}
        for moment in MOMENTS_S
    }


def untaught(
    material: Material, shown: Sequence[Shown], prior: TeachPrior, seeds: Sequence[int], count: int = 3
) -> dict[str, Any]:
    """Teach three of the five styles; return the share of clips called familiar, of taught styles and of others.

    others: the two styles that were left out; the same performer's further styles; and other performers.
    """
    home = shown[0].clip.session
    named = {each.clip.style for each in shown}
    kin = [each for each in material.set1 if each.clip.session == home and each.clip.style not in named]
    far = [each for each in material.set1 if each.clip.session != home]
    found: dict[str, Any] = {}
    for shots in SHOTS:
        shares: dict[str, list[float]] = {"taught": [], "left out": [], "other styles": [], "other performers": []}
        for game in (game for seed in seeds for game in episodes(shown, shots, DRAWS, seed, styles=count)):
            head = learn(game, prior)
            drawn = {each.clip.activity for each in game.taught}
            for test, label in zip(game.tests, game.labels.tolist(), strict=True):
                shares["left out" if label < 0 else "taught"].append(_familiar(head.familiarity(test.rows)))
            for name, clips in (("other styles", kin), ("other performers", far)):
                new = [each for each in clips if each.clip.activity not in drawn]
                shares[name] += [_familiar(head.familiarity(each.rows)) for each in new]
        found[str(shots)] = {name: _mean(values) for name, values in shares.items()}
    return found


def _familiar(familiarity: Floats) -> float:
    return float(familiarity.mean() >= FAMILIAR)


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4) if values else 0.0


def to_text(report: EvaluationReport) -> str:
    """Return the figures as tables for a terminal."""
    found = report.protocols
    lines = [f"`{report.command}`, seeds {', '.join(map(str, report.seeds))}, {report.minutes:g} minutes.", ""]
    lines += [f"k activities of each of {', '.join(found['styles'])} taught, the others tested; {DRAWS} draws a seed."]
    lines.append("The honest prior has seen none of these styles; the strict one none of the tested activities either.")
    lines += ["", _row("", *(f"k = {shots}" for shots in SHOTS))]
    names = ("honest", "strict", "leaky", "random forest", "logistic regression")
    titles = {"honest": "ours", "strict": "ours, strict", "leaky": "leaky twin (shipped prior)"}
    for name in names:
        cells = (f"{v['accuracy']:.3f} +- {v['deviation']:.3f}" for v in found[name].values())
        lines.append(_row(titles.get(name, name), *cells))
    lines.append(_row("chance", *(f"{1 / STYLES:.3f}" for _ in SHOTS)))
    lines.append(_row("goal", *(f"{goal:.2f}" for goal in GOALS.values())))
    lines.append(_row("ours, ECE of clips", *(f"{v['ece']:.3f}" for v in found["honest"].values())))
    lines.append(_row("ours less the better peer, paired", *_paired(found)))
    lines += ["", _row("live, k = 3: seen", *(f"{moment} s" for moment in found["live"]))]
    lines.append(_row("right label leads", *(f"{v['accuracy']:.3f}" for v in found["live"].values())))
    lines.append(_row("its probability", *(f"{v['probability']:.3f}" for v in found["live"].values())))
    lines += ["", "three of the five taught, other activities: clips called familiar"]
    for name in ("taught", "left out", "other styles", "other performers"):
        lines.append(_row(name, *(f"{v[name]:.3f}" for v in found["untaught"].values())))
    return "\n".join(lines)


def _paired(found: dict[str, Any]) -> list[str]:
    """Return, for each number of activities, the mean difference over the same draws and its standard error."""
    cells: list[str] = []
    for shots in map(str, SHOTS):
        rivals = [found[name][shots] for name in ("random forest", "logistic regression")]
        best = max(rivals, key=lambda rival: rival["accuracy"])
        difference = np.array(found["honest"][shots]["draws"]) - np.array(best["draws"])
        cells.append(f"{difference.mean():+.3f} +- {difference.std() / len(difference) ** 0.5:.3f}")
    return cells


def _row(title: str, *cells: str) -> str:
    return f"  {title:<34}" + "".join(f"{cell:<18}" for cell in cells).rstrip()
