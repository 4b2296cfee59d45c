"""Where takes come from: the offline generator, its plane, the streaming one, the peer, and real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ..engine.errors import InputError
from ..engine.skeleton import Float32
from ..models.cvae import FRAMES
from ..models.cvae_generator import CANDIDATES, MovementGenerator
from ..models.cvae_store import load_generator
from .generation_actor import ACTOR_FRAMES, Actor
from .generation_data import take_of
from .generation_finish import footed, smoothed
from .motion_data import EMOTIONS, FPS, GeneratedTake, TakeSource
from .train import AROUSAL, VALENCE

MODELS: Final = ("cvae", "manifold", "stream")
_OVERLAP: Final = 12  # frames in which one movement goes over into the next
_CANDIDATES: Final = 24
_OF_EACH: Final = 4  # what is joined is chosen for how it fits, from movements that are the best of so few


def make_source(model: str, weights: Path | None = None) -> TakeSource:
    """Return the source of takes of a model's name; raises InputError for another name."""
    if model == "cvae":
        return cvae_source(open_generator(weights))
    if model == "manifold":
        return plane_source(open_generator(weights))
    if model == "stream":
        from .generation_stream import stream_source

        return stream_source()
    raise InputError(model, "no such generator", mend=f"one of {', '.join(MODELS)}")


def open_generator(weights: Path | None) -> MovementGenerator:
    """Return the shipped offline generator, or that of a file; raises WeightsProblem."""
    torch.set_num_threads(1)
    return (load_generator() if weights is None else load_generator(weights))[0]


def cvae_source(model: MovementGenerator) -> TakeSource:
    """Return takes drawn by the prior; longer ones are movements joined where they fit best."""

    def draw(emotion: str, intensity: float, seeds: Sequence[int]) -> Float32:
        alone = len(seeds) == 1
        return model.draw(_known(emotion), intensity, seeds, CANDIDATES if alone else _OF_EACH).numpy()

    return _joined("cvae", draw)


def normal_source(model: MovementGenerator) -> TakeSource:
    """Return takes drawn from one normal an emotion, as in arXiv 2606.28769."""
    return _joined("cvae, one normal", lambda e, i, seeds: model.draw_normal(_known(e), i, seeds).numpy())


def plane_source(model: MovementGenerator) -> TakeSource:
    """Return neutral takes moved on the plane to where the emotion lies, by intensity of the way."""

    def draw(emotion: str, intensity: float, seeds: Sequence[int]) -> Float32:
        valence, arousal = VALENCE[_known(emotion)] * intensity, AROUSAL[emotion] * intensity
        return plane_poses(model, valence, arousal, seeds)

    return _joined("manifold", draw)


def plane_poses(model: MovementGenerator, valence: float, arousal: float, seeds: Sequence[int]) -> Float32:
    """Return movements (N, 64, 130) at a place of the plane: neutral ones, moved there."""
    lengths = torch.full((len(seeds),), FRAMES)
    latents = model.encode(model.draw("neutral", 0.0, seeds), lengths)
    return model.moved(latents, valence, arousal).numpy()


def actor_source(model: Actor, classes: Sequence[str]) -> TakeSource:
    """Return takes of the peer, which knows neither intensity nor any length but its own."""

    def make(emotion: str, intensity: float, seconds: float, seed: int) -> GeneratedTake:  # noqa: ARG001
        noise = torch.randn(1, 256, generator=torch.Generator().manual_seed(seed))
        with torch.inference_mode():
            poses = model.decode(noise, torch.tensor([classes.index(_known(emotion))]))[0].numpy()
        frames = min(round(seconds * FPS), ACTOR_FRAMES)
        return take_of(poses[:frames], emotion=emotion, intensity=1.0, seed=seed, model="ACTOR")

    return make


def _known(emotion: str) -> str:
    if emotion not in EMOTIONS:
        raise InputError(emotion, "no emotion that the generator knows", mend=f"one of {', '.join(EMOTIONS)}")
    return emotion


def _joined(name: str, draw: Callable[[str, float, Sequence[int]], Float32]) -> TakeSource:
    def make(emotion: str, intensity: float, seconds: float, seed: int) -> GeneratedTake:
        if not 2 <= round(seconds * FPS) <= 120 * FPS:
            raise InputError(f"{seconds} s", "no length of a take", mend="0.1 to 120 seconds")
        frames = round(seconds * FPS)
        poses = draw(emotion, intensity, [seed])[0]
        for part in range(1, 10_000):
            if len(poses) >= frames:
                break
            seeds = [seed * 1_000_003 + part * 1009 + k for k in range(1, _CANDIDATES + 1)]
            poses = joined(poses, draw(emotion, intensity, seeds))
        take = take_of(smoothed(poses[:frames]), emotion=emotion, intensity=intensity, seed=seed, model=name)
        return footed(take)

    return make


def joined(poses: Float32, candidates: Float32) -> Float32:
    """Return poses (T, 130) and after them that candidate (N, 64, 130) which fits best, gone over into in 12 frames."""
    tail = poses[-_OVERLAP:]
    heads = candidates[:, :_OVERLAP]
    speed = np.diff(candidates[:, : _OVERLAP + 1, 126:128], axis=1).mean(axis=1) - np.diff(
        tail[:, 126:128], axis=0
    ).mean(axis=0) @ _turn(-float(tail[0, 128]))
    misfit = np.square(heads[..., :126] - tail[:, :126]).mean(axis=(1, 2)) + 200.0 * np.square(speed).sum(axis=1)
    after = candidates[int(misfit.argmin())].copy()
    turned = float(tail[0, 128] - after[0, 128])
    after[:, 126:128] = after[:, 126:128] @ _turn(turned) + (tail[0, 126:128] - after[0, 126:128] @ _turn(turned))
    after[:, 128] += turned
    share = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, _OVERLAP + 2)[1:-1, None])
    between = tail + share * (after[:_OVERLAP] - tail)
    return np.concatenate((poses[:-_OVERLAP], between, after[_OVERLAP:])).astype(np.float32)


def _turn(heading: float) -> Float32:
    """Return the matrix (2, 2) that places (x, z) are multiplied by from the right to turn about +y."""
    sine, cosine = np.sin(heading), np.cos(heading)
    return np.array([[cosine, -sine], [sine, cosine]], dtype=np.float32)
