"""Control by OSC: `--control osc:127.0.0.1:9001` hears what a patch in TouchDesigner, Max or Unreal tells the show.

    /emotus/teach s            begin a take of this label         /emotus/control/baseline/freeze
    /emotus/teach/stop         end it and learn from it           /emotus/control/baseline/resume
    /emotus/teach/undo         take the last one back             /emotus/control/consent/grant s (who consents)
    /emotus/control/stop       end the show at once               /emotus/control/consent/revoke

Each may name a stream after its own arguments; without one the only performer is meant. A number at the end is that of
a button: 0 is no command. OSC knows no token, so it is
heard from this machine only. A datagram that is no command is counted, told of by a status, and nobody else notices.
"""

from __future__ import annotations

import socket
import threading
from typing import Final

from ..engine.clock import NS_PER_S, Clock
from ..engine.control import Command, ControlInbox, fields_of, parse
from ..engine.errors import ControlError, OscError, UriError
from ..engine.events import Event
from ..engine.osc_codec import OscMessage, decode
from .address import is_loopback, join_host_port, resolve
from .base import BridgeStats
from .osc_template import ROOT

MAX_DATAGRAM: Final = 4096
MAX_COMMANDS: Final = 50  # a second: more is a loop in a patch
LOOK_S: Final = 0.1
NUMBERS: Final = frozenset(("value", "seconds"))  # arguments that are numbers by themselves
_PREFIXES: Final = (f"{ROOT}/control/", f"{ROOT}/")


class OscControl:
    """Hear commands at a UDP address of this machine and put them into an inbox; events given to it end here."""

    def __init__(self, host: str, port: int, inbox: ControlInbox, *, clock: Clock) -> None:
        self._host = host
        self._port = port
        self._uri = f"osc:{join_host_port(host, port)}"
        self._inbox = inbox
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._halt = threading.Event()
        self._received = self._errors = 0
        self._second_ns = self._in_second = 0

    @property
    def port(self) -> int:
        """Return the port listened at, the one that was found where 0 was asked for."""
        return self._port

    def start(self) -> None:
        """Listen; raise UriError where the port is taken or other machines could reach it."""
        if self._thread is not None:
            return
        found = resolve(f"--control {self._uri}", self._host, self._port, socket.SOCK_DGRAM)
        if not is_loopback(found):
            mend = "use 127.0.0.1, or ws: with --expose and its token"
            raise UriError(f"--control {self._uri}", "other machines could control the show", mend=mend)
        family, address = found[0]
        listener = socket.socket(family, socket.SOCK_DGRAM)
        try:
            listener.bind(address)
        except OSError as error:
            listener.close()
            problem = error.strerror or str(error)
            raise UriError(f"--control {self._uri}", problem, mend="choose another port") from error
        listener.settimeout(LOOK_S)
        self._port = listener.getsockname()[1]
        self._halt.clear()
        self._thread = threading.Thread(target=self._listen, args=(listener,), name=self._uri, daemon=True)
        self._thread.start()

    def send(self, event: Event) -> None:  # noqa: ARG002 - it listens, and passes nothing on
        """Take one event and let it end here: what the show says goes through the other bridges."""
        self._received += 1

    def close(self) -> None:
        """Stop listening."""
        self._halt.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(1.0)

    def stats(self) -> BridgeStats:
        """Return the counts; errors are datagrams that were no commands."""
        return BridgeStats(self._received, 0, self._received, 0, self._errors, gone=True)

    def _listen(self, listener: socket.socket) -> None:
        with listener:
            while not self._halt.is_set():
                try:
                    data = listener.recv(MAX_DATAGRAM + 1)
                except TimeoutError:
                    continue
                except OSError:  # the network said that an earlier datagram of somebody found nobody
                    continue
                self._hear(data)

    def _hear(self, data: bytes) -> None:
        try:
            if len(data) > MAX_DATAGRAM:
                raise OscError(f"a datagram of more than {MAX_DATAGRAM} bytes")
            commands = [command for message in decode(data) if (command := command_of(message)) is not None]
        except (OscError, ControlError) as error:
            self._refuse(str(error))
            return
        for command in commands:
            if self._is_too_fast() or not self._inbox.put(command):
                self._refuse(f"more than {MAX_COMMANDS} commands a second")

    def _refuse(self, problem: str) -> None:
        self._errors += 1
        self._inbox.refuse(problem)

    def _is_too_fast(self) -> bool:
        now_ns = self._clock.now_ns()
        if now_ns - self._second_ns >= NS_PER_S:
            self._second_ns, self._in_second = now_ns, 0
        self._in_second += 1
        return self._in_second > MAX_COMMANDS


def command_of(message: OscMessage) -> Command | None:
    """Return the command of an OSC message; raises ControlError where it is none.

    Buttons send a number after everything else: 1 where they are pressed, and 0, which is no command, when let go. A
    number where the command itself takes one (`/emotus/control/intensity 0.5`) is its own.
    """
    prefix = next((each for each in _PREFIXES if message.address.startswith(each)), None)
    if prefix is None:
        raise ControlError(f"{message.address[:60]} is no address of ours (they begin with {ROOT}/)")
    word = message.address[len(prefix) :]
    names, args = fields_of(word), message.args
    last = len(args) - 1
    is_value = 0 <= last < len(names) and names[last] in NUMBERS
    if args and isinstance(args[-1], int | float) and not is_value:
        if not args[-1]:
            return None
        args = args[:-1]
    if len(args) > len(names):
        raise ControlError(f"{message.address[:60]} takes {len(names)} arguments, not {len(args)}")
    given = zip(names, args, strict=False)
    return parse(word, {name: value for name, value in given if value not in ("", None)})
