"""The streaming generator as a source of takes, so that it is judged by the same command as the offline ones."""

from __future__ import annotations

from ..engine.errors import InputError
from .motion_data import EMOTIONS, FPS, GeneratedTake, TakeSource

_SETTLE_S = 2.0  # left away: it begins at rest


def learnt_all() -> bool:
    """Tell whether the shipped weights learnt from the contents that the judge learns from."""
    from ..engine.generator import load_generator

    recipe = load_generator().info.training.get("recipe", {})
    return bool(dict(recipe).get("held_out", True))


def stream_source() -> TakeSource:
    """Return takes of the streaming generator from its third second on, every other one walking, as in the sets."""
    from ..engine.generator import Generator, load_generator
    from ..engine.wish import Wish

    model = load_generator()

    def make(emotion: str, intensity: float, seconds: float, seed: int) -> GeneratedTake:
        if emotion not in EMOTIONS:
            raise InputError(emotion, "no emotion that the generator knows", mend=f"one of {', '.join(EMOTIONS)}")
        generator = Generator(model, seed=seed, rate_hz=FPS)
        generator.ask(Wish(emotion=emotion, intensity=intensity, travels=seed % 2 == 0))
        first = round(_SETTLE_S * FPS)
        positions, rotations, root = (each[0, first:] for each in generator.take(first + round(seconds * FPS)))
        return GeneratedTake(emotion, intensity, seed, positions, rotations, root, model="stream")

    return make
