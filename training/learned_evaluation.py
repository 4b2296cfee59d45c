"""What the learned signatures tell apart, on the very pairs that the hand-made one is asked about.

An encoder learns from set 2 and is asked about set 1. Among the recipes that one is kept which is best in set 1's
choosing session; the figures are those of the other session. Beside them stands what a mean posture says by itself,
without anything learnt: an encoder sees postures, which a distribution of gradients does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ..models.motion_encoder import PLACES, rows_of_frames
from .clips import Clip, Progress, load_bandai, load_folds
from .learned import RECIPES, LearnedRecipe, apart, embed, load_other, train_encoder
from .signature_stats import ask, auc_of

CHOOSING, REPORTED = "-452", "-3"
DRAWS: Final = 20
LEAST_ACTIVITIES: Final = 10  # of a style that is halved
Floats = np.ndarray


def load_sessions(data: Path, progress: Progress) -> dict[str, list[Clip]]:
    """Return the clips of set 1's two sessions; raises DataError."""
    clips = load_bandai(data, 1, load_folds(data), progress)
    return {session: [clip for clip in clips if clip.session == session] for session in (CHOOSING, REPORTED)}


def choose(data: Path, progress: Progress, *, seeds: Sequence[int]) -> tuple[LearnedRecipe, dict[str, float]]:
    """Return the recipe that is best in the choosing session, and every recipe's AUC there, averaged over seeds."""
    sessions, other = load_sessions(data, progress), load_other(data, progress)
    found: dict[LearnedRecipe, float] = {}
    for recipe in RECIPES:
        progress(f"choosing: {recipe.name}")
        made = [_embedded(recipe, other, sessions[CHOOSING], seed) for seed in seeds]
        found[recipe] = float(np.mean([separation(each, sessions[CHOOSING])["auc"] for each in made]))
    return max(found, key=lambda recipe: found[recipe]), {r.name: round(auc, 4) for r, auc in found.items()}


def evaluate_learned(
    sessions: Mapping[str, Sequence[Clip]], other: Sequence[Clip], *, seeds: Sequence[int], progress: Progress
) -> dict[str, Any]:
    """Return, of every recipe, what it separates in both sessions: mean and deviation over seeds; and which is kept."""
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    for recipe in RECIPES:
        encoders = []
        for seed in seeds:
            progress(f"training {recipe.name}, seed {seed}")
            encoders.append(train_encoder(recipe, other, seed))
        made = {name: [embed(e, [c.frames for c in clips]) for e in encoders] for name, clips in sessions.items()}
        found[recipe.name] = {
            "where_chosen": _over_seeds([separation(each, sessions[CHOOSING])["auc"] for each in made[CHOOSING]]),
            "two_recordings": _over_seeds([separation(each, sessions[REPORTED])["auc"] for each in made[REPORTED]]),
            "first_seed": separation(made[REPORTED][0], sessions[REPORTED]),
            "two_halves": _over_seeds([halves(each, sessions[REPORTED])["auc"] for each in made[REPORTED]]),
            "hits": _over_seeds([halves(each, sessions[REPORTED])["hits"] for each in made[REPORTED]]),
        }
    kept = max(found, key=lambda name: found[name]["where_chosen"]["mean"])
    postures = {name: _postures(clips, other) for name, clips in sessions.items()}
    return {
        "kept": kept,
        "seeds": len(seeds),
        "recipes": found,
        "mean_posture": {
            "where_chosen": separation(postures[CHOOSING], sessions[CHOOSING])["auc"],
            "two_recordings": separation(postures[REPORTED], sessions[REPORTED])["auc"],
            "two_halves": halves(postures[REPORTED], sessions[REPORTED])["auc"],
        },
    }


def separation(signatures: Floats, clips: Sequence[Clip]) -> dict[str, Any]:
    """Return whether two recordings of one style, of two activities, are nearer than two of two styles."""
    activity = np.array([clip.activity for clip in clips])
    answer = ask("style", apart(signatures), [clip.style for clip in clips], activity[:, None] != activity)
    if answer is None:
        raise ValueError("a session without styles")
    return {
        "auc": round(answer.auc, 4), "hedges": round(answer.hedges, 4), "p_permutation": answer.p_permutation,
        "pairs": [answer.pairs_within, answer.pairs_between],
    }  # fmt: skip


def halves(signatures: Floats, clips: Sequence[Clip]) -> dict[str, float]:
    """Return the same of halves of a style's activities against the other halves, and how often the nearest is it."""
    rng = np.random.default_rng(0)
    at = {(clip.style, clip.activity): i for i, clip in enumerate(clips)}
    activities = sorted({activity for _, activity in at})
    styles = [s for s in sorted({s for s, _ in at}) if sum(key[0] == s for key in at) >= LEAST_ACTIVITIES]
    aucs: list[float] = []
    hits: list[float] = []
    for _ in range(DRAWS):
        order = [activities[i] for i in rng.permutation(len(activities))]
        parts = (set(order[: len(order) // 2]), set(order[len(order) // 2 :]))
        made = [_over(signatures, at, style, part) for part in parts for style in styles]
        far = apart(np.stack(made))[: len(styles), len(styles) :]
        same = np.eye(len(styles), dtype=bool)
        aucs.append(auc_of(far[same], far[~same]))
        hits.append(float((far.argmin(axis=1) == np.arange(len(styles))).mean()))
    return {"auc": round(float(np.mean(aucs)), 4), "hits": round(float(np.mean(hits)), 4), "chance": 1 / len(styles)}


def _over(signatures: Floats, at: Mapping[tuple[str, str], int], style: str, part: set[str]) -> Floats:
    """Return the signature of a style over some of its activities."""
    return signatures[[i for (name, activity), i in at.items() if name == style and activity in part]].mean(axis=0)


def _embedded(recipe: LearnedRecipe, other: Sequence[Clip], clips: Sequence[Clip], seed: int) -> Floats:
    return embed(train_encoder(recipe, other, seed), [clip.frames for clip in clips])


def _postures(clips: Sequence[Clip], other: Sequence[Clip]) -> Floats:
    """Return the mean place of each joint (N, 63), in the spreads of set 2."""
    every = np.concatenate([_places(clip) for clip in other])
    return np.stack([_places(clip).mean(axis=0) for clip in clips]).astype(np.float64) / (every.std(axis=0) + 0.02)


def _places(clip: Clip) -> Floats:
    return rows_of_frames(torch.from_numpy(clip.frames))[:, :PLACES].numpy()


def _over_seeds(values: Sequence[float]) -> dict[str, float]:
    return {"mean": round(float(np.mean(values)), 4), "sd": round(float(np.std(values)), 4)}


def to_lines(learned: Mapping[str, Any], hand_made: float, published: float) -> list[str]:
    """Return the figures for a person to read, beside the AUC of the hand-made definition and of the published one."""
    lines = [f"learnt from set 2 without labels, the mean of {learned['seeds']} seeds:"]
    for name, found in learned["recipes"].items():
        two, half, p = found["two_recordings"], found["two_halves"], found["first_seed"]["p_permutation"]
        mark = ", kept" if name == learned["kept"] else ""
        lines.append(
            f"  {name}: AUC {two['mean']:.3f} +- {two['sd']:.3f} (p {p:.4f}; {found['where_chosen']['mean']:.3f} where "
            f"chosen), halves {half['mean']:.3f} +- {half['sd']:.3f}, nearest {found['hits']['mean']:.2f}{mark}"
        )
    posture, kept = learned["mean_posture"], learned["recipes"][learned["kept"]]["two_recordings"]["mean"]
    lines.append(
        f"  the mean posture alone, nothing learnt: AUC {posture['two_recordings']:.3f} "
        f"({posture['where_chosen']:.3f} where chosen), halves {posture['two_halves']:.3f}"
    )
    lines.append(
        f"  learned less hand-made {kept - hand_made:+.3f}, less published {kept - published:+.3f} (goal +0.050)"
    )
    return lines
