"""`emotus train generator` and `emotus evaluate generation`: the offline generator's commands."""

from __future__ import annotations

import json
from pathlib import Path

from ..engine.errors import InputError
from .console import note, say

DEFAULT_OUT = Path("generation-report")


def train_generator(
    data: Path, out: Path, *, config: Path | None, seed: int | None = None, peer_s: float | None = None
) -> None:
    """Train the offline generator into a folder, going on from its checkpoint there; or with peer_s only the peer."""
    from dataclasses import replace

    from .generation_fit import train_generator as train
    from .generation_peer import train_peer
    from .generation_train import GeneratorRecipe
    from .motion_data import load_motion, split

    if peer_s is not None:
        takes, _ = split(load_motion(data, note))
        say(str(train_peer(takes, out / "actor.safetensors", peer_s, note)))
        return
    recipe = GeneratorRecipe.read(config)
    recipe = recipe if seed is None else replace(recipe, seed=seed)
    say(str(train(data, out, recipe=recipe, checkpoint=out / "checkpoint.safetensors", progress=note)))


def evaluate_generation(
    model: str, data: Path, *, out: Path | None, weights: Path | None, takes: int, peer: Path | None, as_json: bool
) -> None:
    """Judge a generator (cvae, manifold or stream), print the figures and write the report's folder."""
    from .generation_evaluation import evaluate, ground
    from .generation_report import to_text, write_folder

    if takes < 4:
        raise InputError(f"--takes {takes}", "tells nothing", mend="4 at least of each emotion, better 50")
    given = ground(data, note)
    report, made = evaluate(model, data, progress=note, weights=weights, count=takes, peer=peer, given=given)
    network = None
    if model != "stream":
        from .generation_sources import open_generator

        network = open_generator(weights)
    folder = out or DEFAULT_OUT
    path = write_folder(report, made, given.real, folder, network)
    say(json.dumps(report.to_dict()) if as_json else to_text(report))
    note(f"{path}, with metrics.json and blind.html beside it")
