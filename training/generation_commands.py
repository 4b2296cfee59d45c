"""`emotus train movements`, `emotus train actor` and `emotus evaluate generation`: the generators that are judged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ..engine.errors import InputError
from .console import note, say

DEFAULT_OUT = Path("generation-report")
CONFIG = "movements.toml"


def train_movements(data: Path, out: Path, *, seed: int = 0) -> Path:
    """Train the offline generator into a folder, by the recipe in its movements.toml where there is one.

    Stopped and called again it goes on from the checkpoint in that folder. Raises InputError, DataError.
    """
    from .generation_fit import train_generator
    from .generation_train import GeneratorRecipe

    config = out / CONFIG
    recipe = replace(GeneratorRecipe.read(config if config.is_file() else None), seed=seed)
    return train_generator(data, out, recipe=recipe, checkpoint=out / "checkpoint.safetensors", progress=note)


def train_actor(data: Path, out: Path, *, cpu_s: float = 500.0) -> Path:
    """Train the peer, ACTOR, for about as many CPU-seconds as ours took; nothing of it ships."""
    from .generation_peer import train_peer
    from .motion_data import load_motion, split

    takes, _ = split(load_motion(data, note))
    return train_peer(takes, out / "actor.safetensors", cpu_s, note)


def evaluate_generation(
    model: str,
    data: Path,
    *,
    out: Path | None = None,
    weights: Path | None = None,
    takes: int = 50,
    peer: Path | None = None,
    as_json: bool = False,
) -> None:
    """Judge a generator (cvae, manifold or stream), print the figures and write the report's folder."""
    from .generation_evaluation import evaluate, ground
    from .generation_report import to_text, write_folder
    from .generation_sources import make_source, open_generator

    if takes < 4:
        raise InputError(f"--takes {takes}", "tells nothing", mend="4 at least of each emotion, better 50")
    make_source(model, weights)  # before minutes of reading: is there such a generator
    given = ground(data, note)
    report, made = evaluate(model, data, progress=note, weights=weights, count=takes, peer=peer, given=given)
    network = None if model == "stream" else open_generator(weights)
    path = write_folder(report, made, given.real, out or DEFAULT_OUT, network)
    say(json.dumps(report.to_dict()) if as_json else to_text(report))
    note(f"{path}, with metrics.json and blind.html beside it")
