"""`emotus train movements`: the autoencoder of whole movements, in minutes on one core.

Everything that can be chosen stands in one `GeneratorRecipe`, which a TOML file may overrule and which is kept beside
the weights. Training writes a checkpoint every minute and goes on from it.
"""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..engine.body import BODY
from ..engine.errors import InputError
from ..models.cvae import CvaeShape, MotionCvae, divergence, known
from ..models.cvae_kinematics import mirrored
from .generation_data import Drawer, conditions_of, stacked, windows_of
from .motion_data import FPS, MotionTake, Progress

_EVERY_S: Final = 60.0


@dataclass(frozen=True)
class GeneratorRecipe:
    """State how the autoencoder is trained: sizes, steps, batch, rate and what each part of the loss weighs.

    places, world: joints about the root and in the world, m^2. rotations: sixes weighed by leverage. speed: joints,
    (m/s)^2. standing: speed of feet that stand. kl: the divergence a movement, nats. prior_* and plane_*: of what is
    learnt in the latent space afterwards; style: numbers beside valence and arousal.
    """

    latent: int = 256
    width: int = 160
    layers: int = 3
    steps: int = 150
    batch: int = 40
    rate: float = 1e-4
    straight_rate: float = 1e-6
    rotations: float = 1.0
    places: float = 1.0
    world: float = 0.5
    speed: float = 0.03
    standing: float = 0.06
    kl: float = 4e-6
    prior_width: int = 384
    prior_steps: int = 12000
    prior_batch: int = 160
    prior_rate: float = 1e-3
    style: int = 64
    plane_steps: int = 2000
    seed: int = 0

    @classmethod
    def read(cls, path: Path | None) -> GeneratorRecipe:
        """Return the recipe of a TOML file, every name in it one of these; raises InputError."""
        if path is None:
            return cls()
        try:
            said = tomllib.loads(path.read_text(encoding="utf-8"))
            known_names = {name: type(value) for name, value in asdict(cls()).items()}
            odd = sorted(set(said) - set(known_names))
            if odd:
                raise InputError(str(path), f"unknown setting '{odd[0]}'", mend=f"known: {', '.join(known_names)}")
            return replace(cls(), **{name: known_names[name](value) for name, value in said.items()})
        except OSError as error:
            raise InputError(str(path), (error.strerror or "cannot be read").lower(), mend="check the path") from None
        except (ValueError, TypeError) as error:
            raise InputError(str(path), f"is no recipe: {error}", mend="name = number, a line each") from None


def train_cvae(
    takes: Sequence[MotionTake], recipe: GeneratorRecipe, checkpoint: Path | None, progress: Progress
) -> MotionCvae:
    """Return the autoencoder trained on takes; goes on from a checkpoint of the same recipe where there is one."""
    torch.manual_seed(recipe.seed)
    shape = CvaeShape(conditions_of(takes), recipe.latent, recipe.width, layers=recipe.layers)
    model = MotionCvae(shape)
    straight = [*model.straight_in.parameters(), *model.straight_out.parameters()]
    others = [p for p in model.parameters() if not any(p is each for each in straight)]
    groups = [{"params": others, "lr": recipe.rate}, {"params": straight, "lr": recipe.straight_rate}]
    optimiser = torch.optim.AdamW(groups, weight_decay=1e-4)
    start = _resumed(checkpoint, recipe, model, optimiser)
    if not start:
        _start_straight(model, takes, progress)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate_share(step + start, recipe.steps))
    drawer = Drawer(takes, shape.conditions, recipe.seed + start)
    kept, told = time.monotonic(), 0.0
    for step in range(start, recipe.steps):
        loss, said = losses(model, recipe, *drawer.draw(recipe.batch))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimiser.step()
        schedule.step()
        now = time.monotonic()
        if now - told > 20.0 or step + 1 == recipe.steps:
            told = now
            progress(f"step {step + 1} of {recipe.steps}: " + ", ".join(f"{k} {v:.4g}" for k, v in said.items()))
        if checkpoint is not None and (now - kept > _EVERY_S or step + 1 == recipe.steps):
            kept = now
            _keep(checkpoint, recipe, model, optimiser, step + 1)
    return model.eval().requires_grad_(requires_grad=False)


def _start_straight(model: MotionCvae, takes: Sequence[MotionTake], progress: Progress) -> None:
    """Begin with principal components, the labelled movements counted for as much as all others."""
    kinds = [[t for t in takes if t.label >= 0], [t for t in takes if t.label < 0]]
    parts = [stacked(some, windows_of(some, hop))[0] for some, hop in zip(kinds, (6, 24), strict=True)]
    parts[0] = torch.cat((parts[0], mirrored(parts[0])))
    counts = torch.cat([torch.full((len(part),), 1.0 / max(len(part), 1)) for part in parts])
    progress(f"principal components of {len(counts)} windows")
    model.fit_straight(torch.cat(parts), torch.tensor(BODY.offsets, dtype=torch.float32), counts)


def _rate_share(step: int, steps: int) -> float:
    """Return the share of the learning rate: a short rise, then half a cosine down to a fiftieth."""
    if step < 50:
        return (step + 1) / 50
    at = min(1.0, (step - 50) / max(1, steps - 50))
    return 0.02 + 0.98 * 0.5 * (1 + float(torch.cos(torch.tensor(at * torch.pi))))


def losses(
    model: MotionCvae, recipe: GeneratorRecipe, poses: Tensor, lengths: Tensor, numbers: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Return the loss of a batch, and its parts in units that a person reads."""
    weights = torch.nn.functional.one_hot(numbers, len(model.shape.conditions)).float()
    bias, pair = model.condition(weights)
    mean, log_variance = model.encode(poses, lengths, bias, pair)
    latent = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
    made = model.decode(latent, lengths, bias)
    mask = known(lengths)
    about, world = model.joints(made)
    with torch.no_grad():
        wanted_about, wanted = model.joints(poses)
    parts = {
        "rotations": _mean((model.scaled(made) - model.scaled(poses)).square().sum(dim=-1), mask),
        "places": _mean((about - wanted_about).square().sum(dim=-1).mean(dim=-1), mask),
        "world": _mean((world - wanted).square().sum(dim=-1).mean(dim=-1), mask),
        "speed": _mean(_speed(world - wanted).square().sum(dim=-1).mean(dim=-1), mask[:, 1:]),
        "standing": _standing(world, wanted, mask[:, 1:]),
        "kl": divergence(mean, log_variance).mean(),
    }
    loss = torch.stack([getattr(recipe, name) * part for name, part in parts.items()]).sum()
    said = {"cm": 100 * _mean((about - wanted_about).norm(dim=-1).mean(dim=-1), mask).item(), "loss": loss.item()}
    return loss, said | {name: part.item() for name, part in parts.items()}


def _speed(positions: Tensor) -> Tensor:
    return positions.diff(dim=1) * FPS


def _standing(world: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Return the squared speed of feet that stand in the recording."""
    feet = [15, 16, 19, 20]
    high = torch.tensor([0.15, 0.055, 0.15, 0.055])
    real, made = wanted[:, :, feet], world[:, :, feet]
    stands = (_speed(real).norm(dim=-1) < 0.35) & (real[:, 1:, :, 1] < high)  # (N, 63, 4)
    return _mean((_speed(made).square().sum(dim=-1) * stands).mean(dim=-1), mask)


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum()


def _keep(path: Path, recipe: GeneratorRecipe, model: MotionCvae, optimiser: Any, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": value.contiguous() for name, value in model.state_dict().items()}
    for i, state in optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{i}.{name}": value.contiguous() for name, value in state.items()}
    part = path.with_name(f".{path.name}.part")
    save_file(tensors, part, {"step": str(step), "recipe": json.dumps(asdict(recipe))})
    part.replace(path)


def _taught(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return what of a recipe a checkpoint must share: all that shapes the autoencoder but how long it is taught."""
    return {name: value for name, value in recipe.items() if not name.startswith(("prior", "plane", "style", "steps"))}


def _resumed(path: Path | None, recipe: GeneratorRecipe, model: MotionCvae, optimiser: Any) -> int:
    """Fill model and optimiser from a checkpoint; return the steps done, 0 where none of this recipe is there."""
    if path is None or not path.is_file():
        return 0
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        about = file.metadata()
    if _taught(json.loads(about["recipe"])) != _taught(asdict(recipe)):
        return 0
    tensors = load_file(path)
    model.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("adam."):
            _, i, key = name.split(".")
            state.setdefault(int(i), {})[key] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    return int(about["step"])
