"""The desk: where commands are carried out, on the inference thread, between two poses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .clock import Clock
from .consent import RECOGNISE, SIGNATURE, Consent
from .control import Command, ConsentGrant, ConsentRevoke, ControlInbox, RecordStart, RecordStop, StopEverything
from .events import Event, StatusEvent
from .inbox import Inbox
from .notices import Notices
from .outlet import Outlet
from .pipeline import Engine
from .steering import Direction, Generate, Intensity, MirrorAs, Speed, Steering

if TYPE_CHECKING:
    from .partner import Partner

ENGINE = "engine"  # the stream under which the house itself speaks


class Desk:
    """Carry out what a show is told, and see to it that nothing is kept of those who do not consent.

    partner: the generated one. halt: silences everything and ends the run. Consent and stopping are seen to here,
    teaching and baselines by the engine. What was no command is reported with its reason, at most once a second.
    """

    def __init__(
        self,
        control: ControlInbox,
        engine: Engine,
        consent: Consent | None,
        outlet: Outlet,
        inbox: Inbox,
        clock: Clock,
        *,
        halt: Callable[[], None],
        partner: Partner | None = None,
    ) -> None:
        self._control = control
        self._engine = engine
        self._consent = consent
        self._outlet = outlet
        self._inbox = inbox
        self._clock = clock
        self._halt = halt
        self._partner = partner
        self._notices = Notices(ENGINE)
        self._malformed = 0
        self._seq = 0

    def work(self) -> Iterator[Event]:
        """Carry out what waits; yield what there is to say of it."""
        for command in self._control.take():
            yield from self._obey(command)

    def look_round(self) -> Iterator[Event]:
        """Erase what consent no longer covers, and tell of messages that were no commands; call it at every tick."""
        consent = self._consent
        if consent is not None:
            for stream in self._engine.performers():
                if not consent.admits(stream):
                    self._erase(stream)
                    yield self._tell("warning", "consent", f"{stream}: consent has ended; nothing of it is kept")
        malformed, problem = self._control.problems()
        if malformed != self._malformed:
            self._malformed = malformed
            counters = {"malformed": malformed, "dropped": self._control.stats().dropped}
            yield from self._notices.say("warning", "control", problem, self._clock.now_ns(), counters)

    def _obey(self, command: Command) -> Iterator[Event]:
        match command:
            case StopEverything():
                self._halt()
            case ConsentGrant():
                yield from self._grant(command)
            case ConsentRevoke():
                yield from self._revoke(command)
            case RecordStart() | RecordStop():
                yield self._record(on=isinstance(command, RecordStart))
            case Generate() | MirrorAs() | Intensity() | Direction() | Speed():
                yield from self._steer(command)
            case _:
                yield from self._engine.obey(command)

    def _grant(self, command: ConsentGrant) -> Iterator[Event]:
        if self._consent is None:
            yield self._tell("info", "consent", "nobody here is asked for consent")
            return
        self._consent.grant(command)
        for stream, performer in self._engine.performers().items():
            read = (performer.reader is not None) == self._consent.allows(stream, RECOGNISE)
            signed = performer.is_signed == (self._engine.signs and self._consent.allows(stream, SIGNATURE))
            if not (read and signed):
                self._engine.send_off(stream)  # she enters again as what she consents to
        whom = command.stream or "every stream"
        until = "" if command.seconds is None else f" for {command.seconds:.0f} s"
        message = f"{whom}: consent is given to {', '.join(command.purposes)}{until}"  # by whom stays here
        yield self._tell("info", "consent", message)

    def _record(self, *, on: bool) -> StatusEvent:
        """Let the recorders go on or end their file; say so, and say where there is none."""
        if not self._outlet.record(on=on):
            return self._tell("warning", "record", "nothing here records (emotus run --record FILE.mcap)")
        return self._tell("info", "record", "recording goes on, in a new file" if on else "the recording is ended")

    def _steer(self, command: Steering) -> Iterator[Event]:
        """Pass a word on to the generated partner; say where there is none."""
        if self._partner is None:
            yield self._tell("warning", "generate", "nothing is generated here (emotus run --generate EMOTION|mirror)")
        else:
            yield from self._partner.obey(command, self._clock.now_ns())

    def _revoke(self, command: ConsentRevoke) -> Iterator[Event]:
        if self._consent is None:
            return
        for stream in self._consent.revoke(command.stream):
            self._erase(stream)
            yield self._tell("warning", "consent", f"{stream}: consent is revoked; nothing of it is kept")

    def _erase(self, stream: str) -> None:
        """Drop everything held of a stream: what waits to be read, what was gathered or recorded, what is to leave."""
        answered = None if self._partner is None else self._partner.forget(stream)
        if answered is not None:
            self._outlet.erase(answered)
        self._inbox.forget(stream)
        self._engine.forget(stream)
        self._outlet.erase(stream)

    def _tell(self, level: str, code: str, message: str) -> StatusEvent:
        self._seq += 1
        grade = "warning" if level == "warning" else "info"
        return StatusEvent(ENGINE, self._seq - 1, self._clock.now_ns(), grade, code, message)
