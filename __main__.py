"""The command line: builds sensors -> engine -> bridges. The only file that wires; nobody imports it."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .bridges.page import VIEW_HOST, VIEW_PORT, free_port, make_viewer, open_browser, page_lines
from .engine.errors import EmotusError, InputError
from .training import registry
from .training.commands import DEFAULT_MODEL, Json
from .training.console import complain, note, say
from .training.contexts import Context, recogniser_for, required_recogniser
from .training.menu import Menu

if TYPE_CHECKING:
    from .bridges.base import Bridge
    from .engine.clock import Clock
    from .engine.partner import Partner
    from .engine.ports import Source
    from .engine.recognise import Recogniser
    from .engine.runner import Summary
    from .engine.take import Take
    from .sensors.base import Sensor
    from .training.backstage import Backstage
    from .training.roster import Roster

DEMO_SECONDS = 20.0
PERFORMERS = 16  # followed at once at least; a sensor may show several

app = typer.Typer(
    name="emotus",
    cls=Menu,
    help="Read the emotion a moving body appears to express, live, and pass it on.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

registry.hang(app)

SensorUris = Annotated[
    list[str],
    typer.Option(
        "-s", "--sensor", help="bvh:PATH, synthetic:EMOTION, webcam:0, ...: see `emotus sensors`; repeatable."
    ),
]
BridgeUris = Annotated[
    list[str] | None,
    typer.Option(
        "-b",
        "--bridge",
        help="osc:, vmc:, vrchat:, ws:, rosbridge:, lsl:, midi:, artnet:, sacn:, oscquery:, jsonl:PATH; repeatable.",
    ),
]
Model = Annotated[str, typer.Option("--model", help="A shipped model's name or a .safetensors file.")]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0.0, help="Stop after so long.")]
Explain = Annotated[bool, typer.Option("--explain", help="Tell which joints carried each decision.")]
View = Annotated[
    str | None, typer.Option("--view", help=f"Browser page at [HOST:PORT]; {VIEW_HOST}:{VIEW_PORT} if not said.")
]
Expose = Annotated[bool, typer.Option("--expose", help="Allow listening beyond this machine, with a token.")]
Profiles = Annotated[
    list[str] | None, typer.Option("-p", "--profile", help="A performer's profile, [STREAM=]FILE; repeatable.")
]
Profile = Annotated[str | None, typer.Option("-p", "--profile", help="The profile of the one in the recordings.")]
Learn = Annotated[bool, typer.Option("--learn", help="Keep in the profiles what is learnt of the performers.")]
Consents = Annotated[
    list[str] | None, typer.Option("--consent", help="[STREAM=]NAME[:PURPOSES[:MINUTES]]: who consents; repeatable.")
]
References = Annotated[
    list[str] | None, typer.Option("--signature", help="Tell how near she moves to [NAME=]RECORDING; repeatable.")
]
Together = Annotated[bool, typer.Option("--group", help="Compare the performers: who moves like whom, how together.")]
Blind = Annotated[bool, typer.Option("--blind", help="Show every performer with the same standard body.")]
Record = Annotated[Path | None, typer.Option("--record", help="Record the show to FILE.mcap, to be played again.")]
Generate = Annotated[
    str | None, typer.Option("--generate", help="A generated partner: EMOTION, or mirror[:opposite|delayed|amplified].")
]
Audit = Annotated[str | None, typer.Option("--audit", help="Append model and consent to this audit trail.")]
Controls = Annotated[list[str] | None, typer.Option("--control", help="Hear commands at osc:HOST:PORT; repeatable.")]


@app.command()
def run(
    sensors: SensorUris,
    bridges: BridgeUris = None,
    model: Model = DEFAULT_MODEL,
    view: View = None,
    seconds: Seconds = None,
    context: Context = "art",
    explain: Explain = False,
    expose: Expose = False,
    profiles: Profiles = None,
    learn: Learn = False,
    consents: Consents = None,
    controls: Controls = None,
    audit: Audit = None,
    signature: References = None,
    group: Together = False,
    blind: Blind = False,
    record: Record = None,
    generate: Generate = None,
) -> None:
    """Run sensors through the engine into bridges until they end, the time is over or Ctrl-C."""
    from .engine.clock import MonotonicClock
    from .sensors.uri import open_sensor
    from .training.backstage import make_partner, prepare

    if blind and signature:
        raise InputError("--blind", "a signature tells who it is that moves", mend="leave out --signature")
    clock = MonotonicClock()
    sources = [open_sensor(uri, clock) for uri in sensors]
    recogniser = _recogniser(model, context, len(sources))
    partner = make_partner(generate, recogniser)
    stage = prepare(
        recogniser,
        clock,
        profiles=profiles or [],
        consents=consents or [],
        learn=learn,
        signature=signature or [],
        audit=audit,
        told={"context": context, "sensors": _schemes(sensors), "bridges": _schemes(bridges or [])},
    )
    stage.admit(sensors, sources)
    kept = [] if record is None else [f"mcap:{record}"]
    sinks = _sinks([*(bridges or []), *kept], view, stage, clock, expose=expose, controls=controls or [])
    told = {"explain": explain, "group": group, "blind": blind, "partner": partner}
    summary = _drive(sources, recogniser, sinks, clock, seconds, stage, **told)
    _say_summary(summary)
    if summary.failures:
        raise typer.Exit(1 if summary.unexpected else 2)


@app.command()
def recognize(
    files: Annotated[list[Path], typer.Argument(help="Recordings: .bvh, .mvnx")],
    as_json: Json = False,
    explain: Explain = False,
    model: Model = DEFAULT_MODEL,
    profile: Profile = None,
    context: Context = "art",
) -> None:
    """Read whole recordings: one result a file, with its time line."""
    from .training.roster import known_by

    recogniser = required_recogniser(context, model, "recognize")
    meet = known_by(profile, recogniser)
    failed = False
    for file in files:
        try:
            take = _read_take(file, recogniser, meet(), explain=explain)
        except EmotusError as error:
            complain(error)
            failed = True
            continue
        say(json.dumps({"file": str(file), **take.to_dict()}) if as_json else take.to_text(str(file)))
    if failed:
        raise typer.Exit(2)


@app.command()
def demo(
    seconds: Seconds = None,
    headless: Annotated[bool, typer.Option("--headless", help="Open no browser, only say where the page is.")] = False,
) -> None:
    """Show a generated performer through the whole engine, the viewer and the bridges; needs no hardware."""
    from .bridges.terminal import TerminalBridge
    from .bridges.uri import make_bridge
    from .engine.clock import MonotonicClock
    from .sensors.uri import open_sensor
    from .training.backstage import prepare

    clock = MonotonicClock()
    recogniser = _recogniser(DEFAULT_MODEL, "art")
    stage = prepare(recogniser, clock)
    told = {"labels": stage.labels, "clock": clock, "control": stage.inbox}
    view_port, ws_port = free_port(VIEW_PORT), free_port(8765)
    uris = [f"ws:127.0.0.1:{ws_port}", "osc:127.0.0.1:9000"]
    sinks: list[Bridge] = [make_bridge(uri, **told) for uri in uris]
    sinks += [make_viewer(f"{VIEW_HOST}:{view_port}", expose=False, **told), TerminalBridge()]
    page = f"http://{VIEW_HOST}:{view_port}"
    shown = not headless and open_browser(page)
    if seconds is None and not (shown and sys.stdin.isatty()):
        seconds = DEMO_SECONDS
    note(f"the page: {page}{'' if shown else '  (open it in a browser on this machine)'}; Ctrl-C ends it")
    note(f"also sent to: {', '.join(uris)}; the performer is synthetic, and what is read is apparent expression")
    sources = [open_sensor("synthetic:tour", clock)]
    _say_summary(_drive(sources, recogniser, sinks, clock, seconds, stage, explain=False))


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Benchmarks to run; all when none is named.")] = None,
    as_json: Json = False,
) -> None:
    """Measure ours and its peers on the same work, side by side, one thread."""
    root = Path(__file__).parent
    harness = root / "benchmarks" / "harness.py"
    if not harness.exists():
        raise InputError("bench", "the benchmarks are not installed with emotus", mend="run it from the repository")
    spec = importlib.util.spec_from_file_location("emotus_benchmarks", harness)
    assert spec is not None  # noqa: S101 - the file is there
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    raise typer.Exit(module.run_benchmarks(names or (), as_json=as_json, root=root))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Tell what is installed, what would work here, and how to mend the rest."""
    from . import doctor as surgery

    checks = surgery.diagnose()
    say(surgery.as_json_lines(checks) if as_json else surgery.as_table(checks))
    if any(check.needed and not check.ok for check in checks):
        raise typer.Exit(1)


def _read_take(file: Path, recogniser: Recogniser | None, roster: Roster | None, *, explain: bool) -> Take:
    """Run one recording through the engine as fast as it goes; return its answer and time line."""
    from .engine.clock import MonotonicClock
    from .engine.events import EmotionEvent
    from .engine.pipeline import Engine
    from .engine.take import summarise
    from .sensors.files import open_recording

    clock = MonotonicClock()
    engine = Engine(recogniser, clock, live=False, explain=explain, acquaintances=roster)
    sensor = open_recording(file, clock)
    events: list[EmotionEvent] = []
    with contextlib.closing(sensor):
        sensor.open()
        while sensor.health().state != "ended":
            pose = sensor.read()
            if pose is not None:
                events += [event for event in engine.step(pose) if isinstance(event, EmotionEvent)]
    events += [event for event in engine.flush() if isinstance(event, EmotionEvent)]
    take = summarise(events)
    if take is None:
        raise InputError(str(file), "no frame of it could be read as a movement", mend="is it longer than a pose?")
    return take


def _recogniser(model: str, context: str, performers: int = 1) -> Recogniser | None:
    """Load the recogniser, or none where the context forbids reading emotions; its file is not opened then."""
    recogniser = recogniser_for(context, model, performers=performers)
    if recogniser is None:
        note(f"context {context}: no emotion is inferred; movement qualities only")
    return recogniser


def _sinks(
    uris: Sequence[str], view: str | None, stage: Backstage, clock: Clock, *, expose: bool, controls: Sequence[str]
) -> list[Bridge]:
    from .bridges.complaints import ComplaintsBridge
    from .bridges.terminal import TerminalBridge
    from .bridges.uri import make_bridge, make_control

    inbox = stage.inbox
    sinks = [make_bridge(uri, labels=stage.labels, expose=expose, clock=clock, control=inbox) for uri in uris]
    if view is not None:
        told = {"control": inbox, "labels": stage.labels, "references": stage.references}
        sinks.append(make_viewer(view, clock=clock, expose=expose, **told))
        for line in page_lines(view):
            note(line)
    heard = [make_control(uri, inbox, clock) for uri in controls]
    return [*(sinks or [TerminalBridge()]), *heard, ComplaintsBridge(clock=clock)]


def _drive(
    sources: Sequence[Sensor],
    recogniser: Recogniser | None,
    sinks: Sequence[Bridge],
    clock: Clock,
    seconds: float | None,
    stage: Backstage,
    *,
    explain: bool,
    group: bool = False,
    blind: bool = False,
    partner: Partner | None = None,
) -> Summary:
    """Run until the end, the time or a signal; SIGINT and SIGTERM close everything in order."""
    from .engine.group import Group
    from .engine.pipeline import Engine
    from .engine.runner import Runner
    from .training.backstage import stop_key

    live = any(source.live for source in sources)
    engine = Engine(
        recogniser,
        clock,
        live=live,
        explain=explain,
        max_performers=max(PERFORMERS, len(sources)),
        may_read=lambda stream: stage.consent.allows(stream, "recognise"),
        acquaintances=stage.roster,
        signature=stage.references,
        may_sign=lambda stream: stage.consent.allows(stream, "signature"),
        group=Group() if group else None,
        blind=blind,
    )
    governed = {"control": stage.inbox, "consent": stage.consent, "persons": stage.persons, "partner": partner}
    runner = Runner(sources, engine, sinks, clock, on_open=_say_opened, **governed)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: runner.stop())
    with stop_key(runner.halt):
        summary = runner.run(seconds)
    stage.finish()
    return summary


def _schemes(uris: Sequence[str]) -> str:
    """Return what kinds of sensors or bridges are used, and nothing of where they are."""
    return ", ".join(uri.partition(":")[0] for uri in uris)


def _say_opened(source: Source) -> None:
    """Tell what a sensor found: which skeleton was matched, and how."""
    if source.health().message:
        note(source.health().message)


def _say_summary(summary: Summary) -> None:
    """Tell on standard error what failed, what came in and how old the answers were."""
    for failure in summary.failures:
        complain(failure)
    for line in summary.lines():
        note(line)


def _with_view(words: Sequence[str]) -> list[str]:
    """Give a bare --view its address, since the address may be left out."""
    out: list[str] = []
    for word, after in itertools.zip_longest(words, words[1:], fillvalue="--"):
        out.append(word)
        if word == "--view" and after.startswith("-"):
            out.append(f"{VIEW_HOST}:{VIEW_PORT}")
    return out


def main(words: Sequence[str] | None = None) -> None:
    """Run a command; exit 0 when done, 2 with one line when the command line or its input is wrong, 1 otherwise."""
    words = (sys.argv[1:] if words is None else words) or ["--help"]
    try:
        code = app(_with_view(words), prog_name="emotus", standalone_mode=False)
    except typer.TyperException as error:
        complain(f"{error.format_message()} (emotus --help)")
        code = 2
    except EmotusError as error:
        complain(error)
        code = 2
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:  # the reader of our output went away: nothing more to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # the edge of the process: never a traceback on stage
        if os.environ.get("EMOTUS_DEBUG"):
            raise
        complain(f"{type(error).__name__}: {error} (EMOTUS_DEBUG=1 shows where)")
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def command() -> None:
    """Run a command as a process of its own, which ends at once when all is closed.

    Taking a loaded torch apart piece by piece costs seconds on a busy machine; Ctrl-C has two in all.
    """
    try:
        main()
    except SystemExit as ended:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)


if __name__ == "__main__":
    command()
