"""`emotus train generator`: the network of the streaming generator, learnt from walks without end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from ..engine.errors import DataError
from ..models.primitive import Basis, Primitive, PrimitiveShape
from ..models.primitive_store import NAME, PrimitiveInfo, save_primitive
from .motion_data import EMOTIONS
from .partner_chains import Chains
from .partner_corpus import Corpus, string_together
from .partner_data import Footage, load_footage, make_basis
from .train import AROUSAL, LICENCE, VALENCE

Progress = Callable[[str], None]
ATTRIBUTION: Final = (
    "Trained on the Bandai-Namco-Research-Motiondataset by Bandai Namco Research Inc. (set 1, CC BY-NC 4.0, "
    "https://github.com/BandaiNamcoResearchInc/Bandai-Namco-Research-Motiondataset); weights are derived."
)
_OFTEN: Final = 100  # steps between two words of progress, and two states on disk


@dataclass(frozen=True)
class PartnerRecipe:
    """Say how the streaming generator is trained; a JSON file may set any of these.

    poses: principal axes of a pose. corpus: frames walked through the footage. pieces: how many pieces in a row are
    made of one's own, at each quarter of the training. speed: what an error of the frames' differences weighs beside
    one of the frames. chains: how many of each mood and way go on for ever beside; lively: what it weighs that these
    move as the recordings do; alone: the share of the steps before they begin. held_out: learn from what the judge
    of generated takes learns from, too.
    """

    poses: int = 40
    frames: int = 4
    past: int = 8
    latent: int = 16
    width: int = 384
    corpus: int = 150_000
    steps: int = 4000
    batch: int = 32
    pieces: tuple[int, ...] = (2, 4, 6, 6)
    rate: float = 1e-3
    divergence: float = 3e-3
    speed: float = 10.0
    jitter: float = 0.015
    chains: int = 24
    lively: float = 0.02
    alone: float = 0.5
    held_out: bool = False


def read_recipe(path: Path | None) -> PartnerRecipe:
    """Return the recipe that a JSON file changes; raises DataError for a word or value that is none."""
    if path is None:
        return PartnerRecipe()
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        known = asdict(PartnerRecipe())
        unknown = sorted(set(said) - set(known))
        if unknown:
            raise DataError(str(path), f"no such word: {unknown[0]!r}", mend=f"there are {', '.join(known)}")
        wrong = [name for name, value in said.items() if not isinstance(value, type(known[name]) | int | list)]
        if wrong:
            raise DataError(str(path), f"{wrong[0]} cannot be {said[wrong[0]]!r}")
        said["pieces"] = tuple(said.get("pieces", known["pieces"]))
        return PartnerRecipe(**said)
    except OSError as error:
        raise DataError(str(path), (error.strerror or "cannot be read").lower()) from None
    except (ValueError, TypeError, AttributeError):
        raise DataError(str(path), "is no JSON object of settings") from None


def train_generator(
    data: Path, out: Path, *, seed: int, progress: Progress, recipe: PartnerRecipe, resume: bool = False
) -> Path:
    """Train the streaming generator and write its weights to the folder `out`; return their path.

    resume: go on from where a training with the same recipe and seed was broken off. Raises DataError.
    """
    torch.set_num_threads(1)
    footage = load_footage(data, progress, held_out=recipe.held_out)
    if not footage:
        raise DataError(str(data), "holds no clip to learn from")
    basis = make_basis(footage, recipe.poses)
    corpus = string_together(footage, basis, len(EMOTIONS), recipe.corpus, seed)
    progress(f"{len(corpus.coordinates)} frames of walks without end")
    model = _open(corpus, basis, footage, recipe, seed)
    chains = Chains(footage, basis, model, recipe.chains)
    model = _fit(corpus, model, chains, recipe, seed, progress, out, resume=resume)
    return save_primitive(out, model, basis, _describe(footage, recipe, seed))


def _open(corpus: Corpus, basis: Basis, footage: list[Footage], recipe: PartnerRecipe, seed: int) -> Primitive:
    """Return the network before training, knowing the range of the data and where it starts."""
    torch.manual_seed(seed)
    size = corpus.coordinates.shape[1]
    shape = PrimitiveShape(len(EMOTIONS), recipe.frames, recipe.past, size, recipe.latent, recipe.width)
    model = Primitive(shape)
    moves = np.abs(np.diff(corpus.coordinates, axis=0))
    lowest, highest = np.quantile(corpus.coordinates, (0.0005, 0.9995), axis=0)
    room = 0.05 * (highest - lowest)
    model.lowest.copy_(torch.from_numpy(lowest - room))
    model.highest.copy_(torch.from_numpy(highest + room))
    model.fastest.copy_(torch.from_numpy(1.2 * np.quantile(moves, 0.9995, axis=0)))
    still = next(each for each in footage if not each.travels and EMOTIONS[each.label] == "neutral")
    model.first.copy_(torch.from_numpy(basis.encode(still.turns, still.root)[: recipe.past]))
    return model


def _fit(
    corpus: Corpus,
    model: Primitive,
    chains: Chains,
    recipe: PartnerRecipe,
    seed: int,
    progress: Progress,
    out: Path,
    *,
    resume: bool,
) -> Primitive:
    """Train on roll-outs: from the first piece on, the past is what the network itself has made."""
    x, commands = torch.from_numpy(corpus.coordinates), torch.from_numpy(corpus.commands)
    optimiser = torch.optim.AdamW(model.parameters(), recipe.rate, weight_decay=1e-4)
    kept, begun = out / f".{NAME}.part", 0
    if resume and kept.is_file():
        begun = _resume(kept, model, optimiser, chains)
        progress(f"going on at step {begun}")
    out.mkdir(parents=True, exist_ok=True)
    for step in range(begun, recipe.steps):
        rng = np.random.default_rng((seed, step))
        torch.manual_seed(seed * 1_000_003 + step)
        pieces = recipe.pieces[len(recipe.pieces) * step // recipe.steps]
        rise, fall = min(1.0, (step + 1) / 200), 0.5 * (1 + np.cos(np.pi * step / recipe.steps))
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * rise * max(0.02, fall)
        starts = rng.integers(0, len(x) - recipe.past - pieces * recipe.frames, recipe.batch)
        loss, said = _roll(model, x, commands, starts, pieces, recipe)
        if step >= recipe.alone * recipe.steps:
            apart = chains.loss(model, rng, step)
            loss, said = loss + recipe.lively * apart, f"{said}, liveliness off by {apart.item():.2f}"
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % _OFTEN == 0 or step == recipe.steps - 1:
            progress(f"step {step} of {recipe.steps}: {said}")
            _keep(kept, model, optimiser, chains, step)
    kept.unlink(missing_ok=True)
    return model.eval()


def _keep(path: Path, model: Primitive, optimiser: torch.optim.Optimizer, chains: Chains, step: int) -> None:
    """Write all that a broken training goes on from, in one step."""
    tensors = {f"model.{name}": each for name, each in model.state_dict().items()}
    for i, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{i}.{name}": each for name, each in state.items()}
    tensors |= {"chains.state": chains.state, "chains.commands": chains.commands}
    part = path.with_suffix(".new")
    safetensors.torch.save_file({**tensors, "step": torch.tensor(step)}, part)
    part.replace(path)


def _resume(path: Path, model: Primitive, optimiser: torch.optim.Optimizer, chains: Chains) -> int:
    """Take up what was kept; return the step to go on with. Raises DataError for what is not of this recipe."""
    try:
        tensors = safetensors.torch.load_file(path)
        model.load_state_dict({name[6:]: each for name, each in tensors.items() if name.startswith("model.")})
        moments: dict[int, dict[str, Tensor]] = {}
        for name, each in tensors.items():
            if name.startswith("optimiser."):
                _, i, what = name.split(".")
                moments.setdefault(int(i), {})[what] = each
        optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
        chains.state.copy_(tensors["chains.state"])
        chains.commands.copy_(tensors["chains.commands"])
        return int(tensors["step"]) + 1
    except (OSError, ValueError, KeyError, RuntimeError, safetensors.SafetensorError):
        raise DataError(str(path), "is of another recipe", mend="leave out --resume") from None


def _roll(
    model: Primitive, x: Tensor, commands: Tensor, starts: np.ndarray, pieces: int, recipe: PartnerRecipe
) -> tuple[Tensor, str]:
    """Return the loss of so many pieces in a row, each made after what was made before it, and its parts in words."""
    at = torch.from_numpy(starts)[:, None]
    past = x[at + torch.arange(recipe.past)]  # (B, P, F)
    past = past + recipe.jitter * torch.randn_like(past)
    errors, divergences = torch.zeros(()), torch.zeros(())
    for piece in range(pieces):
        begin = at + recipe.past + piece * recipe.frames
        truth = x[begin - 1 + torch.arange(recipe.frames + 1)]  # (B, K + 1, F): with the frame before
        command = commands[begin[:, 0] + recipe.frames - 1]
        mean, spread = model.encode(past, command, truth[:, 1:])
        expected, width = model.expect(past, command)
        made = model.decode(past, command, mean + spread * torch.randn_like(spread))
        moved = torch.diff(torch.cat((past[:, -1:], made), dim=1), dim=1) - torch.diff(truth, dim=1)
        errors = errors + ((made - truth[:, 1:]) ** 2).mean() + recipe.speed * (moved**2).mean()
        apart = torch.log(width / spread) + (spread**2 + (mean - expected) ** 2) / (2 * width**2) - 0.5
        divergences = divergences + apart.sum(dim=1).mean()
        past = model.remember(past, made)
    said = f"error {errors.item() / pieces:.4f}, divergence {divergences.item() / pieces:.2f}, {pieces} pieces"
    return (errors + recipe.divergence * divergences) / pieces, said


def _describe(footage: list[Footage], recipe: PartnerRecipe, seed: int) -> PrimitiveInfo:
    """Return what goes beside the weights."""
    said = {"seed": seed, "clips": len(footage) // 2, "mirrored": True, "recipe": asdict(recipe)}
    said["valence_arousal"] = "assumed, after the layout of Russell (1980); not measured"
    return PrimitiveInfo(NAME, EMOTIONS, VALENCE, AROUSAL, _paces(footage), "", LICENCE, ATTRIBUTION, said)


def _paces(footage: list[Footage]) -> dict[str, float]:
    """Return how fast each emotion walks ahead, in m/s: the mean over its walks, turned or straight."""
    paces: dict[str, float] = {}
    for label, emotion in enumerate(EMOTIONS):
        walks = [each.root for each in footage if each.label == label and each.activity == "walk"]
        paces[emotion] = round(float(np.mean(np.concatenate(walks)[:, 2])), 2)
    return paces
