"""`emotus train`: data sets in, weights and what is known of them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..engine.errors import DataError
from ..models.store import Info, save_recogniser
from .bank import Bank
from .clips import LABELS, Progress
from .library import Library, build_library
from .recipe import Choice, Recipe, assemble, choose, excludes, fit, fit_relative, inner_folds

NAME = "bandai-stgcn"
LICENCE = "CC BY-NC 4.0"
ATTRIBUTION = (
    "Trained on the Bandai-Namco-Research-Motiondataset by Bandai Namco Research Inc. (sets 1 and 2, CC BY-NC 4.0, "
    "https://github.com/BandaiNamcoResearchInc/Bandai-Namco-Research-Motiondataset); features and weights are derived."
)
# Places on the plane of Russell (1980), A circumplex model of affect: set by hand after its layout, measured by nobody.
VALENCE = {"angry": -0.6, "happy": 0.8, "sad": -0.7, "proud": 0.6, "unsure": -0.4, "neutral": 0.0}
AROUSAL = {"angry": 0.7, "happy": 0.5, "sad": -0.5, "proud": 0.3, "unsure": -0.2, "neutral": 0.0}
UNKNOWN_THRESHOLD = 0.3
STRANGE_THRESHOLD = 0.5


def train(
    model: str, data_dir: Path, out_dir: Path, *, seed: int, progress: Progress, recipe: Recipe | None = None
) -> Path:
    """Train the recogniser on everything and write it to out_dir; return the path of the weights.

    model: "stgcn". Raises DataError naming what is missing. Takes about three minutes on one core.
    """
    if model != "stgcn":
        raise DataError(model, "no such recipe", mend="emotus train stgcn")
    torch.set_num_threads(1)
    recipe = recipe or Recipe()
    library = build_library(data_dir, recipe.shape, progress)
    bank = Bank(library, recipe.shape, recipe.network, progress)
    choice = far_choice(library, bank, recipe, set(), seed)
    progress("training on every clip")
    fitted, _ = fit(library, bank, recipe, set(), choice, "family", seed)
    progress("training the answer relative to a performer")
    relation = fit_relative(library, recipe, fitted, seed)
    return save_recogniser(
        out_dir, assemble(library, recipe, fitted, relation), describe(library, choice, fitted.foreign.bounds, seed)
    )


def far_choice(library: Library, bank: Bank, recipe: Recipe, groups: set[str], seed: int) -> Choice:
    """Choose on new activities and new families of them alike, since users bring both; groups are families left out."""
    outer = excludes(groups, "family")
    new = inner_folds(library, bank, recipe, outer, "content", seed)
    far = inner_folds(library, bank, recipe, outer, "family", seed)
    return choose([*new, *far], recipe)


def describe(library: Library, choice: Choice, foreign: tuple[float, float], seed: int) -> Info:
    """Return what goes beside the weights."""
    said: dict[str, Any] = {
        "command": f"emotus train stgcn --seed {seed}",
        "clips": len(library.labelled),
        "other_clips": [len(library.set1) - len(library.labelled), len(library.set2)],
        "shrinkage": choice.shrinkage,
        "graph_shrinkage": choice.graph_shrinkage,
        "mix": choice.mix,
        "foreign_bounds": list(foreign),
        "chosen_on": "activities, and families of activities, left out in turn",
        "valence_arousal": "assumed, after the layout of Russell (1980); not measured",
    }
    return Info(
        name=NAME,
        labels=LABELS,
        valence=VALENCE,
        arousal=AROUSAL,
        temperatures=choice.table,
        unknown_threshold=UNKNOWN_THRESHOLD,
        strange_threshold=STRANGE_THRESHOLD,
        sha256="",
        licence=LICENCE,
        attribution=ATTRIBUTION,
        training=said,
    )
