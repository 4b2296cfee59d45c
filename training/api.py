"""emotus for programs: `for event in emotus.Engine().run("synthetic:happy")`, in a loop or in an async one.

The same house as `emotus run`, wired the same way: sensors, engine and bridges run in threads of their own, and the
loop is one bridge more, which takes what it can. Consent is asked for as there: recordings and performers made by rule
need none, whoever stands before a camera or in a suit does.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ..bridges.base import Bridge
from ..bridges.uri import make_bridge
from ..engine.clock import Clock, MonotonicClock
from ..engine.errors import EmotusError, InputError
from ..engine.events import Event
from ..engine.pipeline import Engine as Pipeline
from ..engine.recognise import Recogniser
from ..engine.runner import Runner, Summary
from ..sensors.base import Sensor
from ..sensors.files import open_recording
from ..sensors.uri import open_sensor, shows_a_person
from .backstage import Backstage, prepare
from .contexts import recogniser_for
from .mailbox import Mailbox

DEFAULT_MODEL = "bandai-stgcn"
CLOSE_S = 2.0

Texts = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what every run of an engine is made with."""

    model: str
    context: str
    explain: bool
    profiles: tuple[str, ...]
    consents: tuple[str, ...]
    signature: tuple[str, ...]


class Engine:
    """Read moving bodies: the weights are loaded once, at the first run, and used by every run.

    model: a shipped model's name or a .safetensors file. context: art, research, home, medical, or workplace and
    education, where no emotion is inferred. explain: tell which joints carried each decision. profile: performers'
    profiles, [STREAM=]FILE. consent: who consents, [STREAM=]NAME[:PURPOSES[:MINUTES]], for sensors that show a person
    live. signature: recordings to compare with, [NAME=]FILE. Raises InputError for a context there is not.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        context: str = "art",
        explain: bool = False,
        profile: Texts = (),
        consent: Texts = (),
        signature: Texts = (),
    ) -> None:
        self._asked = Asked(model, context, explain, _texts(profile), _texts(consent), _texts(signature))
        self._lock = threading.Lock()
        self._loaded: tuple[Recogniser | None] | None = None

    def run(
        self, *sensors: str | Path, bridges: Texts = (), seconds: float | None = None, types: Texts | None = None
    ) -> Run:
        """Return the events of these sensors: addresses such as "webcam:0", or the paths of recordings.

        bridges: addresses to which everything goes as well. seconds: of the clock where a sensor is live, of each
        recording's own time otherwise. types: events to hear, such as ("emotion", "pose"); all when left out. Raises
        the EmotusError of an address, here, and of a sensor that cannot be opened, where the loop begins.
        """
        if not sensors:
            raise InputError("run", "no sensor is named", mend='run("synthetic:happy"), or "webcam:0"')
        clock = MonotonicClock()
        opened = [_open(each, clock) for each in sensors]
        uris = [f"bvh:{each}" if isinstance(each, Path) else each for each in sensors]
        recogniser = self._recogniser()
        stage = prepare(
            recogniser,
            clock,
            profiles=self._asked.profiles,
            consents=self._asked.consents,
            signature=self._asked.signature,
        )
        sinks = [make_bridge(uri, labels=stage.labels, clock=clock, control=stage.inbox) for uri in _texts(bridges)]
        _refuse_unasked(uris, stage, sinks)
        stage.admit(uris, opened)
        mailbox = Mailbox(live=any(sensor.live for sensor in opened))
        governed = {"control": stage.inbox, "consent": stage.consent, "persons": stage.persons}
        pipeline = _pipeline(recogniser, clock, opened, stage, explain=self._asked.explain)
        runner = Runner(opened, pipeline, [*sinks, mailbox], clock, **governed)
        wanted = None if types is None else frozenset(_texts(types))
        return Run(Show(runner, mailbox, stage, seconds), wanted)

    def _recogniser(self) -> Recogniser | None:
        with self._lock:
            if self._loaded is None:
                self._loaded = (recogniser_for(self._asked.context, self._asked.model, place="context"),)
            return self._loaded[0]


@dataclass(slots=True)
class Show:
    """Hold what the run's own thread works with: not the run itself, so that one that nobody holds any more ends."""

    runner: Runner
    mailbox: Mailbox
    stage: Backstage
    seconds: float | None
    errors: list[BaseException] = field(default_factory=list[BaseException])

    def work(self) -> None:
        """Run until the end; to be called in a thread of its own."""
        try:
            self.runner.run(self.seconds)
        except BaseException as error:  # noqa: BLE001 - the edge of a thread: the loop raises it
            self.errors.append(error)
        finally:
            self.mailbox.close()
            try:
                self.stage.finish()
            except EmotusError as error:
                self.errors.append(error)

    def stop(self) -> None:
        """End the run within a few milliseconds; what waits is not for anybody any more."""
        self.runner.stop()
        self.mailbox.close()
        self.mailbox.forget(None)


class Run:
    """Give the events of one run, to `for` or `async for`; ends with its sensors, its seconds, or `close`.

    A loop that is slower than the sensors hears the newest of each stream and type where a sensor is live, and holds
    recordings up otherwise, which lose nothing. `with` and `async with` close it however the loop ends.
    """

    def __init__(self, show: Show, types: frozenset[str] | None) -> None:
        self._show = show
        self._mailbox = show.mailbox
        self._types = types
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def summary(self) -> Summary:
        """Return how the run goes: events by type, ages of the answers, what was dropped, what failed."""
        return self._show.runner.summary

    @property
    def dropped(self) -> int:
        """Return how many events a newer one replaced before the loop took them."""
        return self._mailbox.stats().dropped

    def close(self) -> None:
        """Stop, and wait until everything is closed; harmless when repeated. Callable from any thread."""
        self._is_closed = True
        self._show.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_S)

    def __del__(self) -> None:
        show = getattr(self, "_show", None)
        if show is not None:
            show.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def __iter__(self) -> Iterator[Event]:
        self._begin()
        return self

    def __next__(self) -> Event:
        while (event := self._mailbox.take()) is not None:
            if self._types is None or event.type in self._types:
                return event
        self._finish()
        raise StopIteration

    def __aiter__(self) -> AsyncIterator[Event]:
        self._begin()
        return self

    async def __anext__(self) -> Event:
        loop = asyncio.get_running_loop()
        while True:
            woken = asyncio.Event()
            event, is_over = self._mailbox.take_now(lambda ready=woken: _wake(loop, ready))
            if is_over:
                await asyncio.to_thread(self._finish)
                raise StopAsyncIteration
            if event is None:
                await woken.wait()
            elif self._types is None or event.type in self._types:
                return event

    def _begin(self) -> None:
        if self._thread is None and not self._is_closed:
            self._thread = threading.Thread(target=self._show.work, name="emotus-run", daemon=True)
            self._thread.start()

    def _finish(self) -> None:
        """Wait for the end, and raise once what ended the run if that was no end."""
        if self._thread is not None:
            self._thread.join(CLOSE_S)
        failures = self.summary.failures
        errors = [*self._show.errors, *(EmotusError(failure) for failure in failures[:1])]
        was_closed, self._is_closed = self._is_closed, True
        self._show.errors.clear()
        if errors and not was_closed:
            raise errors[0]


def _pipeline(
    recogniser: Recogniser | None, clock: Clock, sensors: Sequence[Sensor], stage: Backstage, *, explain: bool
) -> Pipeline:
    return Pipeline(
        recogniser,
        clock,
        live=any(sensor.live for sensor in sensors),
        explain=explain,
        may_read=lambda stream: stage.consent.allows(stream, "recognise"),
        acquaintances=stage.roster,
        signature=stage.references,
        may_sign=lambda stream: stage.consent.allows(stream, "signature"),
    )


def _open(sensor: str | Path, clock: Clock) -> Sensor:
    return open_recording(sensor, clock) if isinstance(sensor, Path) else open_sensor(sensor, clock)


def _refuse_unasked(uris: Sequence[str], stage: Backstage, sinks: Sequence[Bridge]) -> None:
    """Refuse a sensor that shows a person who cannot consent: nobody named her, and no bridge lets her say so."""
    closed = [uri for uri in uris if shows_a_person(uri)]
    if closed and not stage.consent.grants() and not sinks:
        raise InputError(closed[0], "shows a person, and nobody said that she consents", mend='consent="HER NAME"')


def _texts(value: Texts) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _wake(loop: asyncio.AbstractEventLoop, ready: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has just ended
        loop.call_soon_threadsafe(ready.set)
