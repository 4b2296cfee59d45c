"""`emotus generate`: emotional motion into a BVH file, or live into a bridge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import note, say

if TYPE_CHECKING:
    from ..engine.generator import GeneratorModel
    from ..engine.wish import Wish

MOST_SECONDS = 3600.0  # of a file; a bridge is fed for as long as one likes


def generate(
    emotion: Annotated[str | None, typer.Option("--emotion", help="angry, happy, sad, proud, unsure, neutral.")] = None,
    intensity: Annotated[float, typer.Option("--intensity", help="0 neutral, 1 as played, up to 1.5.")] = 1.0,
    valence: Annotated[float | None, typer.Option("--valence", help="-1..1, with --arousal: a point instead.")] = None,
    arousal: Annotated[float | None, typer.Option("--arousal", help="-1..1, with --valence.")] = None,
    walk: Annotated[bool, typer.Option("--walk/--in-place", help="Whether to go somewhere.")] = False,
    speed: Annotated[float | None, typer.Option("--speed", help="m/s; the mood's own pace if not said.")] = None,
    direction: Annotated[float, typer.Option("--direction", help="Degrees from +Z (the audience) to +X.")] = 0.0,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="How long.")] = 10.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same motion.")] = 0,
    rate: Annotated[float, typer.Option("--rate", min=1.0, max=240.0, help="Frames a second.")] = 60.0,
    skeleton: Annotated[str | None, typer.Option("--skeleton", help="vrm, or a BVH file of your own.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The BVH file to write.")] = None,
    to: Annotated[list[str] | None, typer.Option("--to", help="A bridge to stream to, live; repeatable.")] = None,
    model: Annotated[str, typer.Option("--model", help="Shipped weights, or a .safetensors file.")] = "bandai-partner",
) -> None:
    """Generate emotional motion: into a BVH file (-o OUT.bvh), or live into bridges (--to BRIDGE)."""
    from ..engine.errors import InputError
    from ..engine.generator import load_generator
    from ..engine.wish import Wish, checked

    if (out is None) == (not to):
        raise InputError("generate", "nowhere to go to, or two ways", mend="either -o OUT.bvh or --to BRIDGE")
    if emotion is None and valence is None and arousal is None:
        raise InputError("generate", "no emotion is asked for", mend="--emotion sad, or --valence and --arousal")
    if emotion is not None and valence is not None:
        raise InputError("generate", "an emotion and a point", mend="--emotion, or --valence and --arousal")
    opened = load_generator(model)
    wish = checked(
        Wish(emotion or "neutral", intensity, valence, arousal, walk or bool(speed), speed, direction),
        opened.info.emotions,
    )
    if out is not None:
        _to_file(opened, wish, out, skeleton, seconds=seconds, seed=seed, rate_hz=rate)
    else:
        _to_bridges(opened, wish, to or [], seconds=seconds, seed=seed, rate_hz=rate)


def _to_file(
    model: GeneratorModel, wish: Wish, out: Path, skeleton: str | None, *, seconds: float, seed: int, rate_hz: float
) -> None:
    from ..engine.errors import InputError
    from ..engine.generator import Generator
    from ..engine.wish import place_of
    from .generate_bvh import Generated, save_motion

    if seconds > MOST_SECONDS:
        raise InputError(f"--seconds {seconds:g}", "a file holds an hour at most", mend="stream it: --to BRIDGE")
    if out.suffix.lower() != ".bvh":
        raise InputError(str(out), "is no .bvh", mend="-o NAME.bvh")
    generator = Generator(model, seed=seed, rate_hz=rate_hz)
    generator.ask(wish)
    generator.reset()  # from the first frame on
    joints, rotations, root = (each[0] for each in generator.take(max(2, round(seconds * rate_hz))))
    valence, arousal = place_of(wish, model.info)
    told = {"emotion": wish.emotion, "intensity": wish.intensity, "valence": valence, "arousal": arousal}
    made = Generated(joints, rotations, root, rate_hz, seed, {**told, "walks": wish.travels})
    for line in save_motion(made, model.info, skeleton, out):
        note(line)
    say(f"{out}: {len(root)} frames at {rate_hz:g} Hz, synthetic, seed {seed}, {model.info.name}; see {out}.json")


def _to_bridges(
    model: GeneratorModel, wish: Wish, uris: list[str], *, seconds: float, seed: int, rate_hz: float
) -> None:
    """Send frames at their rate until the time is over or Ctrl-C."""
    import contextlib

    from ..bridges.uri import make_bridge
    from ..engine.clock import NS_PER_S, MonotonicClock
    from ..engine.partner import Partner

    clock = MonotonicClock()
    partner = Partner(model, wish=wish, seed=seed, rate_hz=rate_hz)
    with contextlib.ExitStack() as opened:
        bridges = [make_bridge(uri, labels=model.info.emotions, clock=clock) for uri in uris]
        for bridge in bridges:
            opened.callback(bridge.close)
            bridge.start()
        note(f"to {', '.join(uris)} at {rate_hz:g} Hz for {seconds:g} s; Ctrl-C ends it")
        sent, end_ns = 0, clock.now_ns() + round(seconds * NS_PER_S)
        with contextlib.suppress(KeyboardInterrupt):
            while (now_ns := clock.now_ns()) < end_ns:
                for event in partner.tick(now_ns):
                    for bridge in bridges:
                        bridge.send(event)
                    sent += 1
                clock.sleep_until_ns(min(partner.due_ns or end_ns, end_ns))
        say(f"{sent} frames, synthetic, seed {seed}, {model.info.name}; {partner.dropped} dropped")


def train_streaming(data: Path, out: Path, *, seed: int, config: Path | None, resume: bool) -> Path:
    """Train the streaming generator (`emotus train generator`): ten minutes of one core, going on where it stopped."""
    from .partner_training import read_recipe, train_generator

    return train_generator(data, out, seed=seed, progress=note, recipe=read_recipe(config), resume=resume)
