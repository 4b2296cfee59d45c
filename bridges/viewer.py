"""The viewer: a page in the browser that shows the bodies, what their movement appears to express, and the intake."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ..engine.clock import NS_PER_S, Clock
from ..engine.control import ControlInbox
from ..engine.events import Event, StatusEvent
from ..engine.signature_references import References
from .base import BridgeStats
from .viewer_server import PageServer
from .viewer_state import GONE_NS, NOTICE_NS, PerformerState, stage_order

if TYPE_CHECKING:
    import viser

    from .viewer_panel import Panel
    from .viewer_stage import Stage

RATE_HZ: Final = 30.0
MAX_PERFORMERS: Final = 16  # what one panel and one stage can hold; events of further ones are dropped and counted
_WORDS_EVERY: Final = 3  # updates between two writings of the panel: 10 Hz is as fast as numbers can be read
_LOG: Final = logging.getLogger(__name__)

_Slot = tuple[str, str]


class ViewerBridge:
    """Show events on a page at http://host:port, for this machine only unless told otherwise.

    control: where what the page's buttons tell the show goes, None for a page without buttons. labels: those that a
    button each is shown for. references: those of the signature map; without them nearness is told in words alone.

    Between two updates of the page (30 a second) the latest event of each stream and type wins, and the ones before
    it count as dropped. Nothing is drawn while no page is open. The page needs no network: it comes whole from here.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8080,
        *,
        clock: Clock,
        control: ControlInbox | None = None,
        labels: Sequence[str] = (),
        references: References | None = None,
    ) -> None:
        self._host = host.strip("[]")
        self._control = control
        self._labels = tuple(labels)
        self._references = references
        self._port = port
        self._clock = clock
        self._lock = threading.Lock()
        self._halt = threading.Event()
        self._slots: dict[_Slot, Event] = {}
        self._states: dict[str, PerformerState] = {}
        self._leavers: set[str] = set()  # streams to be taken off the page at the next update
        self._notice, self._notice_ns = "", -NOTICE_NS
        self._page: PageServer | None = None
        self._thread: threading.Thread | None = None
        self._received = self._sent = self._dropped = self._errors = 0

    @property
    def port(self) -> int:
        """Return the port listened at; the one given unless that was 0."""
        return self._port if self._page is None else self._page.viser.get_port()

    def start(self) -> None:
        """Serve the page; raises UriError naming a port that is taken, MissingPackageError without viser."""
        if self._page is not None:
            return
        page = PageServer(self._host, self._port)
        try:
            stage, panel = _furnish(page.viser, self._control, self._labels, self._references)
        except BaseException:
            page.close()
            raise
        self._halt.clear()
        self._page = page
        self._thread = threading.Thread(target=self._run, args=(page.viser, stage, panel), name="viewer", daemon=True)
        self._thread.start()

    def send(self, event: Event) -> None:
        """Put the event where the next update finds it."""
        with self._lock:
            self._received += 1
            slot = (event.stream, f"{event.type} {event.code}" if isinstance(event, StatusEvent) else event.type)
            if self._page is None or (slot not in self._slots and not self._has_room(event.stream)):
                self._dropped += 1
                return
            self._dropped += slot in self._slots
            self._slots[slot] = event

    def forget(self, stream: str | None) -> None:
        """Drop what waits and what is shown of a stream, or of all for None; the next update takes her off the page."""
        with self._lock:
            for slot in tuple(self._slots):
                if stream in (None, slot[0]):
                    del self._slots[slot]
                    self._dropped += 1
            self._leavers.update(self._states if stream is None else (stream,))

    def close(self) -> None:
        """Stop the page and the update thread."""
        self._halt.set()
        if self._thread is not None:
            self._thread.join(0.5)
            self._thread = None
        if self._page is not None:
            self._page.close()
            self._errors += self._page.failures
        with self._lock:
            self._page = None
            self._dropped += len(self._slots)
            self._slots.clear()
            self._states.clear()

    def stats(self) -> BridgeStats:
        """Return the counts; clients are open pages, errors failed drawings and broken connections."""
        page = self._page
        clients, failures = (0, 0) if page is None else (len(page.viser.get_clients()), page.failures)
        with self._lock:
            counts = (self._received, self._sent, self._dropped, len(self._slots))
            return BridgeStats(*counts, errors=self._errors + failures, clients=clients)

    def _has_room(self, stream: str) -> bool:
        """Tell whether the stream is known or one more may come; beside the performers the engine itself speaks."""
        waiting = {name for name, _ in self._slots}
        return stream in waiting or stream in self._states or len(waiting | set(self._states)) < MAX_PERFORMERS + 1

    def _run(self, server: viser.ViserServer, stage: Stage, panel: Panel) -> None:
        """Update the page until told to stop."""
        turn = 0
        while not self._halt.wait(self._pause_s()):
            try:
                self._collect()
                stage.cast(stage_order(self._states.values()))
                if server.get_clients():
                    with server.atomic():
                        self._draw(stage, panel, turn)
                    turn += 1
            except Exception:  # noqa: BLE001 (the edge of a thread: one bad picture must not end the show)
                if not self._errors:  # told once: at 30 Hz the same again would drown everything else
                    _LOG.exception("the viewer could not draw an update; further ones are only counted")
                self._errors += 1

    def _pause_s(self) -> float:
        """Return how long to wait for the next of the updates, which keep to a fixed beat of the clock."""
        beat_ns = round(NS_PER_S / RATE_HZ)
        return (beat_ns - self._clock.now_ns() % beat_ns) / NS_PER_S

    def _collect(self) -> None:
        """Take what waits in the slots into the performers' states, and let the long silent ones go."""
        now_ns = self._clock.now_ns()
        with self._lock:
            for stream in self._leavers:
                self._states.pop(stream, None)
            self._leavers.clear()
            for event in self._slots.values():
                self._take(event, now_ns)
            self._sent += len(self._slots)
            self._slots.clear()
            for stream, state in tuple(self._states.items()):
                if state.silent_ns(now_ns) > GONE_NS:
                    del self._states[stream]

    def _take(self, event: Event, now_ns: int) -> None:
        state = self._states.get(event.stream)
        if state is None and isinstance(event, StatusEvent):
            if event.level != "info" or event.code in (
                "consent",
                "record",
            ):  # of the engine, or of someone not on stage
                self._notice, self._notice_ns = f"{event.stream}: {event.message}", now_ns
            return
        if state is None:
            state = self._states[event.stream] = PerformerState(event.stream, now_ns)
        state.take(event, now_ns)

    def _draw(self, stage: Stage, panel: Panel, turn: int) -> None:
        """Draw bodies at every update, the panel's words at some of them."""
        now_ns = self._clock.now_ns()
        states = stage_order(self._states.values())
        stage.show(states, now_ns)
        if turn % _WORDS_EVERY == 0:
            notice = self._notice if now_ns - self._notice_ns < NOTICE_NS else ""
            panel.show(states, now_ns, notice, turn // _WORDS_EVERY)


def _furnish(
    server: viser.ViserServer, control: ControlInbox | None, labels: Sequence[str], references: References | None
) -> tuple[Stage, Panel]:
    """Build stage and panel; viser is imported only when a viewer starts."""
    from .viewer_panel import Panel
    from .viewer_stage import Stage

    return Stage(server), Panel(server, control, labels, references)
