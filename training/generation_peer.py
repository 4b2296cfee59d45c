"""The peer's weights on disk, for as long as a comparison takes; nothing of it is shipped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from ..engine.errors import DataError
from .generation_actor import Actor, train_actor
from .generation_sources import actor_source
from .motion_data import MotionTake, Progress, TakeSource


def train_peer(takes: Sequence[MotionTake], path: Path, cpu_s: float, progress: Progress) -> Path:
    """Train ACTOR for so many CPU-seconds and keep it."""
    torch.set_num_threads(1)
    model, classes, steps = train_actor(takes, cpu_s, progress)
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"classes": json.dumps(classes), "steps": str(steps), "cpu": str(cpu_s)}
    save_file(dict(model.state_dict()), path, about)
    return path


def load_actor(path: Path) -> tuple[TakeSource, dict[str, Any]]:
    """Return the peer as a source of takes, and how long it was trained; raises DataError."""
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata()
        classes = json.loads(about["classes"])
        model = Actor(len(classes))
        model.load_state_dict(load_file(path))
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
        raise DataError(str(path), f"is no peer: {str(error)[:100]}", mend="emotus train actor") from None
    said = {"steps": int(about["steps"]), "cpu_s": float(about["cpu"])}
    return actor_source(model.eval().requires_grad_(requires_grad=False), classes), said
