"""How exactly movements that no generator saw come back from their latents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch

from ..models.cvae import known
from ..models.cvae_generator import MovementGenerator
from .generation_data import Window, condition_of, stacked, windows_of
from .motion_data import MotionTake

LENGTHS: Final = (64, 60, 48, 32)
NO_KIN: Final = frozenset({"bye", "byebye", "punch"})  # held-out contents that nothing learnt resembles


@torch.inference_mode()
def reconstruction(model: MovementGenerator, takes: Sequence[MotionTake]) -> dict[str, Any]:
    """Return mean joint errors in cm, of windows that were encoded to their latent means and decoded again.

    about the hips: both bodies set on one hip and heading, the figure that papers report. world: as they travel from
    the window's beginning.
    """
    about, world = errors(model, takes, windows_of(takes, 16))
    found = {"frames": 64, "about_hips_cm": float(about.mean()), "world_cm": float(world.mean())}
    windows = windows_of(takes, 16)
    names = [takes[window.take].content for window in windows]
    each = {name: float(about[[n == name for n in names]].mean()) for name in sorted(set(names))}
    kinless = about[[name in NO_KIN for name in names]]
    by_frames: dict[str, float] = {}
    for frames in LENGTHS:
        cut = [Window(window.take, window.start, min(frames, window.length)) for window in windows]
        by_frames[str(frames)] = float(errors(model, takes, cut)[0].mean())
    kin = float(kinless.mean()) if len(kinless) else float("nan")
    return found | {"contents_cm": each, "without_kin_cm": kin, "by_frames_cm": by_frames}


def errors(
    model: MovementGenerator, takes: Sequence[MotionTake], windows: Sequence[Window]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean joint error (N,) in cm of windows, about the hips and in the world."""
    poses, lengths = stacked(takes, windows)
    cvae, conditions = model.cvae, model.cvae.shape.conditions
    numbers = torch.tensor([conditions.index(condition_of(takes[window.take])) for window in windows])
    bias, pair = cvae.condition(torch.nn.functional.one_hot(numbers, len(conditions)).float())
    latents, _ = cvae.encode(poses, lengths, bias, pair)
    made = cvae.decode(latents, lengths, bias)
    mask = known(lengths)
    both = zip(cvae.joints(made), cvae.joints(poses), strict=True)
    about, world = ((a - b).norm(dim=-1).mean(dim=-1) * mask for a, b in both)
    return 100 * about.sum(dim=1) / mask.sum(dim=1), 100 * world.sum(dim=1) / mask.sum(dim=1)
